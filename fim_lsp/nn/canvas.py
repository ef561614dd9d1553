"""Where context and canvas tokens stand, for the infiller's training and its decoding alike.

    text      def area(w, h): return ▢ * h
    context   <begin> def area ( w , h ): return ·········gap········ * h      sees itself, both ways
    canvas                               return  ▢    ▢    ▢    ▢              sees the context and itself

A hole takes a fixed gap of positions, so the context's keys and values do not depend on what fills it. A canvas of
n slots has n masks as its contents; slot j reads what stands left of it (content j-1, at first the token before
the hole) and predicts content j, as the decoder it was made from does (the shift of Dream, arXiv 2508.15487).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fim_lsp.checkpoints.config import HOLE
from fim_lsp.checkpoints.marks import Marks

GAP = HOLE
Canvas = Sequence[Sequence[int]]  # contents for each hole of a row, masks where they are unknown
CANVASES = (1, 2, 3, 4, 6, 8, 12, 16, 32)  # sizes a canvas has in training, beside those near its answer's


@dataclass(frozen=True)
class CanvasHole:
    """Where a canvas begins: the position of its first content, and the token left of it."""

    start: int
    left: int


@dataclass(frozen=True)
class Layout:
    """The context tokens of a row with their positions, and its holes."""

    ids: list[int]
    positions: list[int]
    holes: list[CanvasHole]


def lay_out(pieces: Sequence[Sequence[int]], marks: Marks) -> Layout:
    """Place the n+1 pieces of context around n holes."""
    layout, at = Layout([marks.begin], [0], []), 1
    for number, piece in enumerate(pieces):
        if number:
            is_beside_hole = number > 1 and not pieces[number - 1]
            layout.holes.append(CanvasHole(at, marks.mask if is_beside_hole else layout.ids[-1]))
            at += GAP
        layout.ids.extend(piece)
        layout.positions.extend(range(at, at + len(piece)))
        at += len(piece)
    return layout


def clamp(pieces: list[list[int]], most: int) -> list[list[int]]:
    """Cut the list of context pieces to `most` tokens, at its two far ends first, and return it."""
    while (over := sum(map(len, pieces)) - most) > 0:
        longer, cut = (0, slice(min(over, len(pieces[0])), None))
        if len(pieces[-1]) > len(pieces[0]):
            longer, cut = -1, slice(None, max(len(pieces[-1]) - over, 0))
        if not pieces[longer]:
            inner = max(range(len(pieces)), key=lambda n: len(pieces[n]))
            longer, cut = inner, slice(min(over, len(pieces[inner])), None)
        pieces[longer] = pieces[longer][cut]
    return pieces


def slots(hole: CanvasHole, contents: Sequence[int], is_shifted: bool = True) -> tuple[list[int], range]:
    """Return what the slots of a canvas read, and their positions; BERT's own are not shifted."""
    if not is_shifted:
        return list(contents), range(hole.start, hole.start + len(contents))
    return [hole.left, *contents][: len(contents)], range(hole.start - 1, hole.start - 1 + len(contents))


@dataclass(frozen=True)
class Spread:
    """Several canvases side by side: what their slots read and where, whose they are, and which are asked."""

    ids: list[int]
    positions: list[int]
    owners: list[int]
    asked: list[int]


def spread(holes: Sequence[CanvasHole], canvases: Sequence[Canvas], wanted: int, is_shifted: bool = True) -> Spread:
    """Lay canvases side by side; asked are the slots whose content is `wanted`, by canvas, hole and slot."""
    on = Spread([], [], [], [])
    for owner, canvas in enumerate(canvases):
        for hole, contents in zip(holes, canvas, strict=True):
            on.asked.extend(len(on.ids) + n for n, token in enumerate(contents) if token == wanted)
            ids, positions = slots(hole, contents, is_shifted)
            on.ids.extend(ids)
            on.positions.extend(positions)
            on.owners.extend([owner] * len(contents))
    return on
