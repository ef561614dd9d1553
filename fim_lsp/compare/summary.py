"""Sum the trials of one contender up: quality, latency, memory, confidence, kind by kind and length by length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fim_lsp.compare import stats
from fim_lsp.compare.contenders import CONTENDER_FAMILIES, Contender
from fim_lsp.compare.trials import CONDITIONS, Trial
from fim_lsp.domain import ms_of

LENGTHS = ((1, 4), (5, 8), (9, 16), (17, 32), (33, 10_000))  # span lengths in tokens, both ends in


def sum_up(one: Contender, trials: Sequence[Trial], weight: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Return a contender's entry of the report; texts with several holes count in `by_kind` only."""
    mine = [trial for trial in trials if trial.contender == one.name]
    by = {
        condition: [trial for trial in mine if trial.condition == condition and trial.is_at_cursor]
        for condition in CONDITIONS
    }
    cold = by["cold"]
    every = [trial for trial in mine if trial.condition == "cold"]
    answered = [trial for trial in cold if trial.is_answered]
    return {
        "name": one.name,
        "family": one.family,
        "label": CONTENDER_FAMILIES[one.family].label,
        "folder": str(one.folder),
        "size_mb": round(sum(file.stat().st_size for file in one.folder.iterdir() if file.is_file()) / 1e6, 1),
        **weight,
        **row(cold, seed),
        "warm_latency_ms": stats.summary([trial.latency_ms for trial in by["warm"]], seed),
        "cpu_ms": stats.summary([trial.cpu_ms for trial in cold], seed),
        "suffix_hidden": _hidden(cold, by["blind"], seed),
        "stages_ms": {name: stages(by[name]) for name in ("cold", "warm") if by[name]},
        "tokens": {name: _tokens(by[name]) for name in ("cold", "warm") if by[name]},
        "confidence": stats.calibration([t.confidence for t in answered], [t.is_exact for t in answered]),
        "by_kind": {kind: row([t for t in every if t.kind == kind], seed) for kind in sorted({t.kind for t in every})},
        "by_length": [
            {"tokens": [low, high], **row(inside, seed)}
            for low, high in LENGTHS
            if (inside := [trial for trial in cold if low <= trial.gold_tokens <= high])
        ],
    }


def row(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Return quality in % and latency in milliseconds of some trials, each with its interval."""
    answered = [trial for trial in trials if trial.is_answered]
    return {
        "n": len(trials),
        **stats.percent("exact_match", [trial.is_exact for trial in trials], seed),
        **stats.percent("edit_similarity", [trial.similarity for trial in trials], seed),
        **stats.percent("first_line_match", [trial.is_first_line for trial in trials], seed),
        **stats.percent("syntactically_valid", [trial.is_valid for trial in answered], seed),
        **stats.percent("coverage", [trial.is_answered for trial in trials], seed),
        **stats.percent("precision", [trial.is_exact for trial in answered], seed),
        "latency_ms": stats.summary([trial.latency_ms for trial in trials], seed),
    }


def stages(trials: Sequence[Trial]) -> dict[str, float]:
    """Return mean milliseconds per stage of the pipeline, in its order."""
    names = dict.fromkeys(name for trial in trials for name in trial.timings)
    return {name: round(sum(trial.timings.get(name, 0.0) for trial in trials) / len(trials), 2) for name in names}


def _tokens(trials: Sequence[Trial]) -> dict[str, float]:
    """Return mean counts a request: tokens prefilled, reused and decoded, passes, steps; and tokens per second."""
    names = dict.fromkeys(name for trial in trials for name in trial.tokens)
    means = {name: round(sum(trial.tokens.get(name, 0) for trial in trials) / len(trials), 2) for name in names}
    means["steps"] = means.get("passes", means.get("decoded", 0.0))
    spent_s = sum(ms_of("write", trial.timings) for trial in trials) / 1e3
    if spent_s:
        means["tokens_per_s"] = round(sum(trial.tokens.get("decoded", 0) for trial in trials) / spent_s, 1)
    return means


def _hidden(cold: Sequence[Trial], blind: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Return quality without the suffix, and with it on the same holes."""
    tried = {trial.hole for trial in blind}
    seen = [trial.is_exact for trial in cold if trial.hole in tried]
    return {
        "n": len(blind),
        **stats.percent("exact_match", [trial.is_exact for trial in blind], seed),
        **stats.percent("exact_match_with_suffix", seen, seed),
    }
