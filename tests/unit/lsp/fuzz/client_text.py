"""What a client believes that a document holds: the spec's positions by the slowest means, nothing of fim_lsp/."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

UNIT = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
Place = tuple[int, int]  # line, character in the encoding's units


def received(text: str) -> str:
    """Return a text as a server has to understand its JSON: halves that stand alone are U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", json.loads(json.dumps(text)))


def units(text: str, encoding: str) -> int:
    codec, size = UNIT[encoding]
    return len(text.encode(codec)) // size


def place_of(text: str, offset: int, encoding: str) -> Place:
    """Return where an editor says that an offset is; between the halves of a break none can stand."""
    if text[offset - 1 : offset + 1] == "\r\n":
        offset -= 1
    lines = re.split("\r\n|\n|\r", text[:offset])
    return len(lines) - 1, units(lines[-1], encoding)


def offset_of(text: str, place: Place, encoding: str) -> int:
    """Return the offset of any position: past a line its end, past the text its end, within a character before it."""
    line, character = place
    parts = re.split("(\r\n|\n|\r)", text)  # line, break, line, ...
    if line < 0:
        return 0
    if 2 * line >= len(parts):
        return len(text)
    offset = sum(map(len, parts[: 2 * line]))
    for char in parts[2 * line]:
        character -= units(char, encoding)
        if character < 0:
            break
        offset += 1
    return offset


@dataclass
class ClientText:
    """A document as its client knows it; `is_known` is whether the server can know it too."""

    text: str
    most_chars: int
    encoding: str = "utf-16"
    sharers: int = 1
    is_known: bool = True

    def __post_init__(self) -> None:
        self.take(self.text)

    def take(self, text: str) -> None:
        self.text = received(text)
        self.is_known = len(self.text) <= self.most_chars and self.sharers == 1

    def edit(self, start: Place, end: Place, text: str) -> None:
        if not self.is_known:
            return
        first, last = sorted((offset_of(self.text, start, self.encoding), offset_of(self.text, end, self.encoding)))
        edited = self.text[:first] + received(text) + self.text[last:]
        if len(self.text) + len(json.loads(json.dumps(text))) - (last - first) > self.most_chars:
            self.is_known = False
        else:
            self.text = edited

    def change(self, changes: list[dict[str, Any]]) -> None:
        """Apply content changes as they are sent."""
        for change in changes:
            if span := change.get("range"):
                start, end = ((at["line"], at["character"]) for at in (span["start"], span["end"]))
                self.edit(start, end, change["text"])
            else:
                self.take(change["text"])
