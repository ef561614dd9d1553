"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

SIGNS = {
    "holds": "[green]holds[/green]",
    "does not hold": "[red]does not hold[/red]",
    "not shown": "[yellow]not shown[/yellow]",
}


def show(console: Console, report: Mapping[str, Any]) -> None:
    """Print who is how good and how quick, kind by kind, and what becomes of the claims."""
    cpu = report["machine"]
    console.print(
        f"{report['n']} holes, seed {report['seed']} · {cpu['processor']}, {cpu['threads']} threads, {cpu['device']}"
    )
    console.print(_overview(report))
    console.print(_kinds(report))
    table = Table("claim", "verdict", "because", title="claims", title_justify="left")
    for claim in report["claims"]:
        table.add_row(claim["claim"], SIGNS[claim["verdict"]], claim["because"])
    console.print(table)


def show_change(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print what changed since an older report."""
    table = Table(
        "contender",
        "holes",
        "exact match, points",
        "p50, ratio",
        title="against the older report",
        title_justify="left",
    )
    for row in rows:
        low, high = row["exact_match_change"]
        table.add_row(row["name"], str(row["n"]), f"{low:+.1f} to {high:+.1f}", f"{row['p50_ratio']:.2f}")
    console.print(table)


def _overview(report: Mapping[str, Any]) -> Table:
    table = Table("", *(one["name"] for one in report["contenders"]), title="contenders", title_justify="left")
    for title, cell in OVERVIEW:
        table.add_row(title, *(cell(one) for one in report["contenders"]))
    return table


def _kinds(report: Mapping[str, Any]) -> Table:
    table = Table("kind of hole", "n", title="exact match and cold p50, kind by kind", title_justify="left")
    for one in report["contenders"]:
        table.add_column(one["name"])
    for kind, first in report["contenders"][0]["by_kind"].items():
        cells = [one["by_kind"][kind] for one in report["contenders"]]
        table.add_row(
            kind.replace("_", " "),
            str(first["n"]),
            *(f"{cell['exact_match']['percent']:.1f} %  {cell['latency_ms']['p50']:.0f} ms" for cell in cells),
        )
    return table


def _share(row: Mapping[str, Any]) -> str:
    if row["percent"] is None:
        return "—"
    low, high = row["interval"]
    return f"{row['percent']:.1f} % ({low:.1f}–{high:.1f})"


def _latency(row: Mapping[str, Any]) -> str:
    return f"{row['p50']:.0f} / {row['p95']:.0f} / {row['p99']:.0f}"


def _stages(stages: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ms:.0f}" for name, ms in stages.items() if ms >= 0.5)


def _confidence(row: Mapping[str, Any]) -> str:
    return " / ".join("—" if row[key] is None else f"{row[key]:.2f}" for key in ("ece", "auroc"))


OVERVIEW: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("exact match", lambda one: _share(one["exact_match"])),
    ("exact match, suffix hidden", lambda one: _share(one["suffix_hidden"])),
    ("first line right", lambda one: _share(one["first_line"])),
    ("edit similarity", lambda one: f"{one['edit_similarity']:.3f}"),
    ("answered", lambda one: _share(one["coverage"])),
    ("right when answered", lambda one: _share(one["precision"])),
    ("valid syntax when answered", lambda one: _share(one["valid"])),
    ("cold p50 / p95 / p99 ms", lambda one: _latency(one["latency_ms"])),
    ("warm p50 / p95 / p99 ms", lambda one: _latency(one["warm_latency_ms"])),
    ("processor ms a request", lambda one: f"{one['cpu_ms']['p50']:.0f}"),
    ("stages, cold, mean ms", lambda one: _stages(one["stages_ms"]["cold"])),
    ("peak memory MB", lambda one: f"{one['peak_mb']:.0f}"),
    ("size on disk MB", lambda one: f"{one['size_mb']:.0f}"),
    ("calibration error / AUROC", lambda one: _confidence(one["confidence"])),
)
