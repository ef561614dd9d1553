"""The claims people make of the two families, each with the verdict of this run's numbers.

A claim is a difference that should be positive, taken hole by hole where both sides met the hole, so that hard holes
do not count against one of them. It holds when the 95 % bootstrap interval of that difference lies above nothing,
does not hold when it lies below, and is not shown otherwise. Measures and margins are fixed here, before any run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from fim_lsp.compare.stats import interval
from fim_lsp.compare.summary import LENGTHS
from fim_lsp.compare.trials import Condition, Trial

SHORT_TOKENS = 16  # spans up to here are short, beyond it long
BODIES_MARGIN = 5.0  # points of edit similarity by which "as good as" may fall short
MEMORY_MARGIN = 0.05  # peak memory is measured once: a smaller difference is none

Verdict = Literal["holds", "does not hold", "not shown"]
Value = Callable[[Trial], float]
Arm = tuple[str, Condition]


@dataclass(frozen=True)
class Claim:
    """A claim, what this run says of it, and the numbers that say so."""

    claim: str
    verdict: Verdict
    because: str
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % interval, in `unit`."""

    n: int
    value: float
    low: float
    high: float
    unit: str

    @classmethod
    def of(
        cls, trials: Sequence[Trial], value: Value, a: Arm, b: Arm, unit: str, statistic: Callable[..., Any] = np.mean
    ) -> Difference:
        """Return value(a) - value(b) over the holes both met."""
        values = paired(trials, value, a, b)
        if not values:
            return cls(0, 0.0, 0.0, 0.0, unit)
        low, high = interval(values, statistic)
        return cls(len(values), float(statistic(np.asarray(values), axis=0)), low, high, unit)

    @property
    def verdict(self) -> Verdict:
        return "holds" if self.low > 0 else "does not hold" if self.high < 0 else "not shown"

    @property
    def numbers(self) -> dict[str, Any]:
        return {"n": self.n, "difference": round(self.value, 3), "interval": [round(self.low, 3), round(self.high, 3)]}

    def __str__(self) -> str:
        if not self.n:
            return "no such holes were tried"
        return f"{self.value:+.1f} {self.unit} ({self.low:+.1f} to {self.high:+.1f}, n = {self.n})"


