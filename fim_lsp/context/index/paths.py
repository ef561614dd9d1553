"""Which files an import may mean, by the words in it: what most parts of a path's end agree with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from fim_lsp.languages import get, language_of

FOLDER_STEMS = frozenset({"__init__", "index", "mod", "lib", "main", "init", "package"})  # stand for their folder
RELATIVE = re.compile(r"(?<!\w)\.")
MOST = 8  # files of one import


class Paths:
    """The files of a workspace by the last part of what an import calls them."""

    def __init__(self, paths: Iterable[str] = ()):
        self.by_word: dict[str, set[str]] = defaultdict(set)
        self.by_folder: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        for word in _words(path):
            self.by_word[word].add(path)
        self.by_folder[_folder(path)].add(path)

    def has(self, word: str) -> bool:
        """True for what an import calls some file."""
        return bool(self.by_word.get(word))

    def meant(self, text: str, by: str) -> list[str]:
        """Return the files that an import in the file `by` may mean, those that agree best with it."""
        words = set(re.findall(r"[\w-]+", text))
        scores = {
            path: _agreement(path, words, text) for word in words for path in self.by_word.get(word, ()) if path != by
        }
        ranks = {path: (-score, distance(path, by)) for path, score in scores.items()}
        best = min(ranks.values(), default=(0, 0))
        return sorted(path for path, rank in ranks.items() if rank == best)[:MOST]

    def beside(self, path: str) -> list[str]:
        """Return the other files of a file's folder."""
        return sorted(self.by_folder.get(_folder(path), set()) - {path})


def distance(one: str, other: str) -> int:
    """Count the folders between two paths."""
    a, b = one.split("/")[:-1], other.split("/")[:-1]
    shared = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return len(a) + len(b) - 2 * shared


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def module(path: str) -> str:
    """Return the last part of what an import calls a file."""
    return _parts(path)[-1]


def agrees(text: str, path: str) -> bool:
    """True where an import names some part of a path, or is relative to the folder that it stands in."""
    return not set(re.findall(r"[\w-]+", text)).isdisjoint(_parts(path)) or bool(RELATIVE.search(text))


def _parts(path: str) -> list[str]:
    """Return a path's parts as an import has them."""
    *folders, name = path.split("/")
    stem = PurePath(name).stem
    return folders if stem in FOLDER_STEMS and folders else [*folders, stem]


def _words(path: str) -> Iterator[str]:
    parts = _parts(path)
    yield parts[-1]
    if get(language_of(path)).shares_folder and len(parts) > 1:
        yield parts[-2]


def _agreement(path: str, words: set[str], text: str) -> int:
    """Count the parts at a path's end that an import names, one more where it has the file's whole name."""
    parts = _parts(path)
    if parts[-1] not in words:
        parts = parts[:-1]
    agreed = next((at for at, part in enumerate(reversed(parts)) if part not in words), len(parts))
    return agreed + (path.rpartition("/")[2] in text)
