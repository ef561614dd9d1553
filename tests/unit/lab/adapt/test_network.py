"""What is trained is what is served: torch and the engine say the same with one adapter, and it reaches every token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.low_rank import LowRank
from fim_lsp.lab.adapt.network import AdaptedTrunk
from fim_lsp.lab.train.batch import Batch, Example
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder

PROMPT = list(range(20, 60))
FIRST = 1  # of three layers


def network(folder) -> AdaptedTrunk:
    torch.manual_seed(1)
    trunk = AdaptedTrunk(folder, FIRST, 8, torch.float32)
    for name, one in trunk.factors().items():
        if name.endswith("B"):
            torch.nn.init.normal_(one)
    return trunk


def part(trunk: AdaptedTrunk) -> LowRank:
    factors = {name: TensorPart("F32", one.detach().numpy(), None, None) for name, one in trunk.factors().items()}
    return LowRank(factors, None)


def said_by_torch(trunk: AdaptedTrunk) -> np.ndarray:
    example = Example()
    example.add(PROMPT, range(len(PROMPT)), 1)
    batch = Batch.stack([example], GptObjective(1, 2, 3, 0, len(PROMPT) + 8), torch.device("cpu"))  # eight of padding
    with torch.no_grad():
        hidden = trunk(batch.ids, batch.positions, batch.mask)
        return trunk.logits(hidden[0, : len(PROMPT)]).numpy()


@pytest.mark.parametrize("kernels", library.kernels())
def test_the_engine_says_what_torch_says(folder, kernels):
    trunk, engine = network(folder), NativeDecoder.from_folder(folder, kernels)
    plain = engine.forward(PROMPT, engine.new_cache(64), rows=len(PROMPT))
    engine.add_low_rank(part(trunk))
    found = engine.forward(PROMPT, engine.new_cache(64), rows=len(PROMPT))
    expected = said_by_torch(trunk)
    assert np.abs(found - expected).mean() < 0.05 * expected.std()
    assert np.abs(found - plain).mean() > 0.2 * expected.std(), "the adapter changes next to nothing"


@pytest.mark.parametrize("kernels", library.kernels())
def test_beside_an_adapter_one_token_after_another_gives_the_same_bits(folder, kernels):
    engine = NativeDecoder.from_folder(folder, kernels)
    engine.add_low_rank(part(network(folder)))
    whole = engine.forward(PROMPT, engine.new_cache(64), rows=3)
    cache = engine.new_cache(64)
    engine.forward(PROMPT[:17], cache)
    for token in PROMPT[17:-3]:
        engine.forward([token], cache)
    np.testing.assert_array_equal(np.concatenate([engine.forward([token], cache) for token in PROMPT[-3:]]), whole)


def test_only_the_factors_are_trained(folder):
    trunk = network(folder)
    trained = {name for name, one in trunk.named_parameters() if one.requires_grad}
    assert len(trained) == len(trunk.factors()) == 2 * 3 * 2
    assert all(name.rpartition(".")[2] in "AB" for name in trained)
