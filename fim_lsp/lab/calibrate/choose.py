"""Which holes a comparison tries: drawn evenly over their kinds, the same ones for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from fim_lsp.compare import cut
from fim_lsp.compare.quality import Hole, read_holes, shipped_holes
from fim_lsp.errors import InputError

OF_A_KIND = 60  # cut into the user's own files
SEVERAL_SHARE = 20  # of so many holes at a cursor, one text with several


def choose(holes: Path | None, on: Path | None, limit: int, seed: int) -> list[Hole]:
    """Return `limit` holes at one cursor and, for every twenty of them, a text with several; raises InputError.

    They come from a file of holes, from files they are cut into, or from what ships; a limit of 0 takes all.
    """
    if on:
        texts = list(cut.read_files(on))
        found = cut.cut(texts, OF_A_KIND, seed) + cut.cut_several(texts, OF_A_KIND, seed)
    elif holes:
        found = read_holes(holes)
    else:
        found = read_holes() + read_holes(shipped_holes("several"))
    at_cursor = draw([hole for hole in found if not hole.further], limit, seed)
    if not at_cursor:
        raise InputError("no hole at one cursor among them: nothing to compare")
    return at_cursor + draw([hole for hole in found if hole.further], -(-limit // SEVERAL_SHARE), seed)


def draw(holes: Sequence[Hole], limit: int, seed: int) -> list[Hole]:
    """Return at most `limit` holes, 0 for all, as many of each kind as there are to be had."""
    queues: dict[str, list[Hole]] = {}
    for hole in random.Random(seed).sample(list(holes), len(holes)):
        queues.setdefault(hole.kind, []).append(hole)
    dealt = [hole for round_ in zip_longest(*queues.values()) for hole in round_ if hole is not None]
    return dealt[: limit or None]
