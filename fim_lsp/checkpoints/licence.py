"""What a model's folder or file says of its licence."""

from __future__ import annotations

import re
from pathlib import Path

FRONT = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
FIELD = re.compile(r"^license:\s*['\"]?([^'\"\n]+)", re.MULTILINE)
ROW = re.compile(r"^\| Licence \| ([^,|]+)", re.MULTILINE)  # of our own cards
CHARS = 60


def licence_of(folder: Path) -> str:
    """Return the licence that a card names, else the first line of a licence's text, "" where neither is there."""
    for name, *found in (("README.md", FRONT, FIELD), ("MODEL_CARD.md", ROW)):
        text = _text(folder / name)
        for pattern in found:
            matched = pattern.search(text)
            text = matched[1] if matched else ""
        if text:
            return text.strip()[:CHARS]
    lines = (line.strip() for path in sorted(folder.glob("LICENSE*")) for line in _text(path).splitlines())
    return next((line for line in lines if line), "")[:CHARS]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
