"""The folders that are open, as the sources of context ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from fim_lsp.context.index import files
from fim_lsp.context.index.windows import LINES, Windows
from fim_lsp.domain import Snippet, path_within, split_lines

MOST_FILES = 5_000


class Workspace:
    """Source files below some folders; without folders, what is open is all there is."""

    def __init__(self, roots: Iterable[Path] = (), most_files: int = MOST_FILES):
        self.roots = tuple(roots)
        self.most_files = most_files
        self.windows = Windows()
        self.places: dict[str, Path] = {}  # of files, by the path that the workspace names them by
        self._changes: list[tuple[str | None, int]] = [(None, 0), (None, 0)]  # the last two files that changed, when

    @classmethod
    def of(cls, *roots: Path, most_files: int = MOST_FILES) -> Workspace:
        """Read folders here and now."""
        made = cls((root.resolve() for root in roots), most_files)
        for _ in made.read():
            pass
        return made

    def read(self) -> Iterator[str]:
        """Take in the folders' files, a file a step."""
        for root in self.roots:
            for found in files.walk(root, self.most_files - len(self.places)):
                path = root / found.path
                if text := files.read(path):
                    self.put(self.name(path), text)
                    self.places[self.name(path)] = path
                    yield found.path

    def name(self, path: PurePath) -> str:
        return path_within(path, self.roots)

    def put(self, name: str, text: str) -> None:
        """Take in a file's text as it is now."""
        if self.windows.put(name, text):
            self._changed(name)

    def drop(self, name: str) -> None:
        """Forget a file."""
        self.windows.drop(name)
        self.places.pop(name, None)
        self._changed(name)

    def edition(self, name: str) -> int:
        """Return a number that changes when a file other than this one does."""
        return next(number for changed, number in self._changes if changed != name)

    def alike(self, words: frozenset[str], name: str, count: int) -> list[Snippet]:
        """Return up to `count` windows of other files than `name`, the likest first, the nearest of equals."""
        hits = self.windows.alike(words, name, 2 * count)
        hits.sort(key=lambda hit: (-round(hit.score, 2), distance(hit.name, name)))
        return [
            Snippet(hit.name, text, f"{hit.score:.0%} alike", hit.score)
            for hit in hits[:count]
            if (text := self._lines(hit.name, hit.line))
        ]

    def _lines(self, name: str, start: int) -> str:
        text = files.read(self.places[name]) if name in self.places else ""
        return "\n".join(split_lines(text)[start : start + LINES])

    def _changed(self, name: str) -> None:
        last, before = self._changes
        self._changes = [(name, last[1] + 1), before if last[0] == name else last]


def distance(one: str, other: str) -> int:
    """Count the folders between two paths."""
    a, b = PurePath(one).parts[:-1], PurePath(other).parts[:-1]
    shared = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return len(a) + len(b) - 2 * shared
