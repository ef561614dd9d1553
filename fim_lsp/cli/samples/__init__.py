"""Real files from packages no shipped model was trained on (LICENSES.txt), and holes in them for `fim-lsp demo`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from fim_lsp.domain import Snapshot

HOLES = (  # (file, text before the hole, what the file had in it)
    ("aiosqlite_cursor.py", "await self._execute(self._cursor.executescript, ", "sql_script"),
    (
        "aiosqlite_cursor.py",
        '        """Fetch a single row."""\n        ',
        "return await self._execute(self._cursor.fetchone)",
    ),
    ("aiosqlite_cursor.py", "    def lastrowid(self) -> Optional[int]:\n        ", "return self._cursor.lastrowid"),
    ("stack_data_utils.py", "        left = max_length - ", "len(middle) - right"),
    ("stack_data_utils.py", "def unique_in_order(it: Iterable[T]) -> List[T]:\n    ", "return list(OrderedDict.fromkeys(it))"),
    (
        "webcolors_normalization.py",
        "    return PercentRGB._make(",
        "_normalize_percent_rgb(value) for value in rgb_triplet)",
    ),
)


def read_samples() -> Iterator[tuple[str, Snapshot]]:
    """Yield (title, snapshot) of every hole, its text cut out."""
    for name, before, gold in HOLES:
        text = (files("fim_lsp.cli.samples") / name).read_text(encoding="utf-8")
        at = text.index(before + gold) + len(before)
        line = text.count("\n", 0, at) + 1
        title = f"{name}:{line}  (the file had: {gold.strip()})"
        yield title, Snapshot(f"sample:{name}:{at}", 0, "python", text[:at] + text[at + len(gold) :], at)
