"""The source files below a folder: what git ignores, what others wrote and what is too large is passed over."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from fim_lsp.context.index.source import MOST_BYTES, Found
from fim_lsp.languages import get, language_of

MOST_FOLDERS = 20_000  # looked into, below one root
SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "bower_components"})
ENVIRONMENT = "pyvenv.cfg"  # in a folder that holds other people's packages

Rules = tuple[tuple[Path, GitIgnoreSpec], ...]  # of the outer folders first


def walk(root: Path, most: int) -> Iterator[Found]:
    """Yield at most `most` source files, those of the outer folders first; a folder that cannot be read has none."""
    folders, looked = deque([(root, _rules_above(root))]), 0
    while folders and most > 0 and looked < MOST_FOLDERS:
        folder, rules = folders.popleft()
        looked += 1
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            rules = _with_own(folder, rules)
        except (OSError, UnicodeDecodeError, ValueError):  # rules that cannot be read shut the folder
            continue
        if folder != root and any(entry.name == ENVIRONMENT for entry in entries):
            continue
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not _is_ignored(path, rules, "/"):
                        folders.append((path, rules))
                elif most > 0 and get(language_of(entry.name)).definitions and entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_size <= MOST_BYTES and not _is_ignored(path, rules):
                        most -= 1
                        yield Found(path.relative_to(root).as_posix(), stat.st_mtime_ns, stat.st_size)
            except OSError:
                continue


def _rules_above(root: Path) -> Rules:
    """Return the rules of the folders around a root, up to the repository that it lies in."""
    around: list[Path] = []
    for folder in root.parents if not (root / ".git").exists() else ():
        around.insert(0, folder)
        if (folder / ".git").exists():
            rules: Rules = ()
            for one in around:
                rules = _with_own(one, rules)
            return rules
    return ()


def _with_own(folder: Path, rules: Rules) -> Rules:
    file = folder / ".gitignore"
    if not file.is_file():
        return rules
    return (*rules, (folder, GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8").splitlines())))


def _is_ignored(path: Path, rules: Rules, end: str = "") -> bool:
    """Ask the innermost rules first, as git does."""
    for folder, spec in reversed(rules):
        said = spec.check_file(path.relative_to(folder).as_posix() + end).include
        if said is not None:
            return said
    return False
