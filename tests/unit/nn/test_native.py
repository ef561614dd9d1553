"""The compiled kernels against torch, against themselves in pieces, and against each other."""

from __future__ import annotations

import ctypes
import json
import os
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from fim_lsp.checkpoints.marks import Marks
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from fim_lsp.nn import load
from fim_lsp.nn.canvas import lay_out
from fim_lsp.nn.native import build, library
from fim_lsp.nn.native.layers import NativeDecoder, NativeEncoder
from fim_lsp.nn.reference.quant import Linear, dense
from fim_lsp.nn.reference.transformer import Decoder, TorchEncoder

GROUP = 256
KERNELS = library.kernels()
PROMPT = torch.randint(0, 230, (90,), generator=torch.Generator().manual_seed(1)).tolist()
CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(
    not KERNELS and not os.environ.get("CI"), reason="no C compiler was there when fim-lsp was installed"
)


def rounded(x):
    """Activations as the kernels round them: int8, a scale for each 256 neighbours and one for those that are left."""
    pieces = []
    for group in x.split(GROUP, -1):
        scale = (group.abs().amax(-1, keepdim=True) / 127).clamp_min(1e-12)
        pieces.append((group / scale).round() * scale)
    return torch.cat(pieces, -1)


@pytest.fixture
def twin(monkeypatch):
    """Torch in float32 with the weights as they are stored, its activations rounded as the kernels round theirs."""
    monkeypatch.setattr(Linear, "__call__", lambda self, x: F.linear(rounded(x), self.wide, self.bias))

    def make(folder, kind=Decoder):
        model = kind.from_folder(folder, torch.float32, CPU)
        head = model.head
        weight = head.weight.float() * (1 if head.scale is None else head.scale.float()[:, None])
        monkeypatch.setattr(type(head), "logits", lambda self, x: F.linear(rounded(x), weight))
        return model

    return make


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
        {"rope_type": "default", "rope_theta": 1e4, "factors": [1.0, 1.0, 1.5, 2.0, 4.0, 8.0, 8.0, 8.0]},
    ],
    ids=["linear", "of a file"],
)
def test_stretched_positions_equal_torch(folder, twin, tmp_path, rope):
    shutil.copytree(folder, tmp_path / "stretched")
    config = tmp_path / "stretched/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"rope_parameters": rope}))
    weights = load_file(folder / "model.safetensors")
    sharp = {name: 12 * tensor for name, tensor in weights.items() if name.endswith(("q_proj.scale", "k_proj.scale"))}
    save_file(weights | sharp, config.with_name("model.safetensors"))  # or positions would hardly matter
    models = [NativeDecoder.from_folder(config.parent), twin(config.parent)]
    config.write_text((folder / "config.json").read_text())
    models.append(NativeDecoder.from_folder(config.parent))
    found, expected, unlike = (one.forward(PROMPT, one.new_cache(128), rows=len(PROMPT)) for one in models)
    assert np.abs(found - expected).mean() < 0.2 * np.abs(found - unlike).mean()


@pytest.mark.parametrize("kernels", KERNELS)
def test_equals_torch_with_the_same_roundings(folder, twin, kernels):
    native, slow = NativeDecoder.from_folder(folder, kernels), twin(folder)
    found = native.forward(PROMPT, native.new_cache(128), rows=len(PROMPT))
    expected = slow.forward(PROMPT, slow.new_cache(128), rows=len(PROMPT))
    assert found.shape == expected.shape == (90, 230)
    # keys and values are half floats, and a number between two roundings may fall to either side
    assert np.abs(found - expected).mean() < 0.01 * expected.std()


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("chunks", [[1] * 90, [33, 1, 56], [89, 1], [7, 64, 19]])
def test_any_pieces_give_the_same_bits(folder, kernels, chunks):
    model = NativeDecoder.from_folder(folder, kernels)
    whole = model.forward(PROMPT, model.new_cache(128), rows=len(PROMPT))
    cache = model.new_cache(128)
    found = [model.forward(PROMPT[len(cache) : len(cache) + size], cache, rows=size) for size in chunks]
    np.testing.assert_array_equal(np.concatenate(found), whole)
    cache.truncate(20)
    assert cache.reuse(PROMPT) == 20
    np.testing.assert_array_equal(model.forward(PROMPT[20:], cache, rows=70), whole[20:])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_gives_the_same_bits(folder, threads, monkeypatch):
    one = NativeDecoder.from_folder(folder)
    monkeypatch.setattr(library, "threads", lambda: threads)
    some = NativeDecoder.from_folder(folder)
    for _ in range(20):  # threads fall asleep and wake
        found, expected = (model.forward(PROMPT, model.new_cache(128), rows=90) for model in (some, one))
        np.testing.assert_array_equal(found, expected)


