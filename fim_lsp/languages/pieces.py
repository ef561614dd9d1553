"""A long text for tree-sitter in pieces: between two of them other threads have their turn, and a parse can be ended.

py-tree-sitter 0.25 and 0.26 never give back a piece that they were handed: a megabyte every few keys in a large file.
So a piece is given back here once the next one is asked for, when no use of it can be left, and only where a trial
shows that it has to be.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from functools import cache

import tree_sitter

SHORT = 1 << 14  # bytes that are parsed whole: the oddest of such texts takes a tenth of a second
PIECE = 1 << 10  # bytes parsed while no other thread has its turn: tree-sitter holds the lock of a whole text otherwise
MOST_S = 0.4  # seconds that a parse may take: four times what the largest of ordinary files does


class Pieces:
    """Hand out a text; `is_late` where the time was over, from when on there is none."""

    def __init__(self, source: bytes, language: tree_sitter.Language):
        self.source, self.until, self.is_late = source, time.monotonic() + MOST_S, False
        self.last, self.are_kept = b"", are_kept(language)

    def __call__(self, at: int, point: tuple[int, int]) -> bytes:
        self.give_back()
        self.is_late = self.is_late or time.monotonic() > self.until
        self.last = b"" if self.is_late else self.source[at : at + PIECE]  # at the text's end the parser ends
        return self.last

    def end(self) -> None:
        """Know the parse to be over; a node asks for its text here, whenever it is wanted, and keeps nothing."""
        self.give_back()
        self.until, self.are_kept = math.inf, False

    def give_back(self) -> None:
        if self.are_kept and self.last:
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(self.last))
        self.last = b""


@cache
def are_kept(language: tree_sitter.Language) -> bool:
    """Try whether each piece is kept once, no more and no less, after its tree is gone."""
    piece, calls = bytes(bytearray(b"x = 1\n" * 8)), 0

    def read(at: int, point: tuple[int, int]) -> bytes:
        nonlocal calls
        calls += at == 0
        return piece if at == 0 else b""

    before = sys.getrefcount(piece)
    tree = tree_sitter.Parser(language).parse(read)
    del tree
    return calls > 0 and sys.getrefcount(piece) - before == calls
