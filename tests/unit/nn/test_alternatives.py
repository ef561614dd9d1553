"""Continuations side by side against each of them alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fim_lsp.nn import alternatives, decode
from fim_lsp.nn.reference.transformer import Decoder
from tests.unit.lab.train.toy import TINY

PROMPT, FIRSTS = [9, 10, 11, 12, 13, 14], [20, 21, 22]


@pytest.fixture(scope="module")
def model():
    from fim_lsp.lab.train.trunk import Trunk

    torch.manual_seed(0)
    tensors = {f"model.{name}": value.detach().clone() for name, value in Trunk(TINY).state_dict().items()}
    return Decoder(TINY, tensors, torch.float32, torch.device("cpu"))


def alone(model, first, most):
    cache = model.new_cache(64)
    model.forward(PROMPT, cache)
    steps = decode.decode(model, cache, decode.Step(first, 1.0), most, frozenset(), lambda: False)
    return [step.token for step in steps]


def read(model):
    cache = model.new_cache(64)
    logits = model.forward(PROMPT, cache)
    return cache, logits


def test_each_alternative_says_what_it_says_alone(model):
    cache, logits = read(model)
    firsts = [decode.Step(token, 0.5) for token in FIRSTS]
    found = alternatives.decode(model, cache, firsts, 6, lambda steps: False, lambda: False)
    assert [[step.token for step in steps] for steps in found] == [alone(model, first, 7) for first in FIRSTS]
    assert cache.ids == PROMPT
    cache.truncate(len(PROMPT) - 1)
    np.testing.assert_allclose(model.forward(PROMPT[-1:], cache), logits, atol=1e-5)


def test_a_branch_that_is_over_leaves_the_others(model):
    cache, _ = read(model)
    firsts = [decode.Step(token, 0.5) for token in FIRSTS]
    over = lambda steps: steps[0].token == 21 or (steps[0].token == 22 and len(steps) == 3)  # noqa: E731
    found = alternatives.decode(model, cache, firsts, 6, over, lambda: False)
    assert [len(steps) for steps in found] == [7, 1, 3]
    assert [step.token for step in found[2]] == alone(model, 22, 3)


def test_it_stops_when_told_and_where_the_cache_ends(model):
    cache, _ = read(model)
    firsts = [decode.Step(token, 0.5) for token in FIRSTS]
    looks = iter([False, False, True])
    found = alternatives.decode(model, cache, firsts, 6, lambda steps: False, lambda: next(looks))
    assert [len(steps) for steps in found] == [3, 3, 3]
    cache.capacity = len(PROMPT) + 5
    found = alternatives.decode(model, cache, firsts, 6, lambda steps: False, lambda: False)
    assert [len(steps) for steps in found] == [2, 2, 2]
