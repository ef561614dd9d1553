"""Open documents, kept by incremental edits: LSP line breaks only, positions clamped as the spec says.

pygls' own documents also break lines at form feeds and U+2028, which LSP does not (spec 3.18, "Text Documents").
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from lsprotocol.types import Position, PositionEncodingKind, Range

from fim_lsp.lsp.uris import is_nameless
from fim_lsp.metrics.placed import PlacedText

if TYPE_CHECKING:
    from fim_lsp.lsp.notebooks import Notebook

MOST_CHARS = 1_000_000  # of a document; parsing one takes half a second
BREAK = re.compile(r"\r\n|\r|\n")
SURROGATE = re.compile("[\ud800-\udfff]")

TOO_LARGE = f"the document has more than {MOST_CHARS:,} characters; once smaller, open it again"
SHARED = "several unnamed documents share the URI {uri!r}; save this one under a name"
LOST = "an edit could not be read; open the document again"


def clean(text: str) -> str:
    """Replace lone surrogates, which no encoder takes, by U+FFFD: one UTF-16 unit for another."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def line_starts(text: str) -> list[int]:
    """Return the offset at which each line begins; where all breaks end in a line feed, five times as fast."""
    if text.count("\r") != text.count("\r\n"):
        return [0, *(found.end() for found in BREAK.finditer(text))]
    return [0, *(feeds + chars for feeds, chars in enumerate(accumulate(map(len, text.split("\n")[:-1])), 1))]


@dataclass
class Document:
    """One open document; `text` is replaced, never mutated, so a reference to it is a snapshot."""

    uri: str
    language: str
    version: int
    text: str
    encoding: str = PositionEncodingKind.Utf16
    path: str = ""  # as its workspace names it
    starts: list[int] = field(default_factory=list)  # offset at which each line begins
    sync_ms: float = 0.0
    refusal: str = ""  # why its text is not known; it is empty then
    excluded: str = ""  # why its text is shown to nobody
    sharers: int = 1  # documents that are open under this uri
    placed: list[PlacedText] = field(default_factory=list)  # suggestions that were accepted here
    notebook: Notebook | None = None  # whose cell it is

    def __post_init__(self) -> None:
        self.replace_all(self.text)

    @property
    def eol(self) -> str:
        if len(self.starts) < 2:
            return "\n"
        end = self.starts[1]
        return self.text[end - 2 : end] if self.text[end - 2 : end] == "\r\n" else self.text[end - 1]

    @property
    def silence(self) -> str:
        """Say why nothing is suggested here and nothing taken from here, "" where it may be."""
        return self.excluded or self.refusal

    def refuse(self, why: str) -> None:
        """Let go of a text that is not known, or not to be completed in, until a whole one comes."""
        self.refusal, self.text, self.starts = why, "", [0]

    def replace_all(self, text: str) -> None:
        if self.sharers > 1 or len(text) > MOST_CHARS:
            self.refuse(SHARED.format(uri=self.uri) if self.sharers > 1 else TOO_LARGE)
            return
        for one in self.placed:
            one.start, one.end = 0, len(text)  # where it went, nobody says
        self.refusal, self.text = "", clean(text)
        self.starts = line_starts(self.text)

    def replace(self, where: Range, text: str) -> None:
        """Apply one incremental change; a range that ends before it begins is taken the other way round."""
        if self.refusal:
            return
        start, end = sorted((self.offset(where.start), self.offset(where.end)))
        if len(self.text) + len(text) - (end - start) > MOST_CHARS:
            self.refuse(TOO_LARGE)
            return
        text = clean(text)
        self.text = self.text[:start] + text + self.text[end:]
        # Line starts strictly before the edit, and those past the character after it, stay what they were.
        head, tail = bisect_left(self.starts, start), bisect_right(self.starts, end)
        for one in self.placed:
            one.move(start, end, len(text))
        shift = len(text) - (end - start)
        edge = max(start - 1, 0)
        region = self.text[edge : start + len(text) + 1]
        fresh = [
            at
            for n, char in enumerate(region)
            if char in "\r\n" and start <= (at := edge + n + 1) <= start + len(text) and self._breaks_before(at)
        ]
        first = [] if head else [0]
        middle = [at for at in fresh if at or not first]
        self.starts = self.starts[:head] + first + middle + [at + shift for at in self.starts[tail:]]

    def _breaks_before(self, at: int) -> bool:
        return self.text[at - 1] == "\n" or self.text[at : at + 1] != "\n"

    def offset(self, position: Position) -> int:
        """Return the code-point offset of a position; past a line's end means its end, past the text its end."""
        if position.line < 0:
            return 0
        if position.line >= len(self.starts):
            return len(self.text)
        start = self.starts[position.line]
        return start + units_to_chars(self.line(position.line), position.character, self.encoding)

    def position(self, offset: int) -> Position:
        """Return the position of a code-point offset."""
        line = bisect_right(self.starts, offset) - 1
        before = self.text[self.starts[line] : offset]
        return Position(line, chars_to_units(before, self.encoding))

    def line(self, number: int) -> str:
        """Return a line without its break."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        line = self.text[self.starts[number] : end]
        return line[:-2] if line.endswith("\r\n") else line[:-1] if line.endswith(("\r", "\n")) else line


class Documents:
    """The documents the client has open, by uri; those without a name may share theirs."""

    def __init__(self) -> None:
        self.open: dict[str, Document] = {}

    def put(self, document: Document) -> None:
        older = self.open.get(document.uri)
        document.notebook = document.notebook or (older.notebook if older else None)
        if older and is_nameless(document.uri):
            document.sharers = older.sharers + 1
            document.replace_all("")
        self.open[document.uri] = document

    def drop(self, uri: str) -> None:
        document = self.open.get(uri)
        if document and document.sharers > 1:
            document.sharers -= 1  # which of them is left, nobody says
        elif document:
            del self.open[uri]

    def get(self, uri: str) -> Document | None:
        return self.open.get(uri)

    def change(self, uri: str, version: int, changes: Iterable[tuple[Range | None, str]]) -> None:
        """Apply content changes in order; a change without a range is the whole text."""
        document = self.open.get(uri)
        if document is None:
            return
        began = time.perf_counter()
        for where, text in changes:
            if where is None:
                document.replace_all(text)
            else:
                document.replace(where, text)
        document.version = version if version > document.version else document.version + 1  # some count nothing
        document.sync_ms = (time.perf_counter() - began) * 1e3


def units_to_chars(line: str, units: int, encoding: str) -> int:
    """Turn a character offset of the wire into code points; inside a character means before it."""
    if units <= 0:
        return 0
    if line.isascii() or encoding == PositionEncodingKind.Utf32:
        return min(units, len(line))
    codec, size = _codec(encoding)
    return len(line[:units].encode(codec)[: units * size].decode(codec, "ignore"))  # half a character is ignored


def chars_to_units(text: str, encoding: str) -> int:
    """Count the wire's units in a text."""
    if text.isascii() or encoding == PositionEncodingKind.Utf32:
        return len(text)
    codec, size = _codec(encoding)
    return len(text.encode(codec)) // size


def _codec(encoding: str) -> tuple[str, int]:
    """Return the codec of the wire's units, and how many bytes one has."""
    return ("utf-8", 1) if encoding == PositionEncodingKind.Utf8 else ("utf-16-le", 2)
