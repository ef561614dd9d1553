"""Holes whose answer names what another file of the package defines, asked with and without the package at hand.

The set ships as spans in published wheels: the files themselves come from the user's folder, or by pip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from itertools import groupby
from pathlib import Path
from typing import Any

from fim_lsp.compare import stats
from fim_lsp.compare.quality import Hole, Score, run
from fim_lsp.compare.wheels import Wheel
from fim_lsp.context.index import Workspace
from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.errors import InputError


@dataclass(frozen=True)
class SourceSpan:
    """Where a hole is: text[start:end] of a file, in code points; the names in it that other files define."""

    package: str
    path: str
    kind: str
    start: int
    end: int
    gold: str
    names: tuple[str, ...]
    is_imported: bool  # the file imports one of them by its name; else it only uses what has it

    def hole(self, root: Path) -> Hole:
        """Cut the hole; raises InputError where the file does not hold what was cut there."""
        try:
            text = (root / self.path).read_bytes().decode("utf-8").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"{self.path} of {self.package} cannot be read: {problem}") from None
        if text[self.start : self.end] != self.gold:
            raise InputError(f"{self.path} of {self.package} is another text than the holes were cut from")
        before, after = text[: self.start], text[self.end :]
        return Hole(self.package, self.path, before.count("\n") + 1, self.kind, before, after, self.gold)


@dataclass(frozen=True)
class MultiFileSet:
    """The packages, and the spans in them."""

    wheels: tuple[Wheel, ...]
    spans: tuple[SourceSpan, ...]

    def dump(self) -> str:
        """Return JSON, a line for each package and span."""
        rows: dict[str, Sequence[Wheel | SourceSpan]] = {"wheels": self.wheels, "spans": self.spans}
        said = {
            name: ",\n".join(json.dumps(asdict(one), ensure_ascii=False) for one in some) for name, some in rows.items()
        }
        return "{" + ",\n".join(f'"{name}": [\n{lines}\n]' for name, lines in said.items()) + "}\n"


@dataclass(frozen=True)
class Opened:
    """A span, the folder of its package, and the hole."""

    span: SourceSpan
    root: Path
    hole: Hole


@dataclass(frozen=True)
class Pair:
    """One hole asked without and with the other files."""

    span: SourceSpan
    without: Score
    with_files: Score


def shipped() -> Path:
    """Return the recipe that comes with the package."""
    with as_file(files("fim_lsp.compare") / "data" / "multi_file.json") as path:
        return path


def read(path: Path | None = None) -> MultiFileSet:
    """Read a recipe, the shipped one by default; raises InputError."""
    source = path or shipped()
    try:
        raw = json.loads(source.read_text(encoding="utf-8"))
        spans = (SourceSpan(**row | {"names": tuple(row["names"])}) for row in raw["spans"])
        return MultiFileSet(tuple(Wheel(**row) for row in raw["wheels"]), tuple(spans))
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise InputError(f"{source} is no recipe of holes: {problem}") from None


def opened(recipe: MultiFileSet, spans: Iterable[SourceSpan], root_of: Callable[[Wheel], Path]) -> Iterator[Opened]:
    """Yield each span with its hole and its package's folder; raises InputError."""
    wheels = {wheel.name: wheel for wheel in recipe.wheels}
    for span in spans:
        root = root_of(wheels[span.package])
        yield Opened(span, root, span.hole(root))


def ask(
    holes: Iterable[Opened],
    complete: Callable[[Snapshot, Cancel], Outcome],
    work_in: Callable[[Workspace], None],
) -> Iterator[Pair]:
    """Ask for each hole twice, first without the package's other files."""
    for root, group in groupby(holes, key=lambda one: one.root):
        workspace = Workspace.of(root)
        for one in group:
            work_in(Workspace())
            [without] = run([one.hole], complete)
            work_in(workspace)
            [with_files] = run([one.hole], complete)
            yield Pair(one.span, without, with_files)


def summarise(pairs: Sequence[Pair], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return for all pairs and each part of them: n, first-line match without and with the files, their ratio."""
    parts: dict[str, Iterable[Pair]] = {"all": pairs}
    parts["imported by name"] = [pair for pair in pairs if pair.span.is_imported]
    parts["used only"] = [pair for pair in pairs if not pair.span.is_imported]
    for kind in sorted({pair.span.kind for pair in pairs}):
        parts[kind] = [pair for pair in pairs if pair.span.kind == kind]
    return {name: _row(list(some), seed) for name, some in parts.items() if some}


def _row(pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    without = [float(pair.without.is_first_line_match) for pair in pairs]
    with_files = [float(pair.with_files.is_first_line_match) for pair in pairs]
    return {
        "n": len(pairs),
        **stats.percent("without", without, seed),
        **stats.percent("with", with_files, seed),
        **stats.paired_ratio(without, with_files, seed),
        "gained": sum(b > a for a, b in zip(without, with_files, strict=True)),
        "lost": sum(b < a for a, b in zip(without, with_files, strict=True)),
    }
