"""The lean forward pass against transformers on tiny random checkpoints, and against itself without a cache."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.errors import ModelCorrupt, ModelMismatch, ModelMissing
from fim_lsp.nn import decode
from fim_lsp.nn.reference.quant import Linear, dequantise
from fim_lsp.nn.reference.transformer import Decoder

CPU = torch.device("cpu")
SIZES = {
    "vocab_size": 224,
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
PROMPT = torch.randint(0, 224, (70,), generator=torch.Generator().manual_seed(1)).tolist()


@pytest.fixture(params=["llama", "llama-untied", "qwen2"], scope="module")
def checkpoint(request, tmp_path_factory):
    """A random model saved by transformers, and its own logits for PROMPT."""
    import transformers

    torch.manual_seed(0)
    tied = not request.param.endswith("untied")
    if request.param == "qwen2":
        config = transformers.Qwen2Config(**SIZES, tie_word_embeddings=tied)
        model = transformers.Qwen2ForCausalLM(config)
        for layer in model.model.layers:  # biases start at zero, which would hide a missing one
            for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
                torch.nn.init.normal_(projection.bias)
    else:
        config = transformers.LlamaConfig(**SIZES, tie_word_embeddings=tied, rope_theta=5e4)
        model = transformers.LlamaForCausalLM(config)
    folder = tmp_path_factory.mktemp(request.param)
    model.eval().save_pretrained(folder)
    with torch.no_grad():
        return folder, model(torch.tensor([PROMPT])).logits[0], model


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4)


def test_equals_transformers(checkpoint):
    folder, expected, _ = checkpoint
    model = Decoder.from_folder(folder, torch.float32, CPU)
    (logits,) = model.forward(PROMPT, model.new_cache(128))
    close(logits, expected[-1])
    close(model.forward(PROMPT, model.new_cache(128), rows=9), expected[-9:])


@pytest.mark.parametrize("chunks", [[70], [1] * 70, [33, 1, 36], [69, 1]])
def test_the_cached_path_equals_the_uncached(checkpoint, chunks):
    folder, expected, _ = checkpoint
    model = Decoder.from_folder(folder, torch.float32, CPU)
    cache, at = model.new_cache(128), 0
    for size in chunks:
        (logits,) = model.forward(PROMPT[at : at + size], cache)
        at += size
        close(logits, expected[at - 1])


def test_greedy_decoding_equals_generate(checkpoint):
    folder, _, slow = checkpoint
    model = Decoder.from_folder(folder, torch.float32, CPU)
    cache = model.new_cache(128)
    logits = decode.prefill(model, cache, PROMPT, lambda: False)
    steps = decode.decode(model, cache, decode.pick(logits), 20, frozenset(), lambda: False)
    expected = slow.generate(torch.tensor([PROMPT]), max_new_tokens=20, do_sample=False, eos_token_id=None)
    assert [step.token for step in steps] == expected[0, len(PROMPT) :].tolist()


def test_reuse_after_rollback_changes_nothing(checkpoint):
    folder, expected, _ = checkpoint
    model = Decoder.from_folder(folder, torch.float32, CPU)
    cache = model.new_cache(128)
    model.forward([*PROMPT[:40], 5, 6, 7], cache)
    assert cache.reuse(PROMPT) == 40
    close(decode.prefill(model, cache, PROMPT, lambda: False), expected[-1])
    assert cache.reuse(PROMPT) == len(PROMPT) - 1  # the last token is computed again for its logits
    assert cache.reuse([(PROMPT[0] + 1) % 224, 2]) == 0


def test_prefill_stops_between_chunks(checkpoint):
    folder, _, _ = checkpoint
    model = Decoder.from_folder(folder, torch.float32, CPU)
    cache, looks = model.new_cache(256), []

    def stop() -> bool:
        looks.append(len(cache))
        return len(looks) > 1

    assert decode.prefill(model, cache, PROMPT * 3, stop) is None
    assert looks == [0, decode.CHUNK]


def pack(folder, target):
    """Save a checkpoint as int8 rows with scales, as the shipped weights are."""
    tensors = load_file(folder / "model.safetensors")
    packed = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            scale = (tensor.abs().amax(1) / 127).to(torch.float16)
            packed[name] = (tensor / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
            packed[name.removesuffix("weight") + "scale"] = scale
        else:
            packed[name] = tensor
    target.mkdir()
    save_file(packed, target / "model.safetensors")
    (target / "config.json").write_text((folder / "config.json").read_text())
    return target


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_weights_equal_their_dequantised_twin(checkpoint, tmp_path, dtype):
    folder, expected, _ = checkpoint
    model = Decoder.from_folder(pack(folder, tmp_path / "packed"), dtype, CPU)
    (many,) = model.forward(PROMPT, model.new_cache(128))
    cache = model.new_cache(128)
    for token in PROMPT:
        (single,) = model.forward([token], cache)
    loose = 0.03 if dtype == torch.float32 else 0.15
    np.testing.assert_allclose(many, expected[-1], atol=loose, rtol=0.1)
    np.testing.assert_allclose(single, many, atol=loose, rtol=0.1)


@pytest.mark.parametrize("shape", [(64, 32), (40, 32), (33, 31), (1, 7)])
@pytest.mark.parametrize("rows", [1, 8, 9, 64])
def test_the_int8_kernel_equals_the_wide_product(rows, shape):
    torch.manual_seed(0)
    weight, scale = torch.randint(-127, 128, shape, dtype=torch.int8), torch.rand(shape[0]).half() / 64
    part = {"weight": weight, "scale": scale}
    x = torch.randn(rows, shape[1])
    linear = Linear.build([part, part], torch.float32, CPU)
    wide = dequantise(part, torch.float32)
    torch.testing.assert_close(linear(x), x @ torch.cat([wide, wide]).T, atol=1e-3, rtol=1e-3)


def test_bad_folders_are_named(checkpoint, tmp_path):
    folder, _, _ = checkpoint
    with pytest.raises(ModelMissing, match=r"config\.json"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelCorrupt, match=r"config\.json"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelMismatch, match="bert"):
        Decoder.from_folder(tmp_path)
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ModelMissing, match="safetensors"):
        Decoder.from_folder(tmp_path)
    weights = (folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelCorrupt, match="truncated"):
        Decoder.from_folder(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelCorrupt, match="up_proj"):
        Decoder.from_folder(tmp_path)


LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
STRETCHED = [
    {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0},
    {**LLAMA3, "original_max_position_embeddings": 64},
]


@pytest.mark.parametrize("rope", STRETCHED, ids=["linear", "llama3"])
def test_stretched_positions_equal_transformers(rope, tmp_path):
    import transformers

    torch.manual_seed(0)
    other = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, rope_parameters=rope)).eval()
    other.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = other(torch.tensor([PROMPT])).logits[0, -1]
    model = Decoder.from_folder(tmp_path, torch.float32, CPU)
    (logits,) = model.forward(PROMPT, model.new_cache(128))
    close(logits, expected)
    assert len(set(model.config.rope_factors)) > (rope["rope_type"] == "llama3")  # some are slowed and some are not


def test_an_older_config_says_it_under_another_name(tmp_path):
    raw = {"model_type": "llama", **SIZES, "rope_theta": 1e5, "rope_scaling": {"type": "linear", "factor": 4.0}}
    config = ModelConfig.from_dict(raw, tmp_path)
    assert (config.rope_theta, set(config.rope_factors)) == (1e5, {4.0})


@pytest.mark.parametrize(
    ("rope", "said"),
    [
        ({"rope_type": "yarn", "factor": 4.0}, "'yarn' rotary positions are not computed"),
        ({"rope_type": "dynamic", "factor": 4.0}, "'dynamic'"),
        ({"rope_type": "linear"}, "lacks 'factor'"),
        ({"rope_type": "linear", "factor": 0.0}, "factor is 0.0, not a number from 1"),
        ({**LLAMA3, "original_max_position_embeddings": 0}, "original_max_position_embeddings is 0"),
        ({**LLAMA3, "low_freq_factor": "low"}, "low_freq_factor is 'low'"),
        ({"factors": [1.0, 2.0]}, "factors is .* not 8 numbers, one a frequency"),
        ({"factors": [float("nan")] * 8}, "not 8 numbers"),
    ],
)
def test_unknown_positions_are_refused_not_guessed(rope, said, tmp_path):
    with pytest.raises((ModelMismatch, ModelCorrupt), match=said):
        ModelConfig.from_dict({"model_type": "llama", **SIZES, "rope_parameters": rope}, tmp_path)
