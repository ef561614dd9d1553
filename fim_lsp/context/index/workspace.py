"""The folders that are open, as the sources of context ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from fim_lsp.context.index import files
from fim_lsp.context.index.build import update
from fim_lsp.context.index.paths import Paths, agrees, distance, module
from fim_lsp.context.index.store import Defined, Store
from fim_lsp.context.index.windows import LINES, Windows
from fim_lsp.domain import Snippet, path_within, split_lines
from fim_lsp.languages import Site

MOST_FILES = 5_000


class Workspace:
    """Source files below some folders; without folders it knows of nothing."""

    def __init__(self, roots: Iterable[Path] = (), most_files: int = MOST_FILES):
        self.roots = tuple(roots)
        self.most_files = most_files
        self.stores: dict[Path, Store] = {}
        self.windows = Windows()
        self.paths = Paths()
        self.places: dict[str, tuple[Path, str]] = {}  # root and path in it, by the path that files are named by
        self._changes: list[tuple[str | None, int]] = [(None, 0), (None, 0)]  # the last two files that changed, when

    @classmethod
    def of(cls, *roots: Path, most_files: int = MOST_FILES) -> Workspace:
        """Read folders here and now, keeping all in memory."""
        made = cls((root.resolve() for root in roots), most_files)
        for root in made.roots:
            store = Store()
            for _ in update(root, store, most_files):
                pass
            made.follow(root, store)
        for name in made.places:
            made.read(name)
        return made

    def follow(self, root: Path, store: Store) -> None:
        """Know the files that a root's store knows."""
        self.stores[root] = store
        for path in store.files():
            name = self.name(root / path)
            self.places[name] = (root, path)
            self.paths.add(name)

    def name(self, path: PurePath) -> str:
        """Return the path that a file is named by in prompts."""
        return path_within(path, self.roots)

    def read(self, name: str) -> None:
        """Take in the windows of a file."""
        root, path = self.places[name]
        if text := files.read(root / path):
            self.put(name, text)

    def put(self, name: str, text: str) -> None:
        """Take in a file's text as it is now."""
        if self.windows.put(name, text):
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

    def imported(self, site: Site, name: str) -> list[str]:
        """Return the files that a file's imports may mean, and those whose names it sees without any."""
        found = [path for _, text in site.imports for path in self.paths.meant(text, name)]
        beside = self.paths.beside(name) if site.language.shares_folder else []
        return list(dict.fromkeys([*found, *beside]))

    def is_meant(self, text: str, path: str) -> bool:
        """True where an import names some part of a file's path, or none at all."""
        return agrees(text, path)

    def module(self, path: str) -> str:
        """Return the last part of what an import calls a file."""
        return module(path)

    def named(self, names: Sequence[str], paths: Sequence[str]) -> list[Defined]:
        """Return the definitions in some files that have one of these names."""
        return [
            one._replace(path=self.name(root / one.path))
            for root, store in self.stores.items()
            if (inside := [place[1] for name in paths if (place := self.places[name])[0] == root])
            for one in store.named(names, inside)
        ]

    def anywhere(self, names: Sequence[str]) -> list[Defined]:
        """Return the definitions that no type owns and that have one of these names."""
        return [
            one._replace(path=self.name(root / one.path))
            for root, store in self.stores.items()
            for one in store.anywhere(names)
        ]

    def owned(self, owner: str, path: str) -> list[Defined]:
        """Return what a type owns in a file."""
        root, inside = self.places[path]
        return [one._replace(path=path) for one in self.stores[root].owned(owner, inside)]

    def _lines(self, name: str, start: int) -> str:
        if name not in self.places:
            return ""
        root, path = self.places[name]
        return "\n".join(split_lines(files.read(root / path))[start : start + LINES])

    def _changed(self, name: str) -> None:
        last, before = self._changes
        self._changes = [(name, last[1] + 1), before if last[0] == name else last]
