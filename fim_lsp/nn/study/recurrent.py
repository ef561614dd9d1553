"""Recurrent networks: all of the past in one state, h_t = tanh(W_x x_t + W_h h_{t-1} + b) or an LSTM's gates.

Elman, Finding Structure in Time (1990); Hochreiter and Schmidhuber, Long Short-Term Memory (1997), with the forget
gate's bias at 1 (Gers et al., 2000). PyTorch keeps b as the sum of two vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fim_lsp.nn.study.network import Network, StudyShape, Writing, initialise
from fim_lsp.nn.study.vocabulary import MIDDLE, PREFIX, SUFFIX

CHUNK = 96  # tokens read between two looks at the stop flag


class Recurrent(Network):
    """Embedding, recurrent layers, a projection back to the embedding's width, a final norm as the others have."""

    def __init__(self, shape: StudyShape):
        super().__init__(shape)
        cells = nn.LSTM if shape.kind == "lstm" else nn.RNN
        self.cells = cells(shape.hidden, shape.inner, shape.layers, batch_first=True)
        self.project, self.norm = nn.Linear(shape.inner, shape.hidden), nn.LayerNorm(shape.hidden)
        self.apply(initialise)
        if shape.kind == "lstm":
            for layer in range(shape.layers):
                getattr(self.cells, f"bias_ih_l{layer}").data[shape.inner : 2 * shape.inner] = 1.0

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return hidden states [rows, length, hidden]; order is all it knows, so positions and mask are not read."""
        out: Tensor = self.norm(self.project(self.cells(self.scaled(ids))[0]))
        return out

    @torch.inference_mode()
    def begin(self, before: Sequence[int], after: Sequence[int], stop: Callable[[], bool]) -> Writing | None:
        """Read suffix, then prefix, in chunks; None when stopped."""
        prompt = [SUFFIX, *after, PREFIX, *before, MIDDLE]
        at = Writing(None, 0, np.empty(0, np.float32))
        for start in range(0, len(prompt), CHUNK):
            if stop():
                return None
            at = self._read(at, prompt[start : start + CHUNK])
        return at

    @torch.inference_mode()
    def advance(self, at: Writing, token: int) -> Writing:
        """Take one token more."""
        return self._read(at, [token])

    def _read(self, at: Writing, ids: Sequence[int]) -> Writing:
        row = torch.tensor([ids], device=self.embed_tokens.weight.device)
        states, kept = self.cells(self.scaled(row), at.kept)
        return Writing(kept, at.length + len(ids), self.following(self.norm(self.project(states[0, -1]))))
