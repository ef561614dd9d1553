"""Published architectures: torch and the kernels against transformers, in pieces, and taken onto the shelf."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from fim_lsp.checkpoints import intake
from fim_lsp.checkpoints.intake import FolderSource, convert
from fim_lsp.errors import ModelCorrupt, ModelError
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.reference.transformer import Decoder
from tests.unit.nn import published
from tests.unit.nn.test_native import rounded

IDS = torch.randint(0, 230, (70,), generator=torch.Generator().manual_seed(1)).tolist()
CPU = torch.device("cpu")
MAY_LACK = ("self_attn.o_proj.bias",)  # Llama's is as the file has it, and so is Qwen3's
needs_kernels = pytest.mark.skipif(
    not library.kernels() and not os.environ.get("CI"), reason="no C compiler was there when fim-lsp was installed"
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Torch's threads cost such small models more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=published.MODELS)
def saved(request, tmp_path_factory):
    """A folder, and the model of transformers that it was saved from."""
    model = published.random_model(request.param)
    return published.save(model, tmp_path_factory.mktemp(request.param)), model


@pytest.fixture(scope="module", params=[name for name in published.MODELS if name not in ("llama", "qwen2")])
def folder(request, tmp_path_factory):
    return published.save(published.random_model(request.param), tmp_path_factory.mktemp(request.param))


def said(model, ids=IDS, pieces=()):
    cache, pieces = model.new_cache(128), pieces or [len(ids)]
    found = [model.forward(ids[len(cache) : len(cache) + size], cache, rows=size) for size in pieces]
    return np.concatenate(found)


def apart(found, expected):
    """How far two answers are apart, as a share of what they say."""
    return np.linalg.norm(found - expected) / np.linalg.norm(expected - expected.mean(-1, keepdims=True))


def test_torch_equals_transformers(saved):
    path, model = saved
    (expected,) = published.answers(model, [IDS])
    assert apart(said(Decoder.from_folder(path, torch.float32, CPU)), expected) < 1e-4
    alone = said(Decoder.from_folder(path, torch.float32, CPU), pieces=[33, *[1] * 20, 17])
    assert apart(alone, expected) < 1e-4


@needs_kernels
@pytest.mark.parametrize("kernels", dict.fromkeys([*library.kernels()[:1], *library.kernels()[-1:]]))
def test_kernels_equal_transformers_with_the_same_roundings(saved, kernels, monkeypatch):
    """A number between two roundings may fall to either side, and what comes after it differs: so in most prompts."""
    path, model = saved
    native = NativeDecoder.from_folder(path, kernels)
    prompts = [IDS[at : at + 12] for at in range(0, 58, 4)]
    with monkeypatch.context() as patch:  # int8 activations, and keys and values in half floats
        patch.setattr(torch.nn.Linear, "forward", lambda self, x: F.linear(rounded(x), self.weight, self.bias))
        expected = published.answers(model, prompts, halves=True)
    differences = sorted(map(apart, [said(native, ids) for ids in prompts], expected))
    assert differences[len(prompts) // 2] < 1e-4
    assert differences[-1] < 0.1


@needs_kernels
def test_any_pieces_give_the_same_bits(folder):
    model = NativeDecoder.from_folder(folder)
    np.testing.assert_array_equal(said(model, pieces=[33, *[1] * 20, 17]), said(model))


@needs_kernels
@pytest.mark.parametrize("bits", [8, 4])
def test_taken_onto_the_shelf_it_says_the_same(folder, tmp_path, bits, monkeypatch):
    monkeypatch.setattr(intake, "BLOCK", 64 * 128)  # so that matrices are read in several blocks
    convert(FolderSource(folder), bits, tmp_path, lambda *_: None)
    taken = NativeDecoder.from_folder(tmp_path)
    np.testing.assert_array_equal(said(taken), said(NativeDecoder.from_folder(folder, bits=bits)))
    if bits == 8:
        slow = [Decoder.from_folder(one, torch.float32, CPU) for one in (tmp_path, folder)]
        assert apart(*map(said, slow)) < 0.01  # embedding rows of 8 bits
    raw = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(raw | {"num_hidden_layers": 3, "n_layer": 3}))
    with pytest.raises(ModelCorrupt, match=r"lack layers\.2"):
        NativeDecoder.from_folder(tmp_path)


def test_every_tensor_that_lacks_or_lies_is_told_by_its_own_name(folder, tmp_path):
    shutil.copy(folder / "config.json", tmp_path)
    tensors = load_file(folder / "model.safetensors")
    of_a_layer = [name for name in tensors if ".1." not in name]  # layers are alike
    for name in of_a_layer:
        for changed in (None, tensors[name][:-1].clone()):
            others = {other: tensor for other, tensor in tensors.items() if other != name}
            save_file(others | ({} if changed is None else {name: changed}), tmp_path / "model.safetensors")
            if changed is None and name.endswith(MAY_LACK):
                continue
            with pytest.raises(ModelError, match=name):
                Decoder.from_folder(tmp_path)
