"""Where the command line wants a completion: FILE:LINE:COL, or text with a mark on standard input."""

from __future__ import annotations

import re
from pathlib import Path

from fim_lsp.domain import Snapshot, path_within
from fim_lsp.errors import InputError
from fim_lsp.languages import DEFAULT, language_of
from fim_lsp.privacy.exclusion import Exclusion
from fim_lsp.privacy.names import EXCLUDED

MARK = "[MASK]"
BREAK = re.compile(r"\r\n|\r|\n")


def from_file(where: str, language: str = "") -> Snapshot:
    """Read FILE:LINE:COL, both 1-based and counted in code points; raises InputError."""
    found = re.fullmatch(r"(.+):(\d+):(\d+)", where)
    if not found:
        raise InputError(f"{where!r} is not FILE:LINE:COL (1-based), as in main.py:12:5")
    path, line, column = Path(found[1]), int(found[2]), int(found[3])
    text = read_text(path)
    starts = [0, *(at.end() for at in BREAK.finditer(text))]
    if not 1 <= line <= len(starts):
        raise InputError(f"{path} has {len(starts)} lines; line {line} does not exist")
    end = starts[line] if line < len(starts) else len(text)
    width = len(text[starts[line - 1] : end].rstrip("\r\n"))
    if not 1 <= column <= width + 1:
        raise InputError(f"line {line} of {path} has columns 1 to {width + 1}; column {column} does not exist")
    offset = starts[line - 1] + column - 1
    whole = path.resolve()
    named = path_within(whole, [Path.cwd()])
    why = Exclusion([Path.cwd()]).reason(Path.cwd() / path)
    refusal = EXCLUDED.format(why) if why else ""
    return Snapshot(whole.as_uri(), 0, language or language_of(path.name), text, offset, path=named, refusal=refusal)


def from_text(text: str, language: str = DEFAULT) -> Snapshot:
    """Read text whose one hole is marked [MASK]; raises InputError."""
    count = text.count(MARK)
    if count == 0:
        raise InputError(f"no {MARK} in the text: put it where the completion is wanted")
    if count > 1:
        raise InputError(f"{count} {MARK} in the text: a snapshot has one cursor")
    before, _, after = text.partition(MARK)
    return Snapshot("stdin:", 0, language, before + after, len(before))


def segments(text: str) -> tuple[str, ...]:
    """Split text at its marks; raises InputError when there is none."""
    if MARK not in text:
        raise InputError(f"no {MARK} in the text: put it where the completion is wanted")
    return tuple(text.split(MARK))


def read_text(path: Path) -> str:
    """Read a source file as UTF-8, line breaks as they are; raises InputError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from None
    return decode(raw, str(path))


def decode(raw: bytes, name: str) -> str:
    """Return bytes as text; raises InputError where they are binary."""
    if b"\0" in raw:
        raise InputError(f"{name} is binary, not source text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{name} is not UTF-8 (byte {problem.start}): convert it first") from None
