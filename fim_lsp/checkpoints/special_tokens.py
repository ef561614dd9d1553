"""Sentinels in a tokenizer.json: special, so that their names in a document stay text (tokenizer.py)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.fields import Table, read_json
from fim_lsp.checkpoints.formats import ENDS, PIECE
from fim_lsp.sentinels import KNOWN

PUBLISHED_NAMES = {*ENDS, *(name for marks in KNOWN for name in (marks.prefix, marks.suffix, marks.middle) if name)}
MARK = re.compile(r"<[|｜][^<>\s]+[|｜]>")


def is_sentinel(token: str) -> bool:
    """True for what a published model takes for a mark, and no person's code has as a word."""
    return token.removeprefix(PIECE) in PUBLISHED_NAMES or MARK.fullmatch(token) is not None


def kept_apart(path: Path) -> dict[str, Any]:
    """Return a tokenizer.json whose sentinels are special, whatever its publisher called them; raises ModelCorrupt."""
    raw = dict(Table(read_json(path), str(path)).raw)
    added = raw.get("added_tokens")
    if isinstance(added, list):
        raw["added_tokens"] = [
            {**one, "special": True} if isinstance(one, dict) and is_sentinel(str(one.get("content"))) else one
            for one in added
        ]
    return raw
