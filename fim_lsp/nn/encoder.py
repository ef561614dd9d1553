"""The bidirectional reading of a stack of layers: the context once, then any number of canvases against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from fim_lsp.checkpoints.files import Floats
from fim_lsp.nn.canvas import Canvas, CanvasHole, Layout, spread


class Ended(Exception):
    """A run of the layers was over before its last."""


class Reading(NamedTuple):
    """A context that was read: its keys and values, and the holes in it."""

    cache: Any
    length: int
    holes: list[CanvasHole]


class LayerStack(Protocol):
    """What nn/native and nn/transformer.py both have."""

    def new_cache(self, capacity: int) -> Any: ...
    def run(
        self,
        ids: Sequence[int],
        positions: Sequence[int],
        cache: Any,
        start: int,
        seen: Any,
        is_over: Callable[[], bool] | None = None,
    ) -> Any: ...
    def logits(self, x: Any) -> Floats: ...


class Encoder:
    """A masked language model, mixed into layers: context sees context, a canvas sees the context and itself."""

    def read(self: LayerStack, layout: Layout, is_over: Callable[[], bool] | None = None) -> Reading | None:
        """Compute keys and values of a context; None when it was over before that, asked once a layer."""
        length = len(layout.ids)
        cache = self.new_cache(length)
        try:
            self.run(layout.ids, layout.positions, cache, 0, "all", is_over)
        except Ended:
            return None
        return Reading(cache, length, layout.holes)

    def score_canvases(
        self: LayerStack, reading: Reading, canvases: Sequence[Canvas], wanted: int, banned: Sequence[int]
    ) -> Floats:
        """Return log-probabilities [slots holding `wanted`, vocab] of several canvases, none seeing another.

        All canvases go through in one pass; `banned` ids get none.
        """
        on = spread(reading.holes, canvases, wanted)
        reading.cache.make_room(reading.length + len(on.ids))
        whose = np.array(on.owners)
        mask = np.ones((len(whose), reading.length + len(whose)), np.bool_)
        mask[:, reading.length :] = whose[:, None] == whose[None, :]
        x = self.run(on.ids, on.positions, reading.cache, reading.length, mask)
        logits = self.logits(x[on.asked])
        logits[:, list(banned)] = -np.inf
        return log_softmax(logits)


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities [rows, vocab], written over the logits."""
    logits -= logits.max(-1, keepdims=True)
    for row in logits:  # one at a time stays in the cache
        row -= np.log(np.exp(row).sum())
    return logits
