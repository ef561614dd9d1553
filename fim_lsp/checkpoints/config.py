"""What a model folder says of itself: config.json, and which files hold its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fim_lsp.checkpoints import rotary
from fim_lsp.checkpoints.architectures import ARCHITECTURES, LLAMA, Architecture, Variant
from fim_lsp.checkpoints.fields import Table, read_json
from fim_lsp.errors import ModelCorrupt, ModelMismatch, ModelMissing

EMBEDDING = "model.embed_tokens"
LAYOUT = "fim-lsp 1"  # of weights as the kernels read them (ready.py); another layout is another number
WIDEST, DEEPEST = 1 << 18, 1 << 10  # columns of a matrix; layers, heads, and numbers of a head
MOST_TOKENS, MOST_POSITIONS = 1 << 22, 1 << 30
MOST_PROMPT = MOST_COMPUTED = 1 << 15  # tokens before or behind the cursor; positions that layers prepare for
ORDERS = ("prefix-first", "suffix-first", "prefix-only")
HOLE = 64  # positions a hole takes, and so the longest canvas


@dataclass(frozen=True)
class ModelConfig:
    """The numbers that shape a decoder: those of Llama (Touvron et al., arXiv 2302.13971), and how it varies."""

    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    eps: float
    rope_theta: float
    tied: bool
    max_positions: int
    qkv_bias: bool
    fim: Mapping[str, Any]  # how this checkpoint was trained to fill in; empty when it does not say
    infill: Mapping[str, Any]  # marks and decoding of an infiller; empty for a decoder
    is_ready: bool = False  # weights in the kernels' own layout
    rope_factors: tuple[float, ...] = ()  # what each rotary frequency is divided by, [rotary / 2]; empty: nothing
    architecture: str = "llama"
    variant: Variant = LLAMA

    @property
    def positions(self) -> int:
        """Return how many positions the layers prepare for."""
        return min(self.max_positions, MOST_COMPUTED)

    @property
    def rotary(self) -> int:
        """Return how many of a head's numbers a position turns."""
        return 0 if self.variant.has_positions else int(self.head_dim * self.variant.rotary_share)

    @property
    def rope_frequencies(self) -> NDArray[np.float64]:
        """Return by how much a position turns each pair, in radians, [rotary / 2]."""
        steps = self.rope_theta ** (-np.arange(0, self.rotary, 2) / max(self.rotary, 1))
        return np.ascontiguousarray(steps / (self.rope_factors or 1.0), np.float64)

    @property
    def attention_factor(self) -> float:
        """Return what a query's product with a key is multiplied by."""
        given = self.variant.attention_factor
        return self.head_dim**-0.5 if given is None else given

    def expect_llama(self) -> None:
        """Raise ModelMismatch where layers vary Llama's: what trains or calibrates computes those alone."""
        if self.variant != LLAMA:
            raise ModelMismatch(f"a {self.architecture} cannot be trained or calibrated here; llama and qwen2 can")

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], where: Path) -> ModelConfig:
        """Read the fields of a transformers config.json; raises ModelCorrupt, ModelMismatch."""
        of = _architecture(Table(raw, str(where)))
        table = Table(raw, str(where), of.fields)
        rope = table.table("rope_parameters" if raw.get("rope_parameters") else "rope_scaling")
        _refuse_what_is_not_computed(table)
        variant, usual = of.vary(table), of.defaults
        heads = table.whole("num_attention_heads", 1, DEEPEST)
        hidden, vocab = table.whole("hidden_size", 1, WIDEST), table.whole("vocab_size", 1, MOST_TOKENS)
        where_theta = rope if rope.raw.get("rope_theta") is not None else table
        theta = where_theta.number("rope_theta", 1, 1e12, 10_000.0)
        head_dim = table.whole("head_dim", 2, DEEPEST, usual.get("head_dim", hidden // heads))
        is_shared = table.flag("multi_query", usual.get("multi_query", False))
        eps = table.number("rms_norm_eps", 1e-12, 1, usual.get("rms_norm_eps", 1e-6))
        rotary_dim = 0 if variant.has_positions else int(head_dim * variant.rotary_share)
        config = cls(
            vocab=vocab,
            hidden=hidden,
            intermediate=table.whole("intermediate_size", 1, WIDEST, usual.get("times_hidden", 0) * hidden or None),
            layers=table.whole("num_hidden_layers", 1, DEEPEST),
            heads=heads,
            kv_heads=table.whole("num_key_value_heads", 1, heads, 1 if is_shared else heads),
            head_dim=head_dim,
            eps=eps / variant.residual_factor**2,
            rope_theta=theta,
            tied=table.flag("tie_word_embeddings", usual.get("tie_word_embeddings", False)),
            max_positions=table.whole("max_position_embeddings", 1, MOST_POSITIONS, 2048),
            qkv_bias=table.flag("attention_bias", usual.get("attention_bias", False)),
            fim=_fim(table.table("fim")),
            infill=_infill(table.table("infill"), vocab),
            is_ready=table.raw.get("layout") is not None,
            rope_factors=rotary.factors(rope, theta, rotary_dim),
            architecture=str(raw["model_type"]),
            variant=variant,
        )
        for name in ("bos_token_id", "eos_token_id"):
            table.wholes(name, 0, vocab - 1, ())
        if config.heads % config.kv_heads:
            raise table.wrong("num_key_value_heads", f"a divisor of the {config.heads} heads")
        if config.head_dim % 2 or config.rotary % 2:
            raise table.wrong("head_dim", "even, as rotary positions turn pairs")
        return config


def _architecture(table: Table) -> Architecture:
    name = table.raw.get("model_type")
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise ModelMismatch(
            f"{table.where} holds a model of type {name!r:.60}, which the layers do not compute; the decoder runs "
            f"{', '.join(ARCHITECTURES)}: give another folder"
        )
    return ARCHITECTURES[name]


def _refuse_what_is_not_computed(table: Table) -> None:
    """Raise ModelMismatch for kinds of the architecture that the layers do not compute."""
    if table.raw.get("use_sliding_window"):
        raise ModelMismatch(f"{table.where} uses a sliding window: not supported yet")
    if (layout := table.raw.get("layout")) not in (None, LAYOUT):
        raise ModelMismatch(
            f"{table.where}: the layout is {layout!r:.60}; this fim-lsp reads {LAYOUT!r}: install the newest fim-lsp"
        )


def _fim(table: Table) -> Mapping[str, Any]:
    """Check what a decoder says of its prompt; all names of sentinels are there or the table is empty."""
    if table.raw:
        table.one_of("order", ORDERS, ORDERS[0])
        for name in ("prefix", "suffix", "middle"):
            table.text(name)
        table.text("file", "")
        for name in ("prefix_tokens", "suffix_tokens"):
            table.whole(name, 1, MOST_PROMPT, 1)
    return table.given


def _infill(table: Table, vocab: int) -> Mapping[str, Any]:
    """Check what an infiller says of its marks and its decoding."""
    marks = [table.whole(name, 0, vocab - 1) for name in ("begin", "mask", "delete", "expand") if name in table.raw]
    if len(set(marks)) < len(marks):
        raise ModelCorrupt(f"{table.where} gives two marks one id, {marks}: correct it or copy the folder again")
    table.whole("passes", 1, HOLE, 1)
    table.whole("keep", 1, HOLE, 1)
    table.number("sure", 0, 1, 1)
    table.flag("leftmost")
    table.number("length_bonus", -1e6, 1e6, 0)
    for name in ("canvases", "block_canvases"):
        table.wholes(name, 1, HOLE, (1,))
    for name in ("prefix_tokens", "suffix_tokens"):
        table.whole(name, 1, MOST_PROMPT, 1)
    return table.given


def read_config(folder: Path) -> ModelConfig:
    """Read config.json of a model folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    return ModelConfig.from_dict(read_raw_config(folder), folder / "config.json")


def read_raw_config(folder: Path) -> dict[str, Any]:
    """Read config.json as it stands; raises ModelMissing, ModelCorrupt."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelMissing(
            f"no model in {folder}: config.json is not there; check the path, or install the weights again"
        )
    return dict(Table(read_json(path), str(path)).raw)


def tokenizer_folder(folder: Path) -> Path:
    """Return where a model's tokenizer lies: with it, or in the folder `tokenizer_from` of config.json names."""
    path = folder / "config.json"
    if not path.is_file():
        return folder
    other = Table(read_raw_config(folder), str(path)).text("tokenizer_from", "")
    return (folder / other).resolve() if other else folder


def shards(folder: Path) -> list[Path]:
    """List a folder's safetensors files, those its index names or else all; raises ModelMissing, ModelCorrupt."""
    index = folder / "model.safetensors.index.json"
    paths = sorted(folder.glob("*.safetensors"))
    if index.is_file():
        weight_map = Table(read_json(index), str(index)).table("weight_map")
        names = sorted({weight_map.text(name) for name in weight_map.raw})
        if beyond := [name for name in names if Path(name).name != name]:
            raise ModelCorrupt(f"{index} names {beyond[0]!r:.60}, which is no file's name: copy the model folder again")
        paths = [folder / name for name in names]
    if not paths:
        raise ModelMissing(f"no *.safetensors in {folder}: only safetensors are loaded, convert pickled weights first")
    for path in paths:
        if not path.is_file():
            raise ModelMissing(f"{path} is named in the index but is not there: copy the model folder again")
    return paths
