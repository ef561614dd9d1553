"""The architectures that the layers compute, as data: where each parts from Llama, in config.json and in its names.

Another one is another entry here, as long as it is made of what `Variant` has; the layers know no architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fim_lsp.checkpoints.fields import Table
from fim_lsp.errors import ModelMismatch

SILU, GELU, GELU_EXACT = "silu", "gelu by tanh", "gelu"
ACTIVATIONS = {"silu": SILU, "swish": SILU, "gelu": GELU_EXACT, "gelu_python": GELU_EXACT}
ACTIVATIONS |= dict.fromkeys(("gelu_pytorch_tanh", "gelu_new", "gelu_fast"), GELU)
LEAST_FACTOR, MOST_FACTOR = 1e-6, 1e6
LAYERS = "model.layers"
QKV = tuple(f"self_attn.{part}_proj" for part in "qkv")
FEED_IN = ("mlp.gate_proj", "mlp.up_proj")
ALWAYS = ""  # a field that an architecture has no word for: its default is the rule


@dataclass(frozen=True)
class Variant:
    """What a model's layers compute, where Llama's compute what is the default here."""

    activation: str = SILU
    is_gated: bool = True  # the feed-forward multiplies by a gate
    is_centred: bool = False  # LayerNorm with biases in place of RMSNorm
    is_parallel: bool = False  # attention and feed-forward read the same
    has_head_norms: bool = False  # RMSNorm of every head's query and key
    has_positions: bool = False  # learned ones, and none are turned
    biases: bool | None = None  # of the matrices behind attention and of the feed-forward; None: as a file has them
    window: int | None = None  # tokens that one sees, itself among them
    rotary_share: float = 1.0  # of a head's numbers
    embedding_factor: float = 1.0
    attention_factor: float | None = None  # None: 1 / √head_dim
    residual_factor: float = 1.0  # of what a layer adds; the layers keep x / it, so that nothing is multiplied
    logits_factor: float = 1.0  # goes into the last norm


LLAMA = Variant()


@dataclass(frozen=True)
class Names:
    """What it calls tensors that this program knows by Llama's names; several of ours may be one of theirs."""

    layers: str = LAYERS
    outside: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return their name of a tensor, both without .weight or .bias."""
        if not name.startswith(f"{LAYERS}."):
            return self.outside.get(name, name)
        number, _, part = name.removeprefix(f"{LAYERS}.").partition(".")
        return f"{self.layers}.{number}.{self.parts.get(part, part)}"


@dataclass(frozen=True)
class Architecture:
    """One `model_type`: its words in config.json, its names of tensors, and how it varies."""

    class_name: str  # transformers'
    vary: Callable[[Table], Variant]
    fields: Mapping[str, str] = field(default_factory=dict)  # its words for Llama's fields
    defaults: Mapping[str, Any] = field(default_factory=dict)  # for what config.json may leave out, by Llama's words
    names: Names = field(default_factory=Names)
    gguf: str | None = ""  # its name in GGUF, where that is another; None: it is not read from there
    norm_plus: float = 0.0  # what a folder's norms lack
    has_partial_rotary: bool = False  # config.json may say that only some numbers of a head are turned
    is_interleaved_in_gguf: bool = False  # GGUF keeps the halves of its rotary pairs side by side


def _llama(table: Table) -> Variant:
    return Variant(_activation(table))


def _qwen3(table: Table) -> Variant:
    return Variant(_activation(table), has_head_norms=True)


def _granite(table: Table) -> Variant:
    residual = table.number("residual_multiplier", LEAST_FACTOR, MOST_FACTOR, 1.0)
    return Variant(
        _activation(table),
        embedding_factor=table.number("embedding_multiplier", LEAST_FACTOR, MOST_FACTOR, 1.0) / residual,
        attention_factor=table.number("attention_multiplier", LEAST_FACTOR, MOST_FACTOR, 1.0),
        residual_factor=residual,
        logits_factor=1 / table.number("logits_scaling", LEAST_FACTOR, MOST_FACTOR, 1.0),
    )


def _granite_4(table: Table) -> Variant:
    """Granite 4 without experts and without state spaces: what is left of its config.json is Granite 3's."""
    if table.whole("num_local_experts", 0, 1 << 20, 8):
        raise ModelMismatch(f"{table.where} has experts, which the layers do not compute; its dense sisters have none")
    kinds = table.given.get("layer_types", ["mamba"])
    if not isinstance(kinds, list) or any(kind not in ("attention", "full_attention") for kind in kinds):
        raise ModelMismatch(f"{table.where} has layers other than attention, which the layers do not compute")
    has_turns = table.given.get("position_embedding_type") == "rope"
    return replace(_granite(table), rotary_share=1.0 if has_turns else 0.0)


def _starcoder2(table: Table) -> Variant:
    return Variant(
        _activation(table, "gelu_pytorch_tanh"),
        is_gated=False,
        is_centred=True,
        biases=table.flag("use_bias", True),
        window=table.whole("sliding_window", 1, 1 << 30) if "sliding_window" in table.given else None,
    )


def _gemma(table: Table) -> Variant:
    if table.flag("use_bidirectional_attention"):
        raise ModelMismatch(f"{table.where} looks both ways: it is no decoder")
    asked = _activation(table, "gelu_pytorch_tanh")
    if "hidden_activation" in table.given:
        asked = _activation(Table(table.raw, table.where, {"hidden_act": "hidden_activation"}))
    activation = GELU if asked == GELU_EXACT else asked  # the first files say gelu and mean its approximation
    return Variant(activation, embedding_factor=table.whole("hidden_size", 1, 1 << 30) ** 0.5)