def judge(trials: Sequence[Trial], families: Mapping[str, str], footprints: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every claim as plain data; `families` maps a contender to gpt or bert, first of each counts."""
    gpt, bert = (next((name for name, kind in families.items() if kind == family), None) for family in ("gpt", "bert"))
    claims = [_context_helps(trials, name) for name in families]
    if gpt and bert:
        claims += [
            _quicker_on_short(trials, gpt, bert, "cold"),
            _quicker_on_short(trials, gpt, bert, "warm"),
            _good_on_bodies(trials, gpt, bert),
            _more_fluent_on_long(trials, gpt, bert),
            _better_at_several(trials, gpt, bert),
            _less_processor(trials, gpt, bert),
            _less_memory(gpt, bert, footprints),
        ]
    return [asdict(claim) for claim in claims]


def paired(trials: Sequence[Trial], value: Value, a: Arm, b: Arm) -> list[float]:
    """Return value(a) - value(b) on every hole both met; a and b are (contender, condition)."""
    sides: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for trial in trials:
        for side, wanted in zip(sides, (a, b), strict=True):
            if (trial.contender, trial.condition) == wanted:
                side[trial.hole] = value(trial)
    return [sides[0][hole] - sides[1][hole] for hole in sides[0] if hole in sides[1]]


def _context_helps(trials: Sequence[Trial], name: str) -> Claim:
    """Edit similarity decides: it moves with every character, and a weak model's exact match hardly moves at all."""
    seen: Arm = (name, "cold")
    hidden: Arm = (name, "blind")
    similarity = Difference.of(trials, _similarity, seen, hidden, "points of edit similarity")
    exact = Difference.of(trials, _exact, seen, hidden, "points of exact match")
    numbers = {"edit_similarity": similarity.numbers, "exact_match": exact.numbers}
    claim = f"seeing the text right of the cursor helps {name}"
    return Claim(claim, similarity.verdict, f"{similarity}; {exact}", numbers)


def _quicker_on_short(trials: Sequence[Trial], gpt: str, bert: str, condition: Condition) -> Claim:
    short = [trial for trial in trials if trial.is_at_cursor and trial.gold_tokens <= SHORT_TOKENS]
    decoder, encoder = (gpt, condition), (bert, _met(trials, bert, condition))
    saved = Difference.of(short, _latency, decoder, encoder, "ms saved a request", np.median)
    p50 = {name: _median(short, name, met) for name, met in (decoder, encoder)}
    quicker = _quicker_at(trials, decoder, encoder)
    crossings = [low for (_, one), (low, other) in pairwise(quicker.items()) if one != other]
    where = (
        f"the curves cross at {' and '.join(map(str, crossings))} tokens" if crossings else "the curves do not cross"
    )
    when = "from cold" if condition == "cold" else f"as one types, with {_kept(encoder[1])}"
    return Claim(
        f"the encoder is quicker on spans of at most {SHORT_TOKENS} tokens, {when}",
        saved.verdict,
        f"median {p50[bert]:.0f} against {p50[gpt]:.0f} ms, {saved}; {where}" if saved.n else str(saved),
        {**saved.numbers, "p50_ms": p50, "quicker_from_tokens": quicker, "curves_cross_at_tokens": crossings},
    )


def _good_on_bodies(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    bodies = [trial for trial in trials if trial.kind == "function_body"]
    similarity = Difference.of(bodies, _similarity, (bert, "cold"), (gpt, "cold"), "points of edit similarity")
    lines = {name: _mean(bodies, name, _first_line) for name in (gpt, bert)}
    said: Verdict = "holds" if similarity.n and similarity.low > -BODIES_MARGIN else similarity.verdict
    because = f"{similarity}; first line right {_against(lines, bert, gpt)}"
    numbers = {**similarity.numbers, "margin": BODIES_MARGIN, "first_line_match": lines}
    claim = f"the encoder is as good at function bodies as the decoder, to {BODIES_MARGIN:.0f} points"
    return Claim(claim, said, because, numbers)


def _more_fluent_on_long(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    """Fluent: it parses, and it is near what a person wrote; both must hold. No likelihood under either model."""
    long = _both_answered([t for t in trials if t.is_at_cursor and t.gold_tokens > SHORT_TOKENS], gpt, bert)
    valid = Difference.of(long, _valid, (gpt, "cold"), (bert, "cold"), "points of valid syntax")
    similarity = Difference.of(long, _similarity, (gpt, "cold"), (bert, "cold"), "points of edit similarity")
    verdicts = {valid.verdict, similarity.verdict}
    said: Verdict = (
        "does not hold" if "does not hold" in verdicts else "holds" if verdicts == {"holds"} else "not shown"
    )
    stutter = {name: _mean(long, name, _stutter) for name in (gpt, bert)}
    numbers = {"valid": valid.numbers, "edit_similarity": similarity.numbers, "repeated_word_pairs": stutter}
    because = f"{valid}; {similarity}; word pairs said twice {_against(stutter, gpt, bert)}"
    return Claim(f"the decoder is more fluent on spans of more than {SHORT_TOKENS} tokens", said, because, numbers)


def _better_at_several(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    several = [trial for trial in trials if not trial.is_at_cursor]
    similarity = Difference.of(several, _similarity, (bert, "cold"), (gpt, "cold"), "points of edit similarity")
    p50 = {name: _median(several, name, "cold") for name in (gpt, bert)}
    because = f"{similarity}; median {p50[bert]:.0f} against {p50[gpt]:.0f} ms"
    numbers = {**similarity.numbers, "p50_ms": p50}
    return Claim("the encoder fills several holes of one text better", similarity.verdict, because, numbers)


def _less_processor(trials: Sequence[Trial], gpt: str, bert: str) -> Claim:
    at_cursor = [trial for trial in trials if trial.is_at_cursor]
    saved = Difference.of(at_cursor, _cpu, (gpt, "cold"), (bert, "cold"), "ms of processor time a request", np.median)
    met = _met(trials, bert, "warm")
    warm = Difference.of(at_cursor, _cpu, (gpt, "warm"), (bert, met), f"with {_kept(met)}", np.median)
    numbers = {**saved.numbers, "warm": warm.numbers}
    because = f"saves {saved}; {warm}" if warm.n else f"saves {saved}"
    return Claim("the encoder takes less processor time", saved.verdict, because, numbers)


def _less_memory(gpt: str, bert: str, footprints: Mapping[str, Any]) -> Claim:
    peak = {name: float(footprints[name]["peak_mb"]) for name in (gpt, bert)}
    saved = 1 - peak[bert] / peak[gpt]
    said: Verdict = "holds" if saved > MEMORY_MARGIN else "does not hold" if saved < -MEMORY_MARGIN else "not shown"
    because = f"peak {peak[bert]:.0f} against {peak[gpt]:.0f} MB, each in a process of its own, once"
    numbers = {"n": 1, "peak_mb": peak, "margin": MEMORY_MARGIN}
    return Claim("the encoder takes less memory", said, because, numbers)


def _met(trials: Sequence[Trial], name: str, condition: Condition) -> Condition:
    """Return the condition that a contender met; one that keeps nothing is always cold."""
    return condition if any((one.contender, one.condition) == (name, condition) for one in trials) else "cold"


def _kept(encoder: Condition) -> str:
    return "the K/V of both warm" if encoder == "warm" else "the decoder's K/V warm"


def _both_answered(trials: Sequence[Trial], *names: str) -> list[Trial]:
    """Return the cold trials of the holes that each contender said something about."""
    answered = [
        {trial.hole for trial in trials if (trial.contender, trial.condition) == (name, "cold") and trial.is_answered}
        for name in names
    ]
    both = set.intersection(*answered)
    return [trial for trial in trials if trial.condition == "cold" and trial.hole in both]


def _quicker_at(trials: Sequence[Trial], gpt: Arm, bert: Arm) -> dict[int, str]:
    """Return who has the lower median at each span length that both met, by its fewest tokens."""
    quicker = {}
    for low, high in LENGTHS:
        inside = [trial for trial in trials if trial.is_at_cursor and low <= trial.gold_tokens <= high]
        medians = {name: _median(inside, name, condition) for name, condition in (gpt, bert)}
        if all(medians.values()):
            quicker[low] = min(medians, key=lambda name: medians[name])
    return quicker


def _median(trials: Sequence[Trial], name: str, condition: str) -> float:
    values = [trial.latency_ms for trial in trials if (trial.contender, trial.condition) == (name, condition)]
    return round(float(np.median(values)), 1) if values else 0.0


def _mean(trials: Sequence[Trial], name: str, value: Value) -> float | None:
    values = [value(trial) for trial in trials if (trial.contender, trial.condition) == (name, "cold")]
    return round(float(np.mean(values)), 2) if values else None


def _against(shares: Mapping[str, float | None], one: str, other: str) -> str:
    return " against ".join("—" if (share := shares[name]) is None else f"{share:.1f} %" for name in (one, other))


def _exact(trial: Trial) -> float:
    return 100.0 * trial.is_exact


def _first_line(trial: Trial) -> float:
    return 100.0 * trial.is_first_line


def _similarity(trial: Trial) -> float:
    return 100.0 * trial.similarity


def _valid(trial: Trial) -> float:
    return 100.0 * trial.is_valid


def _stutter(trial: Trial) -> float:
    return 100.0 * trial.stutter


def _latency(trial: Trial) -> float:
    return trial.latency_ms


def _cpu(trial: Trial) -> float:
    return trial.cpu_ms
