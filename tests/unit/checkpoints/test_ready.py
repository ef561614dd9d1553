"""Weights in the kernels' own layout: the same numbers by every kernel, by torch, in pieces; damage is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.arrays import Arrays
from fim_lsp.errors import ModelCorrupt
from fim_lsp.lab.weights import rounding
from fim_lsp.lab.weights.pack import pack
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.reference.quant import Linear
from fim_lsp.nn.reference.transformer import Decoder
from tests.unit.conftest import SIZES
from tests.unit.nn.test_native import PROMPT, rounded

KERNELS = library.kernels()


@pytest.fixture(scope="module", params=["tied", "untied"])
def folder(request, tmp_path_factory):
    """A random Qwen2 in the kernels' layout: attention and embedding in 8 bits, the rest in 4."""
    import transformers

    torch.manual_seed(3)
    path, is_tied = tmp_path_factory.mktemp("ready"), request.param == "tied"
    model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES, tie_word_embeddings=is_tied))
    for layer in model.model.layers:
        for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
            torch.nn.init.normal_(projection.bias)
        torch.nn.init.normal_(layer.input_layernorm.weight, 1, 0.2)
    model.save_pretrained(path / "wide")
    tensors = load_file(path / "wide/model.safetensors")
    matrices = {
        name.removesuffix(".weight"): rounding.plain(tensor, 4 if "mlp" in name else 8)
        for name, tensor in tensors.items()
        if tensor.ndim == 2
    }
    pack(json.loads((path / "wide/config.json").read_text()), tensors, matrices, path, [64, 128, 38])
    for name, matrix in matrices.items():
        tensors[f"{name}.weight"] = matrix.dense()
    torch.save(tensors, path / "dense.pt")
    return path


def test_all_readers_see_the_rounded_weights(folder):
    dense, arrays = torch.load(folder / "dense.pt"), Arrays.from_folder(folder)
    assert {name.rpartition(".")[0] for name in arrays.stored} >= {name.rpartition(".")[0] for name in dense}
    for name, tensor in dense.items():
        found = arrays.stored[name].floats() if tensor.ndim == 1 else None
        if found is None:
            part = arrays.part(name.removesuffix(".weight"))
            found = part.weight * part.scale[:, None]
        np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-6)


@pytest.mark.parametrize("kernels", KERNELS)
def test_kernels_equal_torch_and_themselves_in_pieces(folder, kernels, monkeypatch):
    monkeypatch.setattr(Linear, "__call__", lambda self, x: F.linear(rounded(x), self.wide, self.bias))
    slow = Decoder.from_folder(folder, torch.float32, torch.device("cpu"))
    weight = slow.head.weight.float() * (1 if slow.head.scale is None else slow.head.scale.float()[:, None])
    monkeypatch.setattr(type(slow.head), "logits", lambda self, x: F.linear(rounded(x), weight))
    native = NativeDecoder.from_folder(folder, kernels)
    found, expected = (one.forward(PROMPT, one.new_cache(128), rows=90) for one in (native, slow))
    assert np.abs(found - expected).mean() < 0.01 * expected.std()
    cache = native.new_cache(128)
    pieces = [native.forward(PROMPT[len(cache) : len(cache) + size], cache, rows=size) for size in (1, 5, 7, 77)]
    np.testing.assert_array_equal(np.concatenate(pieces), found)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 8]))
def test_the_layout_can_be_undone(seed, bits):
    rng = np.random.default_rng(seed)
    levels = rng.integers(-8, 8, (64, 128), np.int8) if bits == 4 else rng.integers(-127, 128, (64, 128), np.int8)
    times = rng.integers(1, 16, (64, 4), np.uint8)
    laid = ready.laid_out_times(times) if bits == 4 else None
    matrix = ready.Matrix("m", bits, 64, 128, ready.laid_out(levels, bits), laid, np.ones(64, np.float32), None)
    expected = levels * times.astype(np.int8).repeat(32, 1) if bits == 4 else levels
    np.testing.assert_array_equal(ready.rows(matrix), expected)


def test_arrays_begin_at_whole_lines(folder):
    files = list(folder.glob("*.safetensors"))
    assert files
    for path in files:
        head = path.read_bytes()
        length = int.from_bytes(head[:8], "little")
        assert (8 + length) % ready.LINE == 0
        header = json.loads(head[8 : 8 + length])
        assert all(entry["data_offsets"][0] % ready.LINE == 0 for name, entry in header.items() if name[0] != "_")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_hidden_layers": 4}, "lack layers.3"),
        ({"hidden_size": 192}, "not .*192|layers.0.qkv"),
        ({"intermediate_size": 256}, "layers.0.gate_up"),
        ({"vocab_size": 262}, "embedding"),
        ({"num_attention_heads": 4}, "layers.0.qkv"),
    ],
)
def test_a_configuration_that_lies_about_sizes_is_refused(folder, tmp_path, change, said):
    for path in folder.glob("*.safetensors*"):
        (tmp_path / path.name).symlink_to(path)
    raw = json.loads((folder / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(raw))
    for read in (NativeDecoder.from_folder, Decoder.from_folder):
        with pytest.raises(ModelCorrupt, match=said):
            read(tmp_path)