def _gpt_bigcode(table: Table) -> Variant:
    if table.flag("add_cross_attention"):
        raise ModelMismatch(f"{table.where} attends to another text, which the layers do not compute")
    return Variant(
        _activation(table, "gelu_pytorch_tanh"),
        is_gated=False,
        is_centred=True,
        has_positions=True,
        biases=True,
        attention_factor=None if table.flag("scale_attn_weights", True) else 1.0,
    )


def _gpt_neox(table: Table) -> Variant:
    return Variant(
        _activation(table, "gelu"),
        is_gated=False,
        is_centred=True,
        is_parallel=table.flag("use_parallel_residual", True),
        biases=True if table.flag("attention_bias", True) else None,
        rotary_share=_rotary_share(table, "rotary_pct"),
    )


def _rotary_share(table: Table, word: str) -> float:
    """Return the share of a head's numbers that are turned, by a newer or an older config.json."""
    rope, newer = table.table("rope_parameters"), "partial_rotary_factor"
    return rope.number(newer, 0, 1) if newer in rope.given else table.number(word, 0, 1, 0.25)


def _stablelm(table: Table) -> Variant:
    if beyond := [word for word in ("qk_layernorm", "use_parallel_residual") if table.flag(word)]:
        raise ModelMismatch(f"{table.where} has {beyond[0]}, which the layers do not compute for this architecture")
    share = _rotary_share(table, "partial_rotary_factor")
    return Variant(_activation(table), is_centred=True, biases=False, rotary_share=share)


def _activation(table: Table, default: str = "silu") -> str:
    """Return what config.json asks for; raises ModelMismatch."""
    asked = table.given.get(table.own("hidden_act"), default)
    if not isinstance(asked, str) or asked not in ACTIVATIONS:
        raise ModelMismatch(
            f"{table.where} asks for the activation {asked!r:.60}; the layers compute {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[asked]


ARCHITECTURES = {
    "llama": Architecture("LlamaForCausalLM", _llama, is_interleaved_in_gguf=True),
    "qwen2": Architecture("Qwen2ForCausalLM", _llama, {"attention_bias": ALWAYS}, {"attention_bias": True}),
    "qwen3": Architecture("Qwen3ForCausalLM", _qwen3, defaults={"head_dim": 128}),
    "granite": Architecture("GraniteForCausalLM", _granite, is_interleaved_in_gguf=True),
    "granitemoehybrid": Architecture(
        "GraniteMoeHybridForCausalLM",
        _granite_4,
        {"intermediate_size": "shared_intermediate_size"},
        names=Names(
            parts={**dict.fromkeys(FEED_IN, "shared_mlp.input_linear"), "mlp.down_proj": "shared_mlp.output_linear"}
        ),
        gguf=None,
    ),
    "starcoder2": Architecture(
        "Starcoder2ForCausalLM",
        _starcoder2,
        {"rms_norm_eps": "norm_epsilon", "attention_bias": "use_bias"},
        {"rms_norm_eps": 1e-5, "attention_bias": True, "tie_word_embeddings": True},
        Names(parts={"mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"}),
    ),
    "gemma": Architecture(
        "GemmaForCausalLM", _gemma, defaults={"head_dim": 256, "tie_word_embeddings": True}, norm_plus=1.0
    ),
    "gpt_bigcode": Architecture(
        "GPTBigCodeForCausalLM",
        _gpt_bigcode,
        {
            "hidden_size": "n_embd",
            "num_hidden_layers": "n_layer",
            "num_attention_heads": "n_head",
            "intermediate_size": "n_inner",
            "max_position_embeddings": "n_positions",
            "rms_norm_eps": "layer_norm_epsilon",
            "hidden_act": "activation_function",
            "attention_bias": ALWAYS,
            "num_key_value_heads": ALWAYS,  # what transformers writes there is not what it computes
        },
        {
            "rms_norm_eps": 1e-5,
            "times_hidden": 4,
            "multi_query": True,
            "attention_bias": True,
            "tie_word_embeddings": True,
        },
        Names(
            "transformer.h",
            {
                "model.embed_tokens": "transformer.wte",
                "model.positions": "transformer.wpe",
                "model.norm": "transformer.ln_f",
            },
            {"input_layernorm": "ln_1", "post_attention_layernorm": "ln_2", **dict.fromkeys(QKV, "attn.c_attn")}
            | {"self_attn.o_proj": "attn.c_proj", "mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"},
        ),
        gguf="starcoder",
    ),
    "gpt_neox": Architecture(
        "GPTNeoXForCausalLM",
        _gpt_neox,
        {"rms_norm_eps": "layer_norm_eps", "rope_theta": "rotary_emb_base"},
        {"rms_norm_eps": 1e-5, "attention_bias": True},
        Names(
            "gpt_neox.layers",
            {
                "model.embed_tokens": "gpt_neox.embed_in",
                "model.norm": "gpt_neox.final_layer_norm",
                "lm_head": "embed_out",
            },
            {**dict.fromkeys(QKV, "attention.query_key_value"), "self_attn.o_proj": "attention.dense"}
            | {"mlp.up_proj": "mlp.dense_h_to_4h", "mlp.down_proj": "mlp.dense_4h_to_h"},
        ),
        gguf="gptneox",
        has_partial_rotary=True,
    ),
    "stablelm": Architecture(
        "StableLmForCausalLM",
        _stablelm,
        {"rms_norm_eps": "layer_norm_eps", "attention_bias": "use_qkv_bias"},
        {"rms_norm_eps": 1e-5},
        has_partial_rotary=True,
    ),
}
