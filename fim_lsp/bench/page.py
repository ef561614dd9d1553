"""A comparison as one self-contained web page."""

from __future__ import annotations

import random
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from fim_lsp.bench import plots
from fim_lsp.bench.report import OVERVIEW

EXAMPLES = 12


def render(report: Mapping[str, Any]) -> str:
    """Return the page; it asks nothing of any other place."""
    template = (files("fim_lsp.bench") / "report.html.j2").read_text(encoding="utf-8")
    rows = [(title, [cell(one) for one in report["contenders"]]) for title, cell in OVERVIEW]
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        report=report, plots=plots.draw(report), rows=rows, examples=_examples(report)
    )


def _examples(report: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return (kind, one cold trial per contender) of a few drawn holes."""
    cold: dict[int, dict[str, Mapping[str, Any]]] = {}
    for trial in report["trials"]:
        if trial["condition"] == "cold":
            cold.setdefault(trial["hole"], {})[trial["contender"]] = trial
    drawn = sorted(random.Random(report["seed"]).sample(sorted(cold), min(EXAMPLES, len(cold))))
    names = [one["name"] for one in report["contenders"]]
    return [(cold[hole][names[0]]["kind"], [cold[hole][name] for name in names]) for hole in drawn]
