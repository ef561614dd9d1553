"""The claims people make of the two families, each with the verdict of this run's numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from fim_lsp.bench.stats import interval
from fim_lsp.bench.trials import Trial

SHORT_TOKENS = 16  # spans up to here are short, beyond it long
LENGTHS = ((1, 4), (5, 8), (9, 16), (17, 32), (33, 10_000))  # span lengths in tokens, both ends in
BODIES = ("block", "function_body")

Verdict = Literal["holds", "does not hold", "not shown"]
Value = Callable[[Trial], float]


@dataclass(frozen=True)
class Claim:
    """A claim, what this run says of it, and the numbers that say so."""

    claim: str
    verdict: Verdict
    because: str
    numbers: Mapping[str, Any]


def judge(trials: Sequence[Trial], families: Mapping[str, str], footprints: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every claim as plain data; `families` maps a contender to gpt or bert, first of each counts."""
    gpt, bert = (next((name for name, kind in families.items() if kind == family), None) for family in ("gpt", "bert"))
    claims = [_context_helps(trials, name) for name in families]
    if gpt and bert:
        claims += [
            _quicker_on_short(trials, gpt, bert),
            _good_on_bodies(trials, gpt, bert),
            _more_fluent_on_long(trials, gpt, bert),
            _lighter(trials, gpt, bert, footprints),
        ]
    return [asdict(claim) for claim in claims]


def paired(trials: Sequence[Trial], value: Value, a: tuple[str, str], b: tuple[str, str]) -> list[float]:
    """Return value(a) - value(b) on every hole both met; a and b are (contender, condition)."""
    sides: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for trial in trials:
        for side, wanted in zip(sides, (a, b), strict=True):
            if (trial.contender, trial.condition) == wanted:
                side[trial.hole] = value(trial)
    return [sides[0][hole] - sides[1][hole] for hole in sides[0] if hole in sides[1]]


def verdict(low: float, high: float) -> Verdict:
    """Judge a difference that should be positive by its interval."""
    return "holds" if low > 0 else "does not hold" if high < 0 else "not shown"


def _difference(values: Sequence[float]) -> tuple[dict[str, Any], Verdict]:
    if not values:
        return {"n": 0}, "not shown"
    low, high = interval(values)
    numbers = {
        "n": len(values),
        "difference": round(float(np.mean(values)), 4),
        "interval": [round(low, 4), round(high, 4)],
    }
    return numbers, verdict(low, high)


def _said(numbers: Mapping[str, Any], unit: str, scale: float = 1.0) -> str:
    if not numbers["n"]:
        return "no holes of this kind were tried"
    low, high = (scale * end for end in numbers["interval"])
    return f"{scale * numbers['difference']:+.1f} {unit} ({low:+.1f} to {high:+.1f}, {numbers['n']} holes)"


def _context_helps(trials: Sequence[Trial], name: str) -> Claim:
    numbers, said = _difference(paired(trials, _exact, (name, "cold"), (name, "blind")))
    claim = f"seeing the text right of the cursor helps {name}"
    return Claim(claim, said, f"exact match {_said(numbers, 'points', 100)} against the suffix hidden", numbers)


def _quicker_on_short(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    short = [trial for trial in trials if trial.gold_tokens <= SHORT_TOKENS]
    numbers, said = _difference(paired(short, _latency, (gpt, "cold"), (bert, "cold")))
    p50 = {name: _median(short, name, "cold") for name in (gpt, bert)}
    warm = _median(short, gpt, "warm")
    crossing = _crossing(trials, gpt, bert)
    numbers |= {"p50_ms": p50, f"{gpt}_warm_p50_ms": warm, "curves_cross_at_tokens": crossing}
    where = f"the curves cross at {crossing} tokens" if crossing else "the curves do not cross in the lengths tried"
    because = (
        f"p50 cold {p50[bert]:.0f} against {p50[gpt]:.0f} ms (warm decoder {warm:.0f}); {where}"
        if numbers["n"]
        else _said(numbers, "")
    )
    return Claim(f"the encoder is quicker on spans of at most {SHORT_TOKENS} tokens", said, because, numbers)


def _good_on_bodies(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    bodies = [trial for trial in trials if trial.kind in BODIES]
    numbers, said = _difference(paired(bodies, _similarity, (bert, "cold"), (gpt, "cold")))
    because = f"edit similarity {_said(numbers, 'points', 100)} against the decoder"
    return Claim("the encoder is good at function bodies, no worse than the decoder", said, because, numbers)


def _more_fluent_on_long(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    long = [trial for trial in trials if trial.gold_tokens > SHORT_TOKENS]
    numbers, said = _difference(paired(long, _similarity, (gpt, "cold"), (bert, "cold")))
    numbers["valid"] = {name: _mean(long, name, _valid) for name in (gpt, bert)}
    because = f"edit similarity {_said(numbers, 'points', 100)} against the encoder"
    return Claim(f"the decoder is more fluent on spans of more than {SHORT_TOKENS} tokens", said, because, numbers)


def _lighter(trials: Sequence[Trial], gpt: str, bert: str, footprints: Mapping[str, Any]) -> Claim:
    numbers, said = _difference(paired(trials, _cpu, (gpt, "cold"), (bert, "cold")))
    memory = {name: footprints.get(name, {}).get("peak_mb") for name in (gpt, bert)}
    numbers["peak_mb"] = memory
    if memory[gpt] and memory[bert] and memory[bert] >= memory[gpt] and said == "holds":
        said = "not shown"
    because = (
        f"{_said(numbers, 'ms of processor time saved a request')}; peak memory {memory[bert]} against {memory[gpt]} MB"
    )
    return Claim("the encoder is lighter: memory and processor time", said, because, numbers)


def _crossing(trials: Sequence[Trial], gpt: str, bert: str) -> int | None:
    """Return the first span length, in tokens, from which the decoder is the quicker one."""
    for low, high in LENGTHS:
        inside = [trial for trial in trials if low <= trial.gold_tokens <= high]
        ours, theirs = _median(inside, bert, "cold"), _median(inside, gpt, "cold")
        if ours and theirs and ours > theirs:
            return low
    return None


def _median(trials: Sequence[Trial], name: str, condition: str) -> float:
    values = [trial.latency_ms for trial in trials if (trial.contender, trial.condition) == (name, condition)]
    return round(float(np.median(values)), 1) if values else 0.0


def _mean(trials: Sequence[Trial], name: str, value: Value) -> float | None:
    values = [value(trial) for trial in trials if (trial.contender, trial.condition) == (name, "cold")]
    return round(float(np.mean(values)), 4) if values else None


def _exact(trial: Trial) -> float:
    return float(trial.is_exact)


def _latency(trial: Trial) -> float:
    return trial.latency_ms


def _similarity(trial: Trial) -> float:
    return trial.similarity


def _valid(trial: Trial) -> float:
    return float(trial.is_valid)


def _cpu(trial: Trial) -> float:
    return trial.cpu_ms
