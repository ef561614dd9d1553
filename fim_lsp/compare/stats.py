"""Numbers from trials: pure functions over arrays, every interval from a seeded bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

ROUNDS = 1000  # bootstrap resamples; 95 % intervals move by about a percent of their width between seeds
BINS = 10

Doubles = NDArray[np.float64]


def edit_similarity(shown: str, gold: str) -> float:
    """Return 1 minus the Levenshtein distance over the longer length, 0..1."""
    return float(Levenshtein.normalized_similarity(shown, gold))


def interval(values: Sequence[float], statistic: Callable[..., Any] = np.mean, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile-bootstrap interval of a statistic that takes `axis` (Efron 1979)."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(0, array.size, (ROUNDS, array.size))
    low, high = np.percentile(statistic(array[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)


def summary(values: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Return p50, p95 and p99 of latencies, each with its interval, in the unit given."""
    if not len(values):
        return {}
    rows: dict[str, Any] = {}
    for name, q in (("p50", 50), ("p95", 95), ("p99", 99)):

        def at(array: Doubles, axis: int, q: int = q) -> Any:
            return np.percentile(array, q, axis=axis)

        rows[name] = round(float(np.percentile(values, q)), 2)
        rows[f"{name}_interval"] = [round(end, 2) for end in interval(values, at, seed)]
    return rows


def percent(name: str, values: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Return the mean of values of 0..1 in % under `name` and its interval beside it; both None of no values."""
    if not len(values):
        return {name: None, f"{name}_interval": None}
    ends = interval([100.0 * value for value in values], seed=seed)
    return {name: round(100.0 * float(np.mean(values)), 2), f"{name}_interval": [round(end, 2) for end in ends]}


def paired_ratio(before: Sequence[float], after: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Return how many times the mean of `before` that of `after` is, and its interval: pairs are drawn together."""
    pairs = np.asarray([before, after], dtype=np.float64).T
    if not pairs.size or not pairs[:, 0].sum():
        return {"ratio": None, "ratio_interval": None}
    drawn = np.random.default_rng(seed).integers(0, len(pairs), (ROUNDS, len(pairs)))
    sums = pairs[drawn].sum(axis=1)  # [ROUNDS, 2]
    ratios = sums[:, 1] / np.maximum(sums[:, 0], 1.0)
    low, high = np.percentile(ratios, [2.5, 97.5])
    ratio = pairs[:, 1].sum() / pairs[:, 0].sum()
    return {"ratio": round(float(ratio), 3), "ratio_interval": [round(float(low), 3), round(float(high), 3)]}


def ratio_interval(base: Sequence[float], other: Sequence[float], seed: int = 0) -> list[float] | None:
    """Return the 95 % interval of mean `other` over mean `base`, each drawn by itself; None of no values."""
    if not len(base) or not len(other):
        return None
    rng = np.random.default_rng(seed)
    below, above = (
        np.asarray(some, dtype=np.float64)[rng.integers(0, len(some), (ROUNDS, len(some)))].mean(axis=1)
        for some in (base, other)
    )
    ends = np.percentile(above / np.maximum(below, 1 / len(base)), [2.5, 97.5])
    return [round(float(end), 2) for end in ends]


def calibration(confidence: Sequence[float], hits: Sequence[bool]) -> dict[str, Any]:
    """Return expected calibration error, AUROC, Brier score beside the base rate's, and the reliability bins.

    ECE over ten equal-width bins (Guo et al. 2017); AUROC by ranks, ties counted half; None without both outcomes.
    """
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    if not sure.size:
        return {"n": 0, "ece": None, "auroc": None, "brier": None, "base_brier": None, "bins": []}
    bin_of = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins = [
        {"n": int(inside.sum()), "confidence": float(sure[inside].mean()), "hits": float(hit[inside].mean())}
        for inside in (bin_of == at for at in range(BINS))
        if inside.any()
    ]
    base = float(hit.mean())
    return {
        "n": int(sure.size),
        "ece": round(sum(row["n"] * abs(row["confidence"] - row["hits"]) for row in bins) / sure.size, 4),
        "auroc": _auroc(sure, hit),
        "brier": round(float(np.mean((sure - hit) ** 2)), 4),
        "base_brier": round(base * (1 - base), 4),
        "bins": bins,
    }


def _auroc(sure: Doubles, hit: Doubles) -> float | None:
    right, wrong = sure[hit == 1], sure[hit == 0]
    if not right.size or not wrong.size:
        return None
    above = (right[:, None] > wrong[None, :]).mean() + 0.5 * (right[:, None] == wrong[None, :]).mean()
    return round(float(above), 4)
