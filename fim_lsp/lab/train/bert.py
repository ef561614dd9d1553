"""The infiller's objective: predict the contents of canvases around which the context stands.

DreamOn (arXiv 2602.01326) with two changes: `<expand>` ends a canvas that is too short, which is what decoding does
with it, and a row has two views, each with canvases of its own: of all masks as a first pass meets them, and partly
filled as later passes do. The context sees neither, and is computed once for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from fim_lsp.checkpoints.marks import Marks
from fim_lsp.lab.train.batch import CONTEXT, PAD, Example, RowSegments
from fim_lsp.nn.canvas import CANVASES, GAP, CanvasHole, Layout, clamp, lay_out, slots

HIDDEN_CONTEXT_ROWS, HIDDEN_CONTEXT = 0.25, 0.15  # masked-language modelling on the context, beside the spans
MOST_DELETES = 8
PARTIAL = 0.4  # of the canvases
CUT_TO_LENGTH = 0.7  # of the partial views: decoding has seen the first delete by then, and dropped what follows


@dataclass(frozen=True)
class BertObjective:
    """Rows of at most `length` places: context first, then canvases while they fit."""

    marks: Marks
    length: int = 448
    context: int = 320
    hidden_rows: float = HIDDEN_CONTEXT_ROWS
    is_shifted: bool = True
    shown: frozenset[int] = frozenset()  # marks of the context that are never hidden

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        """Build the example of a row; the same seed builds the same one."""
        rng = np.random.default_rng(seed)
        example = Example()
        layout = lay_out(clamp([list(piece) for piece in row[::2]], self.context), self.marks)
        self._add_context(example, layout, rng)
        for span, (hole, fill) in enumerate(zip(layout.holes, row[1::2], strict=True)):
            room = self.length - len(example.ids)
            self._add_canvas(example, hole, list(fill), rng.random() < PARTIAL, span, room, rng)
        return example

    def mask(self, groups: Tensor) -> Tensor:
        """Everyone sees the context; a canvas sees the canvases of its own view too."""
        key, query = groups[:, None, :], groups[:, :, None]
        return (key == CONTEXT) | ((key > CONTEXT) & (key == query)) | ((query == PAD) & (key == CONTEXT))

    def _add_context(self, example: Example, layout: Layout, rng: np.random.Generator) -> None:
        ids = list(layout.ids)
        if rng.random() < self.hidden_rows:
            for at in np.flatnonzero(rng.random(len(ids) - 1) < HIDDEN_CONTEXT) + 1:
                if ids[at] not in self.shown:
                    example.targets.append((int(at), ids[at], 1.0, -1))
                    ids[at] = self.marks.mask
        example.add(ids, layout.positions, CONTEXT)

    def _add_canvas(
        self,
        example: Example,
        hole: CanvasHole,
        fill: list[int],
        is_partial: bool,
        span: int,
        room: int,
        rng: np.random.Generator,
    ) -> None:
        size = _size(len(fill), is_partial, rng)
        size = min(size, room, GAP)
        if size < 1:
            return
        contents, weights = _contents(fill, size, self.marks)
        hidden = rng.random(size) < rng.uniform(0.1, 1.0) if is_partial else np.ones(size, dtype=bool)
        hidden |= np.isin(contents, self.marks.own)  # neither mark is ever written into a canvas
        shown = [self.marks.mask if dark else token for token, dark in zip(contents, hidden, strict=True)]
        ids, positions = slots(hole, shown, self.is_shifted)
        first = len(example.ids)
        example.add(ids, positions, CONTEXT + 1 + is_partial)
        end = len(fill)  # the first delete or the expand is part of the answer, what follows is dropped
        for at in np.flatnonzero(hidden):
            is_scored = not is_partial and at <= end
            example.targets.append((first + int(at), contents[at], weights[at], span if is_scored else -1))


def _size(fill: int, is_partial: bool, rng: np.random.Generator) -> int:
    if is_partial and rng.random() < CUT_TO_LENGTH:
        return fill
    if rng.random() < 0.5:
        return fill + int(rng.integers(0, MOST_DELETES + 1))
    return int(rng.choice(CANVASES))


def _contents(fill: list[int], size: int, marks: Marks) -> tuple[list[int], list[float]]:
    """Return what a canvas of `size` should hold, and weights that count all its deletes as one token."""
    if size < len(fill):
        return [*fill[: size - 1], marks.expand], [1.0] * size
    deletes = size - len(fill)
    return fill + [marks.delete] * deletes, [1.0] * len(fill) + [1.0 / max(deletes, 1)] * deletes
