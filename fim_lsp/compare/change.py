"""What changed between two reports of the same holes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fim_lsp.compare import stats
from fim_lsp.compare.records import Report
from fim_lsp.compare.run import SCHEMA
from fim_lsp.errors import InputError


def read(path: Path) -> dict[str, Any]:
    """Read a report written earlier; raises InputError."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(f"{path} holds no report: {problem}") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise InputError(f"{path} is not a report of `fim-lsp compare --json` of this version")
    return report


def against(report: Report, older: Report) -> list[dict[str, Any]]:
    """Return, per contender both reports have, the change of exact match and p50 on the holes both tried.

    Exact match is paired hole by hole; latencies of two runs are not, so their change is only a ratio of medians.
    """
    return [
        _change(now, _cold(report, now["name"]), _cold(older, now["name"]), report["seed"])
        for now in report["contenders"]
        if any(before["name"] == now["name"] for before in older["contenders"])
    ]


def _change(now: Report, new: dict[str, Report], old: dict[str, Report], seed: int) -> dict[str, Any]:
    both = [key for key in new if key in old]
    changes = [float(new[key]["is_exact"]) - float(old[key]["is_exact"]) for key in both]
    ratio = None
    if both:
        p50 = [stats.summary([trials[key]["latency_ms"] for key in both])["p50"] for trials in (new, old)]
        ratio = round(p50[0] / p50[1], 3)
    return {
        "name": now["name"],
        "n": len(both),
        **stats.percent("exact_match_change", changes, seed),
        "p50_ratio": ratio,
    }


def _cold(report: Report, name: str) -> dict[str, Report]:
    """Return a contender's cold trials by hole."""
    trials = report["trials"]
    return {trial["key"]: trial for trial in trials if (trial["contender"], trial["condition"]) == (name, "cold")}
