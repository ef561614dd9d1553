"""Compare model families hole by hole and sum up: quality, latency, memory, confidence, and the claims."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

from fim_lsp import __version__, machine
from fim_lsp.backends import create
from fim_lsp.backends.models import find_model
from fim_lsp.bench import claims, footprint, stats
from fim_lsp.bench.quality import Hole
from fim_lsp.bench.trials import CONDITIONS, Contender, Trial, run
from fim_lsp.errors import InputError
from fim_lsp.nn.tokenizer import Tokenizer

SCHEMA = 1


def contend(specs: Sequence[str]) -> list[Contender]:
    """Load contenders from FAMILY or FAMILY=FOLDER; raises InputError, ModelError."""
    contenders: list[Contender] = []
    for spec in specs:
        family, _, setting = spec.partition("=")
        if family not in ("gpt", "bert"):
            raise InputError(f"--model {spec!r} is not gpt=FOLDER or bert=FOLDER")
        folder = find_model(family, setting)
        name = family if not setting else f"{family} {folder.name}"
        if name in [other.name for other in contenders]:
            raise InputError(f"--model {spec!r} is named twice")
        contenders.append(Contender(name, family, folder, create(family, str(folder))))
    return contenders


def draw(holes: Sequence[Hole], limit: int, seed: int) -> list[Hole]:
    """Return at most `limit` holes, 0 for all, as many of each kind as there are to be had."""
    queues: dict[str, list[Hole]] = {}
    for hole in random.Random(seed).sample(list(holes), len(holes)):
        queues.setdefault(hole.kind, []).append(hole)
    dealt = [hole for round_ in zip_longest(*queues.values()) for hole in round_ if hole is not None]
    return dealt[: limit or None]


def compare(
    holes: Sequence[Hole], contenders: Sequence[Contender], seed: int = 0, tick: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Try every hole with every contender and return the report of docs/compare.md as plain data."""
    tokenizer = Tokenizer.from_folder(contenders[0].folder)
    footprints = {one.name: footprint.measure(one.family, one.folder) for one in contenders}
    trials = list(run(holes, contenders, lambda text: len(tokenizer.encode(text)), CONDITIONS, seed, tick))
    families = {one.name: one.family for one in contenders}
    return {
        "schema": SCHEMA,
        "fim_lsp": __version__,
        "n": len(holes),
        "seed": seed,
        "machine": machine.describe(),
        "contenders": [_sum_up(one, trials, footprints[one.name], seed) for one in contenders],
        "claims": claims.judge(trials, families, footprints),
        "trials": [asdict(trial) for trial in trials],
    }


def against(report: Mapping[str, Any], older: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, per contender both reports have, the change of exact match and p50 on the holes both tried.

    Exact match is paired hole by hole; latencies of two runs are not, so their change is only a ratio of medians.
    """
    rows = []
    for now in report["contenders"]:
        before = next((one for one in older["contenders"] if one["name"] == now["name"]), None)
        if before is None:
            continue
        then = {(t["hole"], t["contender"]): t for t in older["trials"] if t["condition"] == "cold"}
        pairs = [
            (float(t["is_exact"]), float(then[key]["is_exact"]))
            for t in report["trials"]
            if t["condition"] == "cold"
            and t["contender"] == now["name"]
            and (key := (t["hole"], t["contender"])) in then
        ]
        low, high = stats.interval([100 * (a - b) for a, b in pairs])
        rows.append(
            {
                "name": now["name"],
                "n": len(pairs),
                "exact_match_change": [round(low, 2), round(high, 2)],
                "p50_ratio": round(now["latency_ms"]["p50"] / before["latency_ms"]["p50"], 3),
            }
        )
    return rows


def read(path: Path) -> dict[str, Any]:
    """Read a report written earlier; raises InputError."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} holds no report: {problem}") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise InputError(f"{path} is not a report of `fim-lsp compare --json` of this version")
    return report


def _sum_up(one: Contender, trials: Sequence[Trial], weight: Mapping[str, float], seed: int) -> dict[str, Any]:
    mine = [trial for trial in trials if trial.contender == one.name]
    by = {condition: [trial for trial in mine if trial.condition == condition] for condition in CONDITIONS}
    cold = by["cold"]
    answered = [trial for trial in cold if trial.is_answered]
    return {
        "name": one.name,
        "family": one.family,
        "folder": str(one.folder),
        "size_mb": round(sum(file.stat().st_size for file in one.folder.iterdir() if file.is_file()) / 1e6, 1),
        **weight,
        **_quality(cold, seed),
        "suffix_hidden": stats.share([trial.is_exact for trial in by["blind"]], seed),
        "latency_ms": stats.summary([trial.latency_ms for trial in cold], seed),
        "warm_latency_ms": stats.summary([trial.latency_ms for trial in by["warm"]], seed),
        "cpu_ms": stats.summary([trial.cpu_ms for trial in cold], seed),
        "stages_ms": {condition: _stages(by[condition]) for condition in ("cold", "warm")},
        "tokens": {condition: _tokens(by[condition]) for condition in ("cold", "warm")},
        "confidence": stats.calibration([t.confidence for t in answered], [t.is_exact for t in answered]),
        "by_kind": {kind: _row([t for t in cold if t.kind == kind], seed) for kind in sorted({t.kind for t in cold})},
        "by_length": [
            {"tokens": [low, high], **_row(inside, seed)}
            for low, high in claims.LENGTHS
            if (inside := [trial for trial in cold if low <= trial.gold_tokens <= high])
        ],
    }


def _row(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    return {**_quality(trials, seed), "latency_ms": stats.summary([trial.latency_ms for trial in trials], seed)}


def _quality(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    answered = [trial for trial in trials if trial.is_answered]
    return {
        "n": len(trials),
        "exact_match": stats.share([trial.is_exact for trial in trials], seed),
        "first_line": stats.share([trial.is_first_line for trial in trials], seed),
        "valid": stats.share([trial.is_valid for trial in answered], seed),
        "edit_similarity": round(sum(trial.similarity for trial in trials) / max(len(trials), 1), 4),
        "coverage": stats.share([trial.is_answered for trial in trials], seed),
        "precision": stats.share([trial.is_exact for trial in answered], seed),
    }


def _stages(trials: Sequence[Trial]) -> dict[str, float]:
    names = dict.fromkeys(name for trial in trials for name in trial.timings)
    return {name: round(sum(trial.timings.get(name, 0.0) for trial in trials) / len(trials), 2) for name in names}


def _tokens(trials: Sequence[Trial]) -> dict[str, float]:
    names = dict.fromkeys(name for trial in trials for name in trial.tokens)
    means = {name: round(sum(trial.tokens.get(name, 0) for trial in trials) / len(trials), 2) for name in names}
    spent_s = sum(trial.timings.get("decode", 0.0) for trial in trials) / 1e3
    if spent_s:
        means["decoded_per_s"] = round(sum(trial.tokens.get("decoded", 0) for trial in trials) / spent_s, 1)
    return means
