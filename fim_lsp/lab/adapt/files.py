"""A repository's own files: which are learnt, which say when to stop, which judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fim_lsp.compare.cut import LARGEST, SMALLEST
from fim_lsp.context.index import source
from fim_lsp.context.index.files import walk
from fim_lsp.context.index.workspace import MOST_FILES
from fim_lsp.errors import InputError
from fim_lsp.privacy.secrets import mask

LEARNT = 0.8  # of the files by their paths; the rest judge
CHECK_EVERY = 12  # of the learnt ones, one is kept apart to see when more makes it worse
FEWEST, FEWEST_CHARS = 5, 4_000


class SourceText(NamedTuple):
    """A file as it is learnt: line breaks made one kind, what looks like a secret masked."""

    path: str
    text: str


@dataclass(frozen=True)
class Parted:
    """The files of a repository, none in two of these."""

    learnt: tuple[SourceText, ...]
    checked: tuple[SourceText, ...]
    judging: tuple[SourceText, ...]


def part(root: Path, patterns: Sequence[str] = ()) -> Parted:
    """Read the files that the index would read, excluded ones left out, and part them; raises InputError."""
    found = sorted(read(root, patterns))
    if len(found) < FEWEST or sum(len(file.text) for file in found) < FEWEST_CHARS:
        raise InputError(
            f"{root} holds {len(found)} source files of {SMALLEST} characters or more that are not excluded: "
            f"too little to learn from, and to see whether it helped; give the root of a repository"
        )
    first = min(max(round(len(found) * LEARNT), 2), len(found) - 1)
    every = min(CHECK_EVERY, first)
    checked = found[every // 2 : first : every]
    learnt = tuple(file for file in found[:first] if file not in checked)
    return Parted(learnt, tuple(checked), tuple(found[first:]))


def read(root: Path, patterns: Sequence[str]) -> list[SourceText]:
    files = []
    for found in walk(root, MOST_FILES, patterns):
        text = mask(source.read(root / found.path)).replace("\r\n", "\n").replace("\r", "\n")
        if SMALLEST <= len(text) <= LARGEST:
            files.append(SourceText(found.path, text))
    return files
