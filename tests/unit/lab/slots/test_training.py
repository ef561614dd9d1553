"""What slots are trained on, and that training teaches a toy trunk's slots what its rows say."""

from __future__ import annotations

import json
import random
from itertools import cycle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fim_lsp.checkpoints.low_rank import LowRank
from fim_lsp.lab.slots import rows
from fim_lsp.lab.slots.pack import pack
from fim_lsp.lab.slots.train import SlotRun, SlotTrainer
from fim_lsp.lab.slots.views import ViewRow, Views, draw
from fim_lsp.nn.decode import Step
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.slots import UNKNOWN, Policy, fill

END = 0
ROW = ViewRow([5, 6, 7, 3], [11, 12, 13])

one_family = pytest.mark.parametrize("folder", ["qwen2"], indirect=True)


def test_a_view_takes_in_the_token_before_and_says_its_own():
    views = Views()
    views.add(ROW, 0, 6, [True, False, True, False, False, False], END)
    assert views.ids == [3, 11, UNKNOWN, 13, UNKNOWN, UNKNOWN]
    assert views.positions == [3, 4, 5, 6, 7, 8]
    assert list(zip(views.places, views.targets, views.weights, strict=True)) == [
        (1, 12, 1.0), (3, END, 1.0), (4, END, 0.05), (5, END, 0.05),
    ]  # fmt: skip


def test_the_first_token_is_always_known_for_the_decoder_says_it():
    views = draw([ROW, ViewRow([5, 3], [20])], 256, END, random.Random(1))
    assert len(views.ids) <= 256
    assert {views.ids[first + 1] for first, _, _ in views.spans} == {11, 20}
    assert 0 not in views.orders


def test_rows_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert list(rows.write(path, [ROW, ROW], 1)) == [1]
    assert next(rows.read(path, random.Random(1))) == ROW
    assert len(path.read_text().splitlines()) == 1


@one_family
def test_training_teaches_slots_to_say_what_the_rows_say(folder, tmp_path):
    run = SlotRun(minutes=60, steps=80, rate=1e-2, rank=8, tokens=8, slots=64, is_compiled=False)
    trainer, told = SlotTrainer(folder, END, run), []
    trainer.train(cycle([ROW]), [ROW], tmp_path / "trained.safetensors", told.append)
    engine = NativeDecoder.from_folder(folder)
    packed = pack(tmp_path / "trained.safetensors", folder, tmp_path / "slots")
    assert json.loads((packed.parent / "config.json").read_text())["rank"] == 8
    engine.add_low_rank(LowRank.from_folder(packed.parent, engine.config, 8))
    cache = engine.new_cache(32)
    engine.forward(ROW.context, cache)
    policy = Policy(passes=1)
    ((steps, _),) = fill(
        engine, cache, ROW.context, Step(11, 1.0), policy, 8, 8, lambda token: token == END, lambda: False
    )
    assert [step.token for step in steps] == [11, 12, 13, END], told[-3:]


@one_family
def test_what_is_packed_is_what_was_trained(folder, tmp_path):
    run = SlotRun(minutes=1, rank=8, tokens=8, slots=64, is_compiled=False)
    trainer = SlotTrainer(folder, END, run)
    for one in trainer.network.trained().values():
        torch.nn.init.normal_(one)
    trainer.save(tmp_path / "trained.safetensors")
    packed = pack(tmp_path / "trained.safetensors", folder, tmp_path / "slots")
    part = LowRank.from_folder(packed.parent, trainer.engine.config, 8)
    for name, tensor in load_file(tmp_path / "trained.safetensors").items():
        if name == "mask":
            np.testing.assert_allclose(part.mask, tensor.float())
        else:
            found = part.factors[name]
            rows_back = found.weight.astype(np.float32) * found.scale[:, None]
            assert np.abs(rows_back - tensor.float().numpy()).max() <= np.abs(tensor.float().numpy()).max() / 120
