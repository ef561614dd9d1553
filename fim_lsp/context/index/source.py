"""A source file: what tells that it changed, and its text, where a person wrote it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 512_000
MOST_LINE_CHARS = 200  # on average: more is minified
HEAD_CHARS = 800  # where a generated file says so
GENERATED = re.compile(r"@generated|\b(?:auto-?)?generated\b.*\bdo not (?:edit|modify)\b", re.I | re.S)


class Found(NamedTuple):
    """A source file: its path from the root, and what tells whether it has changed."""

    path: str
    mtime_ns: int
    size: int


def read(path: Path) -> str:
    """Return a source file's text, "" where it is none that a person wrote, became a link or cannot be read."""
    try:
        if os.path.realpath(path) != str(path):
            return ""
        if path.stat().st_size > MOST_BYTES:
            return ""
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if "\0" in text or is_machine_made(text) else text


def is_machine_made(text: str) -> bool:
    """True for what is minified, or says at its head that it was generated."""
    return len(text) > MOST_LINE_CHARS * (text.count("\n") + 10) or bool(GENERATED.search(text[:HEAD_CHARS]))
