"""The infiller's fast path, keys and values kept, against its slow twin: one pass under the whole mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fim_lsp.lab.train.trunk import Trunk
from fim_lsp.nn.canvas import lay_out, slots
from fim_lsp.nn.infill import InfillRecipe, blank, fill
from fim_lsp.nn.reference.transformer import TorchEncoder
from tests.unit.lab.train.toy import MARKS, TINY

PIECES = {"one hole": [[9, 10, 11], [12, 13]], "two holes": [[9], [10, 11, 12], [13]], "nothing left of it": [[], [12]]}


@pytest.fixture(scope="module")
def trunk():
    torch.manual_seed(0)
    return Trunk(TINY).eval()


@pytest.fixture(scope="module")
def encoder(trunk):
    tensors = {f"model.{name}": value.detach().clone() for name, value in trunk.state_dict().items()}
    return TorchEncoder(TINY, tensors, torch.float32, torch.device("cpu"))


def slow(trunk, layout, canvas):
    """Logits of the slots that hold a mask: context sees context, the canvas sees everything."""
    ids, positions, asked = list(layout.ids), list(layout.positions), []
    for hole, contents in zip(layout.holes, canvas, strict=True):
        asked += [len(ids) + n for n, token in enumerate(contents) if token == MARKS.mask]
        seen, places = slots(hole, contents)
        ids += seen
        positions += places
    mask = torch.zeros(len(ids), len(ids))
    mask[: len(layout.ids), len(layout.ids) :] = float("-inf")
    hidden = trunk(torch.tensor([ids]), torch.tensor([positions]), mask[None, None])[0]
    return trunk.logits(hidden[asked])


@pytest.mark.parametrize("name", PIECES)
def test_canvases_side_by_side_equal_each_alone_in_full(trunk, encoder, name):
    layout = lay_out(PIECES[name], MARKS)
    canvases = [
        [[MARKS.mask] * size for _ in layout.holes] for size in (1, 4)
    ] + [[[20, MARKS.mask, 21, MARKS.mask] for _ in layout.holes]]  # fmt: skip
    reading = encoder.read(layout)
    for _ in range(2):  # the second look must not see the first
        seen = encoder.score_canvases(reading, canvases, MARKS.mask, (MARKS.begin,))
        expected = torch.cat([slow(trunk, layout, canvas) for canvas in canvases])
        expected[:, MARKS.begin] = -torch.inf
        np.testing.assert_allclose(seen, expected.log_softmax(-1).detach(), atol=1e-4, rtol=1e-4)


def test_passes_end_with_every_mask_filled_and_stop_when_told(encoder):
    reading = encoder.read(lay_out(PIECES["two holes"], MARKS))
    *_, last = fill(encoder, MARKS, reading, blank((2, 4), 2, MARKS.mask), InfillRecipe(passes=3), lambda: False, 2)
    assert all(candidate.is_done(MARKS.mask) for candidate in last)
    assert not set(MARKS.own) & {token for candidate in last for one in candidate.fills for token in one.contents}
    calls = iter([False, True])
    unsure = InfillRecipe(sure=1.1)
    assert len(list(fill(encoder, MARKS, reading, blank((2,), 2, MARKS.mask), unsure, lambda: next(calls), 1))) == 1


def test_a_context_that_is_being_read_is_let_go_before_the_next_layer(encoder):
    """The longest part of a request: a cancel waits for one layer of it, not for all."""
    asked = []

    def is_over() -> bool:
        asked.append(1)
        return len(asked) == TINY.layers

    assert encoder.read(lay_out(PIECES["one hole"], MARKS), is_over) is None
    assert len(asked) == TINY.layers
