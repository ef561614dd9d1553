"""A folder of small files for tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


def written(root: Path, files: dict[str, str]) -> Path:
    """Write files into a folder, each text without the indent of its first line."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return root
