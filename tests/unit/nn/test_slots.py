"""Slots behind a decoder's context: the engine against torch, the decoding against a script."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.low_rank import LowRank
from fim_lsp.lab.slots.network import SlotNetwork
from fim_lsp.nn import slots
from fim_lsp.nn.decode import Step
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import read_tensors
from fim_lsp.nn.token_cache import TokenCache

END, LINE = 0, 9
PROMPT = list(range(20, 60))
CANVAS = [PROMPT[-1], 7, slots.UNKNOWN, slots.UNKNOWN, 11, slots.UNKNOWN]


def network(folder) -> SlotNetwork:
    """Return the twin in torch, its low-rank part far from nothing."""
    engine = NativeDecoder.from_folder(folder)
    twin = SlotNetwork(engine.config, dense(read_tensors(folder)), rank=8)
    torch.manual_seed(1)
    for name, one in twin.trained().items():
        if name.endswith("B"):
            torch.nn.init.normal_(one, std=0.1)
    return twin


def part(twin: SlotNetwork) -> LowRank:
    factors = {
        name: TensorPart("F32", one.detach().numpy(), None, None)
        for name, one in twin.trained().items()
        if name != "mask"
    }
    return LowRank(factors, twin.mask.detach().numpy())


def context(engine, length: int):
    """Return the cached keys and values as the twin takes them."""
    cache = engine.new_cache(64)
    engine.forward(PROMPT[:length], cache)
    keys = torch.from_numpy(cache.keys).transpose(3, 4).flatten(2, 3)[:, :, :length].bfloat16()
    values = torch.from_numpy(cache.values)[:, :, :length].bfloat16()
    return cache, [[pair] for pair in zip(keys, values, strict=True)]


@pytest.mark.parametrize("folder", ["llama", "qwen2"], indirect=True)  # the twin's embedding is its head
@pytest.mark.parametrize("kernels", library.kernels())
def test_the_engine_says_what_torch_says(folder, kernels):
    twin, engine = network(folder), NativeDecoder.from_folder(folder, kernels)
    engine.add_low_rank(part(twin))
    start, size = len(PROMPT) - 1, len(CANVAS)
    cache, seen = context(engine, start)
    found = engine.logits(engine.run(CANVAS, range(start, start + size), cache, start, "all", is_slots=True))
    with torch.no_grad():
        everyone = torch.ones(size, start + size, dtype=torch.bool)
        states = twin(torch.tensor(CANVAS), torch.arange(start, start + size), [(0, size, everyone)], seen)
        expected = torch.nn.functional.linear(states, twin.vocabulary).float().numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 0.05 * expected.std()


@pytest.mark.parametrize("kernels", library.kernels())
def test_beside_slots_the_trunk_stays_the_decoder_bit_for_bit(folder, kernels):
    plain, beside = (NativeDecoder.from_folder(folder, kernels) for _ in range(2))
    expected = plain.forward(PROMPT, plain.new_cache(64), rows=4)
    twin = network(folder)
    beside.add_low_rank(part(twin))
    cache, _ = context(beside, 20)
    beside.run(CANVAS, range(20, 26), cache, 20, "all", is_slots=True)  # what slots leave behind is written over
    np.testing.assert_array_equal(beside.forward(PROMPT[20:], cache, rows=4), expected)


def test_without_a_low_rank_part_there_are_no_slots(folder):
    engine = NativeDecoder.from_folder(folder)
    with pytest.raises(ValueError, match="low-rank"):
        engine.run(CANVAS, range(6), engine.new_cache(16), 0, "all", is_slots=True)


class Script:
    """Says `text`, the slots behind the leftmost open one as surely as `sure`; counts the passes."""

    config = SimpleNamespace(vocab=30)

    def __init__(self, text: list[int], sure: float, prompt: int):
        self.text, self.sure, self.prompt = [*text, END, END, END, END], sure, prompt
        self.canvases: list[list[int]] = []

    def run(self, ids, positions, cache, start, look, is_over=None, is_slots=False):
        assert (look, is_slots) == ("all", True)
        self.canvases.append(list(ids))
        return np.array([[start + 1 - self.prompt + at] for at in range(len(ids))], np.float32)

    def logits(self, hidden):
        logits = np.full((len(hidden), 30), -50.0, np.float32)
        for row, at in enumerate(hidden[:, 0].astype(int)):
            logits[row, self.text[min(at, len(self.text) - 1)]] = np.log(self.sure)
            logits[row, 29] = np.log(1 - self.sure)
        return logits

    def forward(self, ids, cache, rows=1):
        cache.ids.extend(ids)
        return self.logits(np.array([[len(cache) - self.prompt]], np.float32))


def filled(text: list[int], sure: float, size: int, passes: int = 4, most: int = 64, is_end=lambda token: token == END):
    script, cache = Script(text, sure, len(PROMPT)), TokenCache(128)
    cache.ids = list(PROMPT)
    policy = slots.Policy(passes=passes)
    found = list(slots.fill(script, cache, PROMPT, Step(text[0], 0.9), policy, size, most, is_end, lambda: False))
    assert cache.ids == PROMPT[:-1]
    return [[step.token for step in steps] for steps, _ in found], [taken for _, taken in found], script


def test_a_sure_canvas_takes_one_pass():
    assert filled([5, 6, 7], 0.99, 8)[:2] == ([[5, 6, 7, END]], [1])


def test_an_unsure_one_takes_its_leftmost_slot_a_pass_and_the_rest_in_the_last():
    said, passes, script = filled([5, 6, 7, 8, 9, 10], 0.8, 8)
    assert (said, passes) == ([[5, 6, 7, 8, 9, 10, END]], [4])
    known = [[token for token in canvas[1:] if token != slots.UNKNOWN] for canvas in script.canvases]
    assert known == [[5], [5, 6], [5, 6, 7], [5, 6, 7, 8]]


def test_an_end_closes_the_canvas_and_what_is_behind_it_is_not_asked():
    is_end = lambda token: token in (END, LINE)  # noqa: E731
    assert filled([5, LINE, 7], 0.99, 8, is_end=is_end)[:2] == ([[5, LINE]], [1])
    assert filled([LINE, 7], 0.99, 8, is_end=is_end)[:2] == ([[LINE]], [0])


def test_a_canvas_without_an_end_is_read_and_another_follows():
    text = [5, 6, 7, 8, 9, 10, 11]
    said, passes, _ = filled(text, 0.99, 4)
    assert said == [text[:4], [*text, END]]
    assert passes == [1, 1]


def test_there_are_never_more_tokens_than_wanted():
    said, _, _ = filled([5, 6, 7, 8, 9, 10, 11], 0.99, 4, most=6)
    assert said == [[5, 6, 7, 8], [5, 6, 7, 8, 9, 10]]
