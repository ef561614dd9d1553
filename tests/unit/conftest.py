"""Random models of each family that the engine runs."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

SIZES = {
    "vocab_size": 230,  # not a multiple of the 32 rows of a piece of work
    "hidden_size": 128,
    "intermediate_size": 320,  # a group of activations and a rest
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
}


@pytest.fixture(params=["llama", "llama-untied", "qwen2"], scope="module")
def folder(request, tmp_path_factory):
    """A random model whose matrices are int8 rows, as the shipped ones are."""
    import transformers

    torch.manual_seed(0)
    tied = not request.param.endswith("untied")
    if request.param == "qwen2":
        model = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES, tie_word_embeddings=tied))
        for layer in model.model.layers:  # biases start at zero, which would hide a missing one
            for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
                torch.nn.init.normal_(projection.bias)
    else:
        config = transformers.LlamaConfig(**SIZES, tie_word_embeddings=tied, rope_theta=5e4)
        model = transformers.LlamaForCausalLM(config)
    for norm in (layer.input_layernorm for layer in model.model.layers):
        torch.nn.init.normal_(norm.weight, 1, 0.2)
    path = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(path)
    packed = {}
    for name, tensor in load_file(path / "model.safetensors").items():
        packed[name] = tensor
        if tensor.ndim == 2:
            scale = (tensor.abs().amax(1) / 127).to(torch.float16)
            packed[name] = (tensor / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
            packed[name.removesuffix("weight") + "scale"] = scale
    save_file(packed, path / "model.safetensors")
    return path
