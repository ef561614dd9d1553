"""A low-rank part is held against its trunk before any kernel sees it, and its settings against what they may be."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.low_rank import LowRank, SlotConfig, sizes
from fim_lsp.errors import ModelCorrupt, ModelError
from fim_lsp.nn.slots import Policy

RANK = 4
TRUNK = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 96,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 10_000.0, "tie_word_embeddings": True,
}  # fmt: skip
CONFIG = {"model_type": "slots", "trunk": "../trunk", "rank": RANK, "slots": {"passes": 3, "sure": 0.5}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, config in (("trunk", TRUNK), ("slots", CONFIG)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    return tmp_path / "slots"


def tensors(folder: Path) -> dict[str, np.ndarray]:
    trunk = read_config(folder.parent / "trunk")
    named = {"mask": np.zeros(trunk.hidden, np.float32)}
    for layer in range(trunk.layers):
        for part, (out, into) in sizes(trunk).items():
            named[f"layers.{layer}.{part}.A.weight"] = np.zeros((RANK, into), np.float32)
            named[f"layers.{layer}.{part}.B.weight"] = np.zeros((out, RANK), np.float32)
    return named


def read(folder: Path, named: dict[str, np.ndarray]) -> LowRank:
    save_file(named, folder / "model.safetensors")
    return LowRank.from_folder(folder, read_config(folder.parent / "trunk"), RANK)


def test_what_fits_is_read(folder):
    assert len(read(folder, tensors(folder)).factors) == 2 * 7 * 2


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mask", np.zeros(63, np.float32)),
        ("mask", None),
        ("layers.1.down.B.weight", np.zeros((64, RANK + 1), np.float32)),
        ("layers.0.q.A.weight", np.zeros((RANK, 65), np.float32)),
        ("layers.0.q.A.weight", np.zeros((RANK, 64), np.int8)),  # without its scale
        ("layers.1.up.A.weight", None),
    ],
)
def test_what_does_not_fit_is_refused_by_name(folder, name, wrong):
    named = tensors(folder) | {name: wrong}
    with pytest.raises(ModelError, match=name.removesuffix(".weight")):
        read(folder, {name: tensor for name, tensor in named.items() if tensor is not None})


@pytest.mark.parametrize(
    ("field", "value"),
    [("passes", 0), ("passes", 1.5), ("canvas", 65), ("block_canvas", "many"), ("sure", 2), ("sure", float("nan"))],
)
def test_a_knob_out_of_bounds_is_refused_by_name(folder, field, value):
    (folder / "config.json").write_text(json.dumps(CONFIG | {"slots": {field: value}}))
    with pytest.raises(ModelCorrupt, match=field):
        SlotConfig.read(folder)


def test_a_knob_of_a_later_release_is_passed_over(folder):
    (folder / "config.json").write_text(json.dumps(CONFIG | {"slots": {"passes": 3, "sure": 0.5, "warmth": 1}}))
    assert SlotConfig.read(folder).policy == {"passes": 3, "sure": 0.5}


def test_every_knob_is_read(folder):
    knobs = {"passes": 3, "sure": 0.5, "canvas": 4, "block_canvas": 8}
    (folder / "config.json").write_text(json.dumps(CONFIG | {"slots": knobs}))
    assert Policy(**SlotConfig.read(folder).policy) == Policy(**knobs)
    assert knobs.keys() == {one.name for one in fields(Policy)}
