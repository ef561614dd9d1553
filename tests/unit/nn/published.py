"""Tiny random models of every published architecture that the layers compute, as transformers saves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

HALVES = "sdpa_of_halves"
SIZES = {
    "vocab_size": 230,  # not a multiple of the 32 rows of a piece of work
    "hidden_size": 128,
    "intermediate_size": 320,  # a group of activations and a rest
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": None,
}
MULTIPLIED = {"embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.15}
MULTIPLIED |= {"rms_norm_eps": 0.01}  # large enough to tell
MODELS: dict[str, tuple[str, dict[str, Any]]] = {  # transformers' name, and what config.json has beside SIZES
    "llama": ("Llama", {}),
    "qwen2": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3", {"head_dim": 32, "tie_word_embeddings": True}),
    "qwen3-biased": ("Qwen3", {"head_dim": 16, "attention_bias": True}),
    "granite": ("Granite", {**MULTIPLIED, "tie_word_embeddings": True}),
    "granite-untied": ("Granite", {**MULTIPLIED, "logits_scaling": 4.0, "attention_bias": True}),
    "granite-4": (
        "GraniteMoeHybrid",
        {**MULTIPLIED, "num_local_experts": 0, "layer_types": ["full_attention"] * 2, "shared_intermediate_size": 320}
        | {"position_embedding_type": "rope", "mamba_expand": 1, "mamba_n_heads": 8, "intermediate_size": 64},
    ),
    "starcoder2": ("Starcoder2", {"tie_word_embeddings": True}),
    "starcoder2-windowed": ("Starcoder2", {"sliding_window": 8, "use_bias": False, "tie_word_embeddings": False}),
    "gemma": ("Gemma", {"head_dim": 32, "num_key_value_heads": 1}),
    "gpt_bigcode": ("GPTBigCode", {"n_inner": 320, "num_key_value_heads": ..., "intermediate_size": ...}),
    "gpt_bigcode-many-keys": (
        "GPTBigCode",
        {"multi_query": False, "activation_function": "gelu", "tie_word_embeddings": False, "n_inner": None}
        | {"num_key_value_heads": ..., "intermediate_size": ...},
    ),
    "gpt_neox": ("GPTNeoX", {"num_attention_heads": 4, "num_key_value_heads": ...}),
    "gpt_neox-in-turn": (
        "GPTNeoX",
        {"num_attention_heads": 4, "use_parallel_residual": False, "num_key_value_heads": ...},
    ),
    "stablelm": ("StableLm", {"num_attention_heads": 4, "num_key_value_heads": 4, "use_qkv_bias": True}),
}


def random_model(name: str) -> Any:
    """Return a transformers model whose every part matters: sharp attention, norms and biases of their own."""
    import transformers

    _register()
    torch.manual_seed(0)
    kind, more = MODELS[name]
    left_out = {field for field, value in more.items() if value is ...}
    sizes = {field: value for field, value in {**SIZES, **more}.items() if field not in left_out}
    model = getattr(transformers, f"{kind}ForCausalLM")(getattr(transformers, f"{kind}Config")(**sizes)).eval()
    with torch.no_grad():
        for of, parameter in model.named_parameters():
            if parameter.ndim == 2 and not of.endswith(("wpe.weight",)):
                parameter.normal_(0, 1.0 * parameter.shape[1] ** -0.5)
                scale = parameter.abs().amax(1, keepdim=True) / 127
                parameter.copy_((parameter / scale).round() * scale)  # so that rounding to int8 rows changes nothing
            elif of.endswith("bias"):
                parameter.normal_(0, 0.3)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.2)
        model.tie_weights()
    return model


def save(model: Any, folder: Path) -> Path:
    """Write config.json and weights."""
    model.save_pretrained(folder)
    return folder


def answers(model: Any, prompts: list[list[int]], halves: bool = False) -> Any:
    """Return the logits of prompts of one length; `halves`: keys and values are half floats, as in a cache of ours."""
    model.set_attn_implementation(HALVES if halves else "sdpa")
    with torch.no_grad():
        return model(torch.tensor(prompts)).logits.numpy()


def _attend_halves(module: Any, query: Any, key: Any, value: Any, mask: Any, **more: Any) -> Any:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    return sdpa_attention_forward(module, query, key.half().float(), value.half().float(), mask, **more)


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(HALVES, _attend_halves)
    AttentionMaskInterface.register(HALVES, sdpa_mask)
