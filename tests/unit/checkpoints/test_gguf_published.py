"""GGUF of every published architecture, written as llama.cpp's converter does, against the folder it came from."""

from __future__ import annotations

import json

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file

from fim_lsp.checkpoints.gguf import GgufFile, gguf_names
from fim_lsp.checkpoints.intake import FolderSource, convert
from fim_lsp.errors import ModelCorrupt
from fim_lsp.nn.native.layers import NativeDecoder
from tests.unit.nn import published

ARCHITECTURE = {"gpt_bigcode": "starcoder", "gpt_neox": "gptneox", "granitemoehybrid": "granite"}  # in GGUF
IDS = list(range(3, 33))
NOT_WRITTEN = ("gpt_bigcode-many-keys",)  # the converter refuses them


def write(folder, path, lacks=""):
    """Write a transformers folder as GGUF in float32; the words are those of convert_hf_to_gguf.py."""
    raw = json.loads((folder / "config.json").read_text())
    family, arch = raw["model_type"], ARCHITECTURE.get(raw["model_type"], raw["model_type"])
    hidden, heads, layers = (
        raw.get(one) or raw[other]
        for one, other in (
            ("hidden_size", "n_embd"),
            ("num_attention_heads", "n_head"),
            ("num_hidden_layers", "n_layer"),
        )
    )
    head_dim, rope = raw.get("head_dim") or hidden // heads, raw.get("rope_parameters") or {}
    writer = gguf.GGUFWriter(path, arch)
    writer.add_context_length(raw.get("max_position_embeddings") or raw["n_positions"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    inner = ("shared_intermediate_size", "intermediate_size", "n_inner")  # the first two are alike in published ones
    writer.add_feed_forward_length(next(raw[name] for name in inner if name in raw))
    writer.add_head_count(heads)
    kv_heads = raw.get("num_key_value_heads") or (1 if raw.get("multi_query") else heads)
    writer.add_head_count_kv([kv_heads] * layers if family == "granitemoehybrid" else kv_heads)
    if head_dim != hidden // heads:
        writer.add_key_length(head_dim)
    if rope:
        writer.add_rope_freq_base(rope["rope_theta"])
        writer.add_rope_dimension_count(int(head_dim * rope.get("partial_rotary_factor", 1.0)))
    if "rms_norm_eps" in raw:
        writer.add_layer_norm_rms_eps(raw["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(next(value for name, value in raw.items() if "norm_eps" in name))
    if raw.get("sliding_window") and family == "starcoder2":
        writer.add_sliding_window(raw["sliding_window"])
    if "use_parallel_residual" in raw:
        writer.add_parallel_residual(raw["use_parallel_residual"])
    if "embedding_multiplier" in raw:
        writer.add_embedding_scale(raw["embedding_multiplier"])
        writer.add_residual_scale(raw["residual_multiplier"])
        writer.add_attention_scale(raw["attention_multiplier"])
        writer.add_logit_scale(raw["logits_scaling"])
    name_of = gguf_names(gguf, "granite" if family == "granitemoehybrid" else family, layers)
    for name, array in parted(load_file(folder / "model.safetensors")):
        if name != lacks:
            writer.add_tensor(name_of(name), converted(name, array, family, heads, kv_heads))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def parted(tensors):
    """Yield a Granite 4's feed-forward as a Granite 3 has it."""
    for name, array in tensors.items():
        if name.endswith("shared_mlp.input_linear.weight"):
            for part, half in zip(("gate", "up"), np.split(array, 2), strict=True):
                yield name.replace("shared_mlp.input_linear", f"mlp.{part}_proj"), half
        else:
            yield name.replace("shared_mlp.output_linear", "mlp.down_proj"), array


def converted(name, array, family, heads, kv_heads):
    part = name.rsplit(".", 2)[-2]
    if family in ("llama", "granite", "granitemoehybrid") and part in ("q_proj", "k_proj"):
        halves = array.reshape(heads if part == "q_proj" else kv_heads, 2, -1, *array.shape[1:])
        array = halves.swapaxes(1, 2).reshape(array.shape)
    if family == "gemma" and "norm" in name:
        array = array + 1
    if part == "query_key_value":
        by_head = array.reshape(heads, 3, -1, *array.shape[1:])
        array = by_head.swapaxes(0, 1).reshape(array.shape)
    return np.ascontiguousarray(array, np.float32)


@pytest.fixture(scope="module", params=[name for name in published.MODELS if name not in NOT_WRITTEN])
def folder(request, tmp_path_factory):
    return published.save(published.random_model(request.param), tmp_path_factory.mktemp(request.param))


def test_a_file_says_what_its_folder_says(folder, tmp_path):
    path, answers = write(folder, tmp_path / "model.gguf"), []
    for n, source in enumerate((GgufFile(path), FolderSource(folder))):
        (tmp_path / str(n)).mkdir()
        convert(source, 8, tmp_path / str(n), lambda *_: None)
        model = NativeDecoder.from_folder(tmp_path / str(n))
        answers.append(model.forward(IDS, model.new_cache(32), rows=len(IDS)))
    np.testing.assert_array_equal(*answers)


def test_what_a_file_lacks_is_told(folder, tmp_path):
    names = [name for name, _ in parted(load_file(folder / "model.safetensors"))]
    name = next(one for one in names if "mlp" in one and one.endswith("weight"))
    with pytest.raises(ModelCorrupt, match=name):
        GgufFile(write(folder, tmp_path / "model.gguf", lacks=name))
