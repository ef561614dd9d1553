"""The source files below a folder: what is excluded, what others wrote and what is too large is passed over."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from fim_lsp.context.index.source import MOST_BYTES, Found
from fim_lsp.languages import get, language_of
from fim_lsp.privacy.exclusion import Exclusion

MOST_FOLDERS = 20_000  # looked into, below one root
SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "bower_components"})
ENVIRONMENT = "pyvenv.cfg"  # in a folder that holds other people's packages


def walk(root: Path, most: int, patterns: Sequence[str] = ()) -> Iterator[Found]:
    """Yield at most `most` source files, those of the outer folders first; a folder that cannot be read has none."""
    folders, looked = deque([root]), 0
    exclusion = Exclusion((root,), patterns, with_ignored=True)
    while folders and most > 0 and looked < MOST_FOLDERS:
        folder = folders.popleft()
        looked += 1
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        if folder != root and any(entry.name == ENVIRONMENT for entry in entries):
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not exclusion.said(path, is_folder=True):
                        folders.append(path)
                elif most > 0 and get(language_of(entry.name)).definitions and entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_size <= MOST_BYTES and not exclusion.said(path):
                        most -= 1
                        yield Found(path.relative_to(root).as_posix(), stat.st_mtime_ns, stat.st_size)
            except OSError:
                continue
