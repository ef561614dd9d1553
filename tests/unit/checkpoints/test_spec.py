"""What a folder holds against what its config.json implies: each lie is told by name, with a remedy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fim_lsp.backends.bert import BertBackend
from fim_lsp.backends.gpt import GptBackend
from fim_lsp.checkpoints.arrays import read_model
from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.files import held_in, stored_in
from fim_lsp.checkpoints.spec import MUST, ModelSpec
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ModelCorrupt, ModelError, ModelMismatch
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.reference.transformer import Decoder
from tests.unit.checkpoints.fuzz import folders

Q, DOWN, O_SCALE = (
    f"model.layers.0.{part}" for part in ("self_attn.q_proj.weight", "mlp.down_proj.weight", "self_attn.o_proj.scale")
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound")
    folders.write_all(path)
    return path


@pytest.fixture
def copy(sound, tmp_path):
    def make(layout: str) -> Path:
        return Path(shutil.copytree(sound / layout, tmp_path / layout))

    return make


def configure(folder: Path, change: dict) -> None:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | change))


@pytest.mark.parametrize("layout", ["floats", "rows", "ready", "infiller"])
def test_every_tensor_of_a_sound_folder_is_known(sound, layout):
    held, spec = held_in(sound / layout), ModelSpec(read_config(sound / layout), sound / layout)
    spec.check(held)
    names = {one.name for one in spec.tensors(held)}
    assert held.keys() <= names
    assert {one.name for one in spec.tensors(held) if one.there == MUST} <= held.keys()


@pytest.mark.parametrize("read", [NativeDecoder.from_folder, Decoder.from_folder])
@pytest.mark.parametrize(
    ("layout", "name", "change", "said"),
    [
        ("infiller", O_SCALE, None, r"lack model.layers.0.self_attn.o_proj.scale, F32 or F16 or BF16 \[64\]"),
        ("infiller", DOWN, lambda array: array.T, r"down_proj.weight is I8 \[128, 64\], not .* \[64, 128\]"),
        ("infiller", Q, lambda array: array[:0], r"q_proj.weight is I8 \[0, 64\], not"),
        ("infiller", Q, lambda array: array.astype(np.float32), "q_proj.scale is there"),
        ("floats", Q, lambda array: array.astype(np.float64), "q_proj.weight is F64"),
        ("floats", Q, lambda array: array.astype(np.float16), "q_proj.weight is F16, and .*k_proj"),
        ("floats", "model.layers.2.mlp.up_proj.weight", lambda _: np.ones((2, 2)), "config.json says 2 layers"),
        ("floats", "model.layers.0.self_attn.q_proj.bias", lambda _: np.ones(64, np.float32), "q_proj.bias is there"),
    ],
)
def test_a_tensor_that_lies_is_told_by_name(copy, read, layout, name, change, said):
    folder = copy(layout)
    arrays = load_file(folder / "model.safetensors")
    found = arrays.pop(name, None)
    if change is not None:
        arrays[name] = np.ascontiguousarray(change(found))
    save_file(arrays, folder / "model.safetensors")
    with pytest.raises(ModelError, match=f"{said}.*: copy the model folder again"):
        read(folder)


@pytest.mark.parametrize(
    ("layout", "change", "kind", "said"),
    [
        ("floats", {"hidden_size": 64.0}, ModelCorrupt, "hidden_size is 64.0, not a whole number"),
        ("floats", {"vocab_size": 10**30}, ModelCorrupt, "vocab_size is 10+, not a whole number from 1"),
        ("floats", {"rms_norm_eps": float("nan")}, ModelCorrupt, "rms_norm_eps is nan"),
        ("floats", {"num_key_value_heads": 3}, ModelCorrupt, "num_key_value_heads is 3, not a divisor of the 4"),
        ("floats", {"head_dim": 15}, ModelCorrupt, "head_dim is 15, not even"),
        ("floats", {"eos_token_id": [1, 272]}, ModelCorrupt, "eos_token_id"),
        ("floats", {"hidden_act": "relu"}, ModelMismatch, "relu"),
        ("floats", {"tie_word_embeddings": "no"}, ModelCorrupt, "true or false"),
        ("floats", {"fim": {"prefix": 5}}, ModelCorrupt, "prefix is 5"),
        ("floats", {"fim": folders.FIM | {"order": "middle-out"}}, ModelCorrupt, "order is 'middle-out', not one of"),
        ("floats", {"max_position_embeddings": 17}, ModelMismatch, "gives 17 positions"),
        ("rows", {"confidence": {"bias": "x"}}, ModelCorrupt, "confidence of .*config.json"),
        ("ready", {"layout": "fim-lsp 2"}, ModelMismatch, "install the newest fim-lsp"),
        ("infiller", {"infill": folders.INFILL | {"mask": 272}}, ModelCorrupt, "mask is 272"),
        ("infiller", {"infill": folders.INFILL | {"mask": 256}}, ModelCorrupt, "two marks one id"),
        ("infiller", {"infill": {}}, ModelMismatch, "lacks infill.begin"),
        ("floats", {"fim": folders.FIM | {"prefix": "<p>"}}, ModelMismatch, "lacks the sentinels"),
        ("floats", {"max_position_embeddings": 100}, ModelMismatch, "gives 100 positions"),
        ("infiller", {"max_position_embeddings": 300}, ModelMismatch, "a context takes 577 positions"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(copy, layout, change, kind, said):
    folder = copy(layout)
    configure(folder, change)
    with pytest.raises(kind, match=said) as told:
        (BertBackend if layout == "infiller" else GptBackend).from_folder(folder)
    assert str(folder) in str(told.value)


@pytest.mark.parametrize("shape", [[0, 2**63], [2**62, 0, 4], [0] + [1] * 70])
def test_an_empty_tensor_of_a_shape_that_no_array_has_is_told(copy, shape):
    folder = copy("floats")
    header = json.dumps({"a": {"dtype": "I8", "shape": shape, "data_offsets": [0, 0]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors: a has a shape that no array has"):
        stored_in(folder)


def test_a_tensor_of_another_model_is_passed_over(copy):
    folder = copy("floats")
    arrays = load_file(folder / "model.safetensors")
    save_file(arrays | {"vision.q_proj.weight": arrays[Q]}, folder / "model.safetensors")
    assert "vision.q_proj.weight" not in read_model(folder)[1]


def test_a_vocabulary_beyond_the_rows_is_refused(copy):
    with pytest.raises(ModelMismatch, match="has 264 tokens and the model 260 rows"):
        Tokenizer.from_folder(copy("floats"), 260)


def test_a_prompt_is_cut_to_few_positions(copy):
    folder = copy("floats")
    configure(folder, {"max_position_embeddings": 260})
    of = GptBackend.from_folder(folder).format
    assert (of.prefix_tokens, of.suffix_tokens) == (60, 20)


def test_null_is_as_good_as_absent(copy):
    folder = copy("floats")
    configure(folder, {"fim": folders.FIM | {"prefix_tokens": None}, "rope_scaling": None, "head_dim": None})
    assert GptBackend.from_folder(folder).format.prefix_tokens == 384


def test_ready_weights_that_another_program_wrote_are_read(copy, sound):
    folder = copy("ready")
    for path in folder.glob("*.safetensors"):
        save_file(load_file(path), path, {"written": "elsewhere, so that no array begins at a whole line"})
    first, second = (NativeDecoder.from_folder(one) for one in (sound / "ready", folder))
    ids = list(range(40))
    np.testing.assert_array_equal(*(one.forward(ids, one.new_cache(64), rows=40) for one in (first, second)))


@pytest.mark.parametrize("kind", [[1, 2], {"a": {}}, 7])
def test_an_infiller_whose_kind_is_no_name_is_told(copy, kind):
    configure(folder := copy("infiller"), {"model_type": kind})
    with pytest.raises(ModelCorrupt, match=r"config\.json.*model_type|model_type.*config\.json"):
        BertBackend.from_folder(folder)
