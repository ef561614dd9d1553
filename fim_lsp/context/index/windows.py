"""Windows of twenty lines by the words in them; no text is kept, only which words a window has.

A word's postings name the windows that hold it. The rarest words of a query choose candidates, and only these are
compared as sets: the time is bounded however large the workspace is.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from threading import Lock
from typing import NamedTuple

from fim_lsp.domain import split_lines

LINES, STEP = 20, 10  # of a window, and from one to the next
LEAST_WORDS = 5  # of a window: fewer are alike by chance
MOST = 40_000  # windows
SLICE = 8  # windows between two rests
POSTINGS, CANDIDATES = 4_000, 24  # looked at for one query
WORD = re.compile(r"[^\W\d]\w{2,}")


class Hit(NamedTuple):
    """A window that is like a query: its file, its first line (0-based), and how like it is (Jaccard)."""

    name: str
    line: int
    score: float


class _Window(NamedTuple):
    name: str
    line: int
    words: array[int]


def words_of(text: str) -> frozenset[str]:
    """Return the words of three characters and more."""
    return frozenset(WORD.findall(text))


class Windows:
    """The windows of a bounded number of files; written by one thread, asked by another."""

    def __init__(self, most: int = MOST):
        self.most, self.lock = most, Lock()
        self.ids: dict[str, int] = {}
        self.windows: dict[int, _Window] = {}
        self.by_file: dict[str, tuple[int, ...]] = {}
        self.postings: dict[int, array[int]] = {}
        self.next = 0

    def __len__(self) -> int:
        return len(self.windows)

    def put(self, name: str, text: str, rest: Callable[[], object] = lambda: None) -> bool:
        """Take in a file's text in place of its older one; False where there is no room.

        `rest` is called after every slice of about a millisecond: who types must not wait for the interpreter.
        """
        lines, found = split_lines(text), []
        for at in range(0, max(len(lines) - STEP, 1), STEP):
            words = words_of("\n".join(lines[at : at + LINES]))
            if len(words) >= LEAST_WORDS:
                found.append((at, words))
            if len(found) % SLICE == SLICE - 1:
                rest()
        with self.lock:
            self._drop(name)
            if len(self.windows) + len(found) > self.most:
                return False
        numbers = []
        for at, words in found:
            with self.lock:
                numbers.append(self._add(name, at, words))
            if len(numbers) % SLICE == 0:
                rest()
        self.by_file[name] = tuple(numbers)
        return True

    def drop(self, name: str) -> None:
        with self.lock:
            self._drop(name)

    def alike(self, words: frozenset[str], other_than: str, count: int) -> list[Hit]:
        """Return up to `count` windows of other files, the likest first, no two that overlap."""
        with self.lock:
            query = {self.ids[word] for word in words if word in self.ids}
            hits = [
                Hit(window.name, window.line, shared / (len(words) + len(window.words) - shared))
                for number in self._candidates(query, other_than)
                if (window := self.windows[number]) and (shared := len(query.intersection(window.words)))
            ]
        return _apart(sorted(hits, key=lambda hit: (-hit.score, hit.name, hit.line)), count)

    def _candidates(self, query: set[int], other_than: str) -> list[int]:
        looked, counts = 0, Counter[int]()
        for word in sorted(query, key=lambda word: len(self.postings[word])):
            looked += len(self.postings[word])
            if looked > POSTINGS and counts:
                break
            counts.update(self.postings[word])
        for number in self.by_file.get(other_than, ()):
            counts.pop(number, None)
        least = sorted(counts.values())[-CANDIDATES:][:1]
        return [number for number, shared in counts.items() if shared >= least[0]][: 4 * CANDIDATES]

    def _add(self, name: str, line: int, words: Iterable[str]) -> int:
        ids = array("I", sorted(self.ids.setdefault(word, len(self.ids)) for word in words))
        number, self.next = self.next, self.next + 1
        self.windows[number] = _Window(name, line, ids)
        for word in ids:
            self.postings.setdefault(word, array("I")).append(number)
        return number

    def _drop(self, name: str) -> None:
        for number in self.by_file.pop(name, ()):
            for word in self.windows.pop(number).words:
                self.postings[word].remove(number)


def _apart(hits: list[Hit], count: int) -> list[Hit]:
    kept: list[Hit] = []
    for hit in hits:
        if len(kept) < count and all(hit.name != one.name or abs(hit.line - one.line) >= LINES for one in kept):
            kept.append(hit)
    return kept
