"""What config.json of each architecture says, in newer and older words, and what is refused by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fim_lsp.checkpoints.architectures import ARCHITECTURES, GELU, GELU_EXACT
from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from fim_lsp.lab.slots.network import SlotNetwork
from fim_lsp.lab.train.trunk import Trunk
from fim_lsp.lab.weights.walk import Walk

SIZES = {
    "vocab_size": 256,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
BIGCODE = {"vocab_size": 256, "n_embd": 128, "n_layer": 2, "n_head": 4, "n_positions": 64}
GRANITE_4 = {"num_local_experts": 0, "layer_types": ["attention"] * 2, "shared_intermediate_size": 192}


def read(model_type: str, **more) -> ModelConfig:
    sizes = BIGCODE if model_type == "gpt_bigcode" else SIZES
    return ModelConfig.from_dict({"model_type": model_type, **sizes, **more}, Path("config.json"))


def test_an_older_gpt_neox_says_it_in_other_words():
    config = read("gpt_neox", rotary_pct=0.5, rotary_emb_base=5e4, layer_norm_eps=1e-3)
    assert (config.rotary, config.rope_theta, config.eps) == (16, 5e4, 1e-3)
    newer = read("gpt_neox", rope_parameters={"partial_rotary_factor": 1.0, "rope_theta": 2e4})
    assert (newer.rotary, newer.rope_theta) == (32, 2e4)
    assert read("gpt_neox").rotary == 8


def test_what_a_config_leaves_out_is_as_transformers_has_it():
    assert (read("qwen3").head_dim, read("gemma").head_dim, read("gpt_bigcode").intermediate) == (128, 256, 512)
    assert [name for name in ARCHITECTURES if name != "granitemoehybrid" and read(name).tied] == [
        "starcoder2",
        "gemma",
        "gpt_bigcode",
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, GELU),
        ({"hidden_act": "gelu"}, GELU),
        ({"hidden_act": "gelu", "hidden_activation": "gelu_pytorch_tanh"}, GELU),
    ],
)
def test_gemma_means_the_approximation(asked, expected):
    assert read("gemma", **asked).variant.activation == expected
    assert read("gpt_neox", **asked).variant.activation == GELU_EXACT


def test_granite_4_is_dense_or_refused():
    assert read("granitemoehybrid", **GRANITE_4).rotary == 0
    assert read("granitemoehybrid", **GRANITE_4, position_embedding_type="rope").rotary == 32


@pytest.mark.parametrize(
    ("model_type", "more", "kind", "said"),
    [
        (
            "mamba",
            {},
            ModelMismatch,
            "'mamba', which the layers do not compute; the decoder runs llama, qwen2, qwen3, ",
        ),
        ("granitemoehybrid", {**GRANITE_4, "num_local_experts": 8}, ModelMismatch, "has experts"),
        ("granitemoehybrid", {**GRANITE_4, "layer_types": ["mamba"] * 2}, ModelMismatch, "other than attention"),
        ("stablelm", {"qk_layernorm": True}, ModelMismatch, "qk_layernorm"),
        ("stablelm", {"use_parallel_residual": True}, ModelMismatch, "use_parallel_residual"),
        ("gemma", {"use_bidirectional_attention": True}, ModelMismatch, "looks both ways"),
        ("gpt_bigcode", {"add_cross_attention": True}, ModelMismatch, "attends to another text"),
        ("gpt_bigcode", {"n_embd": "wide"}, ModelCorrupt, "n_embd is 'wide'"),
        ("gpt_bigcode", {"n_layer": None}, ModelCorrupt, "lacks 'n_layer'"),
        ("qwen3", {"use_sliding_window": True}, ModelMismatch, "sliding window"),
        ("granite", {"residual_multiplier": 0}, ModelCorrupt, "residual_multiplier is 0"),
        ("granite", {"logits_scaling": float("nan")}, ModelCorrupt, "logits_scaling is nan"),
        ("starcoder2", {"sliding_window": 0}, ModelCorrupt, "sliding_window is 0"),
        ("starcoder2", {"hidden_act": "relu"}, ModelMismatch, "'relu'; the layers compute silu"),
        ("gpt_neox", {"rotary_pct": 1.5}, ModelCorrupt, "rotary_pct is 1.5"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(model_type, more, kind, said):
    with pytest.raises(kind, match=said):
        read(model_type, **more)


@pytest.mark.parametrize("of", [Trunk, partial(Walk, tensors={}), partial(SlotNetwork, tensors={}, rank=8)])
def test_what_trains_takes_llama_alone(of):
    with pytest.raises(ModelMismatch, match="a qwen3 cannot be trained or calibrated here"):
        of(read("qwen3"))