def test_instruction_sets_agree(folder):
    models = [NativeDecoder.from_folder(folder, kernels) for kernels in KERNELS]
    said = [model.forward(PROMPT, model.new_cache(128), rows=90) for model in models]
    for other in said[1:]:
        assert np.abs(other - said[0]).mean() < 0.01 * said[0].std()


@pytest.fixture(scope="module")
def with_tiles_in_c(tmp_path_factory):
    """The kernels with a set more, in which what tiles do is spelt out in C; compiling takes some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "_knows", lambda cc, flags: False)  # none of the newer sets
        return build.compile_library(tmp_path_factory.mktemp("built") / "engine.so", (build.TILES_IN_C,))


def test_tiles_give_the_bits_of_the_other_kernels(folder, with_tiles_in_c, monkeypatch):
    """Few processors have tiles; the code around their instructions is the same without."""
    monkeypatch.setattr(library, "LIBRARY", with_tiles_in_c)
    library.library.cache_clear()
    try:
        assert "tiles_in_c" in library.kernels()
        for bits in (8, 4):
            tiles, plain = (NativeDecoder.from_folder(folder, name, bits) for name in ("tiles_in_c", "plain"))
            for size in (1, 7, 16, 17, 31, 90):  # one token, a tile that is not full, one, several and a rest
                found, expected = (one.forward(PROMPT[:size], one.new_cache(128), rows=size) for one in (tiles, plain))
                np.testing.assert_array_equal(found, expected)
    finally:
        library.library.cache_clear()


@pytest.mark.parametrize("kernels", KERNELS)
def test_kernels_agree_to_the_bit_on_a_product(kernels):
    lib = library.library()
    one, other = (ctypes.addressof(ctypes.c_char.in_dll(lib, f"kernels_{name}")) for name in (kernels, "plain"))
    assert lib.fim_agree(ctypes.c_void_p(one), ctypes.c_void_p(other))


@pytest.mark.parametrize("kernels", KERNELS)
def test_four_bits_equal_torch_with_the_same_rounded_weights(tmp_path, folder, twin, kernels):
    given, expected_of = tmp_path / "given", tmp_path / "expected"
    wide = dense(load_file(folder / "model.safetensors"))
    is_four = {name: tensor.ndim == 2 and "layers" in name for name, tensor in wide.items()}
    rounded_off = {name: in_four_bits(tensor) if is_four[name] else tensor for name, tensor in wide.items()}
    for path, tensors in ((given, wide), (expected_of, rounded_off)):
        path.mkdir()
        save_file(tensors, path / "model.safetensors")
        (path / "config.json").write_text((folder / "config.json").read_text())
    native, slow = NativeDecoder.from_folder(given, kernels, bits=4), twin(expected_of)
    found = native.forward(PROMPT, native.new_cache(128), rows=90)
    expected = slow.forward(PROMPT, slow.new_cache(128), rows=90)
    assert np.abs(found - expected).mean() < 0.02 * expected.std()
    cache = native.new_cache(128)
    alone = np.concatenate([native.forward([token], cache) for token in PROMPT])
    np.testing.assert_array_equal(alone, found)


def in_four_bits(weight):
    """Weights as `pack_4` of engine.c rounds them."""
    parts = weight.reshape(len(weight), -1, 32)
    furthest = parts.abs().amax(-1, keepdim=True)
    step = furthest.amax(1, keepdim=True) / 7.5 / 15
    scale = step * (furthest / 7.5 / step).round().clamp(1, 15)
    return ((parts / scale).round().clamp(-8, 7) * scale).reshape(weight.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_unpacked_checkpoints_are_packed_while_loading(tmp_path, folder, dtype):
    tensors = load_file(folder / "model.safetensors")
    wide = {}
    for name, tensor in tensors.items():
        if not name.endswith("scale"):
            scale = tensors.get(name.removesuffix("weight") + "scale")
            wide[name] = (tensor if scale is None else tensor.float() * scale[:, None]).to(dtype)
    save_file(wide, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    native, slow = NativeDecoder.from_folder(tmp_path), Decoder.from_folder(tmp_path, torch.float32, CPU)
    found, expected = (model.forward(PROMPT, model.new_cache(128), rows=90) for model in (native, slow))
    assert np.abs(found - expected).mean() < 0.05 * expected.std()


def test_an_infiller_reads_both_ways_and_canvases_do_not_see_each_other(folder):
    native, slow = NativeEncoder.from_folder(folder), TorchEncoder.from_folder(folder, torch.float32, CPU)
    marks = Marks(begin=0, mask=4, delete=5, expand=6)
    layout = lay_out([PROMPT[:30], PROMPT[30:45]], marks)
    canvases = [[[marks.mask] * size] for size in (1, 3, 8)]
    found, expected = (
        model.score_canvases(model.read(layout), canvases, marks.mask, (marks.begin,)) for model in (native, slow)
    )
    assert np.isneginf(found[:, marks.begin]).all()
    assert np.abs(found[:, 1:] - expected[:, 1:]).mean() < 0.05 * expected[:, 1:].std()
    reading = native.read(layout)
    alone = [native.score_canvases(reading, [canvas], marks.mask, (marks.begin,)) for canvas in canvases]
    np.testing.assert_allclose(np.concatenate(alone), found, atol=1e-5)


def test_what_the_kernels_cannot_run_goes_to_torch(folder, tmp_path, monkeypatch):
    assert isinstance(load.load_decoder(folder), NativeDecoder)
    monkeypatch.setenv(library.CHOICE, "torch")
    assert isinstance(load.load_decoder(folder), Decoder)
    monkeypatch.setenv(library.CHOICE, "no such set")
    assert load.load_decoder(folder).kernels == KERNELS[0]
    text = (folder / "config.json").read_text().replace('"intermediate_size": 320', '"intermediate_size": 318')
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelMismatch, match="multiples of 64"):
        NativeDecoder.from_folder(_beside(folder, tmp_path))


def test_damage_is_named(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    whole = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelCorrupt, match="truncated"):
        NativeDecoder.from_folder(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelCorrupt, match="up_proj"):
        NativeDecoder.from_folder(tmp_path)


def test_bounds_are_kept(folder):
    model = NativeDecoder.from_folder(folder)
    with pytest.raises(ValueError, match="do not fit"):
        model.forward(PROMPT, model.new_cache(32))
    with pytest.raises(ValueError, match="outside"):
        model.forward([230], model.new_cache(32))
    cache = model.new_cache(40)
    first = model.forward(PROMPT[:40], cache)
    cache.make_room(90)
    model.forward(PROMPT[40:], cache)
    cache.truncate(39)
    np.testing.assert_array_equal(model.forward(PROMPT[39:40], cache), first)


def test_a_machine_without_a_compiler_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(build.CannotCompile, match="no C compiler"):
        build.compile_library(tmp_path / "engine.so")
    monkeypatch.setenv("CC", "false")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(build.CannotCompile, match="false"):
        build.compile_library(tmp_path / "engine.so")
    assert list(tmp_path.iterdir()) == []


def _beside(folder, target):
    (target / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return target
