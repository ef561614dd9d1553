"""Rotary positions of models that were stretched to longer texts: what each frequency is divided by.

linear   all by one factor (arXiv 2306.15595; DeepSeek-Coder)
llama3   the slow ones by a factor, the quick ones not, those between in part (Llama 3.1 on, as transformers has it)
"""

from __future__ import annotations

import math

from fim_lsp.checkpoints.fields import Table
from fim_lsp.errors import ModelMismatch

LEAST, MOST = 1.0, 1e6  # a factor
FACTORS = "factors"  # one a frequency, as a GGUF file has them


def factors(rope: Table, theta: float, head_dim: int) -> tuple[float, ...]:
    """Read rope_parameters or rope_scaling: a factor for each of head_dim / 2 frequencies, none where all are one.

    Raises ModelCorrupt, ModelMismatch.
    """
    count = head_dim // 2
    if FACTORS in rope.raw:
        return _given(rope, count)
    match rope.raw.get("rope_type", rope.raw.get("type", "default")):
        case "default" | None:
            return ()
        case "linear":
            return (rope.number("factor", LEAST, MOST),) * count
        case "llama3":
            return tuple(_slowed(rope, theta ** (-2 * n / head_dim)) for n in range(count))
        case other:
            raise ModelMismatch(f"{rope.where}: {other!r:.60} rotary positions are not computed; linear and llama3 are")


def _slowed(rope: Table, frequency: float) -> float:
    factor = rope.number("factor", LEAST, MOST)
    low, high = rope.number("low_freq_factor", 0.01, MOST), rope.number("high_freq_factor", 0.01, MOST)
    turns = rope.whole("original_max_position_embeddings", 1, 1 << 24) * frequency / (2 * math.pi)
    if turns <= low:
        return factor
    if turns >= high:
        return 1.0
    share = (turns - low) / (high - low)
    return 1 / ((1 - share) / factor + share)


def _given(rope: Table, count: int) -> tuple[float, ...]:
    found = rope.raw[FACTORS]
    are_numbers = isinstance(found, list) and all(isinstance(one, int | float) for one in found)
    if not are_numbers or len(found) != count or not all(1 / MOST <= one <= MOST for one in found):
        raise rope.wrong(FACTORS, f"{count} numbers, one a frequency")
    return tuple(map(float, found))
