"""The folders that are open, as the sources of context ask for them.

A store per folder is kept up to date by a process of its own (index/__main__.py); `follow` takes in what it found, in
a thread of its own. The decode thread asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NamedTuple

from fim_lsp.context.index import source
from fim_lsp.context.index.paths import Paths, agrees, distance, module
from fim_lsp.context.index.source import Found
from fim_lsp.context.index.windows import LINES, Windows
from fim_lsp.domain import Snippet, path_within, split_lines
from fim_lsp.languages import Site
from fim_lsp.privacy.exclusion import Exclusion
from fim_lsp.privacy.secrets import mask

if TYPE_CHECKING:  # a server that has no folder open needs neither database nor rules
    from fim_lsp.context.index.store import Defined, Store

MOST_FILES = 5_000
RECENT = 8
SLICE = 64  # files between two rests


class Place(NamedTuple):
    """Where a file lies, and what it was when it was read."""

    root: Path
    found: Found


def no_rest() -> None:
    """Go on at once."""


class Workspace:
    """Source files below some folders; without folders it knows of nothing."""

    def __init__(self, roots: Iterable[Path] = ()):
        self.roots = tuple(roots)
        self.stores: dict[Path, Store] = {}
        self.windows = Windows()
        self.paths = Paths()
        self.places: dict[str, Place] = {}  # by the path that files are named by
        self.names: dict[tuple[Path, str], str] = {}  # of files, by their folder and their path in it
        self.texts: dict[str, str] = {}  # of open documents
        self.exclusion = Exclusion()
        self._recent: dict[str, list[str]] = {}  # lines of the files that were shown last
        self._secretless: dict[str, int] = {}  # hashes of texts in which no secret was found
        self._changes: list[tuple[str | None, int]] = [(None, 0), (None, 0)]  # the last two files that changed, when

    @classmethod
    def of(cls, *roots: Path, most_files: int = MOST_FILES, patterns: Sequence[str] = ()) -> Workspace:
        """Read folders here and now, keeping all in memory."""
        from fim_lsp.context.index.build import update
        from fim_lsp.context.index.store import Store

        made = cls(root.resolve() for root in roots)
        for root in made.roots:
            store = Store()
            for _ in update(root, store, most_files, patterns):
                pass
            for name in made.follow(root, store):
                made.read(name)
        return made

    def follow(self, root: Path, store: Store) -> list[str]:
        """Know the files that a root's store knows, forget those that are gone; returns what is to be read."""
        self.stores[root] = store
        there = {
            self.name(root / found.path): Place(root, found)
            for found in store.files().values()
            if not self.exclusion.said(root / found.path)  # the rules may be newer than the store
        }
        gone = [name for name, place in self.places.items() if place.root == root and name not in there]
        fresh = [name for name, place in there.items() if self.places.get(name) != place]
        new = there.keys() - self.places.keys()
        self.places.update(there)
        for name in gone:
            self._drop(name)
        if gone or new:
            self._rename()
        return fresh

    def exclude(self, exclusion: Exclusion, rest: Callable[[], object] = no_rest) -> None:
        """Forget the files that these rules leave out, and take in none of them from now on."""
        self.exclusion = exclusion
        count = len(self.places)
        for number, (name, place) in enumerate(list(self.places.items())):
            if exclusion.said(place.root / place.found.path):
                self._drop(name)
            if number % SLICE == SLICE - 1:
                rest()
        if len(self.places) < count:
            self._rename()

    def leave(self, root: Path) -> None:
        """Forget a folder."""
        for name in [name for name, place in self.places.items() if place.root == root]:
            self._drop(name)
        self._rename()
        if store := self.stores.pop(root, None):
            store.close()

    def name(self, path: PurePath) -> str:
        """Return the path that a file is named by in prompts."""
        return path_within(path, self.roots)

    def read(self, name: str, rest: Callable[[], object] = no_rest) -> None:
        """Take in the windows of a file."""
        if text := self._text(name):
            self.windows.put(name, text, rest)
            self._changed(name)

    def put(self, name: str, text: str, rest: Callable[[], object] = no_rest) -> None:
        """Take in an open document's text as it is now; a file that was passed over stays so."""
        if name in self.places and self.texts.get(name) is not text:
            self.texts[name] = text
            self.read(name, rest)

    def close(self, name: str) -> None:
        """Read a file from the disk again, its document being closed."""
        self.texts.pop(name, None)

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
            if (text := "\n".join(self._lines(hit.name)[hit.line : hit.line + LINES]))
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
            one._replace(path=name)
            for root, store in list(self.stores.items())
            if (
                inside := [
                    place.found.path for path in paths if (place := self.places.get(path)) and place.root == root
                ]
            )
            for one in store.named(names, inside)
            if (name := self.names.get((root, one.path)))
        ]

    def anywhere(self, names: Sequence[str]) -> list[Defined]:
        """Return the definitions that no type owns and that have one of these names."""
        return [
            one._replace(path=name)
            for root, store in list(self.stores.items())
            for one in store.anywhere(names)
            if (name := self.names.get((root, one.path)))
        ]

    def defines(self, names: Collection[str]) -> set[str]:
        """Return those of some names that a file defines, or by which one is imported."""
        return {one.definition.name for one in self.anywhere(list(names))} | set(filter(self.paths.has, names))

    def owned(self, owner: str, path: str) -> list[Defined]:
        """Return what a type owns in a file."""
        if (place := self.places.get(path)) is None or (store := self.stores.get(place.root)) is None:
            return []
        return [one._replace(path=path) for one in store.owned(owner, place.found.path)]

    def _lines(self, name: str) -> list[str]:
        """Return a file's lines, those of the last few files from memory: a place nearby asks for the same."""
        if (lines := self._recent.pop(name, None)) is None:
            lines = split_lines(self._text(name))
        self._recent[name] = lines
        while len(self._recent) > RECENT:
            self._recent.pop(next(iter(self._recent), ""), None)
        return lines

    def _text(self, name: str) -> str:
        if name in self.texts:
            text = self.texts[name]
            return "" if source.is_machine_made(text) else self._masked(name, text)
        place = self.places.get(name)
        return self._masked(name, source.read(place.root / place.found.path)) if place else ""

    def _masked(self, name: str, text: str) -> str:
        """Return a text without its secrets; one that had none is not searched again, which takes milliseconds."""
        if self._secretless.get(name) == hash(text):
            return text
        masked = mask(text)
        if masked == text:
            self._secretless[name] = hash(text)
        return masked

    def _rename(self) -> None:
        self.names = {(place.root, place.found.path): name for name, place in self.places.items()}
        self.paths = Paths(self.places)

    def _drop(self, name: str) -> None:
        self.places.pop(name, None)
        self.texts.pop(name, None)
        self._secretless.pop(name, None)
        self.windows.drop(name)
        self._changed(name)

    def _changed(self, name: str) -> None:
        last, before = self._changes
        self._recent.pop(name, None)
        self._changes = [(name, last[1] + 1), before if last[0] == name else last]
