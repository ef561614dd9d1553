"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from fim_lsp.compare.records import Row

SIGNS = {
    "holds": "[green]holds[/green]",
    "does not hold": "[red]does not hold[/red]",
    "not shown": "[yellow]not shown[/yellow]",
}


def show(console: Console, report: Row) -> None:
    """Print who is how good and how quick, kind by kind, and what becomes of the claims."""
    console.print(headline(report))
    console.print(_overview(report))
    console.print(_kinds(report))
    table = Table("claim", "verdict", "because", title="claims", title_justify="left")
    for claim in report["claims"]:
        table.add_row(claim["claim"], SIGNS[claim["verdict"]], claim["because"])
    console.print(table)


def headline(report: Row) -> str:
    """Return holes, seed and machine in a line."""
    cpu = report["machine"]
    several = f" and {report['n_several']} texts with several" if report["n_several"] else ""
    busy = f", other programs took {cpu['others_percent']:.0f} %" if cpu["others_percent"] >= 1 else ""
    return f"{report['n']} holes{several}, seed {report['seed']} · {where(cpu)}, {cpu['device']}{busy}"


def where(cpu: Row) -> str:
    """Return a machine's processor and how many threads were used."""
    return f"{cpu['processor']}, {cpu['threads']} thread{'' if cpu['threads'] == 1 else 's'}"


def show_change(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print what changed since an older report."""
    titles = ("contender", "same holes", "exact match, points", "p50, ratio")
    table = Table(*titles, title="against the older report", title_justify="left")
    for row in rows:
        if not row["n"]:
            table.add_row(row["name"], "none", "—", "—")
            continue
        low, high = row["exact_match_change_interval"]
        change = f"{row['exact_match_change']:+.1f} ({low:+.1f} to {high:+.1f})"
        table.add_row(row["name"], str(row["n"]), change, f"{row['p50_ratio']:.2f}")
    console.print(table)


def show_scores(console: Console, rows: Mapping[str, Mapping[str, float | None]]) -> None:
    """Print what `fim-lsp eval` measured."""
    titles = ("first-line match %", "bare first line %", "answered %", "shown errors %", "p50 ms", "p95 ms")
    table = Table("kind", "n", *titles)
    for kind, row in rows.items():
        cells = ("—" if row[key] is None else f"{row[key]:.1f}" for key in list(row)[1:])
        table.add_row(kind, f"{row['n']:.0f}", *cells)
    console.print(table)


def show_languages(console: Console, rows: Mapping[str, Row]) -> None:
    """Print what `fim-lsp eval --language all` measured."""
    table = Table(
        "language", "n", "first-line match and 95 %", "rests of lines", "first-line match and 95 %", "of Python's"
    )
    for language, row in rows.items():
        shares = share(row, "first_line_match"), str(row["rest_n"]), share(row, "rest_first_line_match")
        interval = row["of_first_interval"]
        beside = "—" if row["of_first"] is None else f"{row['of_first']:.2f}"
        beside += f" ({interval[0]:.2f}–{interval[1]:.2f})" if interval else ""
        table.add_row(language, str(row["n"]), *shares, beside)
    console.print(table)


def show_pairs(console: Console, rows: Mapping[str, Row]) -> None:
    """Print what `fim-lsp eval --multi-file` measured."""
    table = Table("holes", "n", "without other files", "with them", "ratio and 95 %", "gained", "lost")
    for part, row in rows.items():
        low, high = row["ratio_interval"] or (0.0, 0.0)
        ratio = "—" if row["ratio"] is None else f"{row['ratio']:.2f} ({low:.2f}–{high:.2f})"
        counts = str(row["gained"]), str(row["lost"])
        table.add_row(part, str(row["n"]), share(row, "without"), share(row, "with"), ratio, *counts)
    console.print(table)


def show_passes(console: Console, rows: Mapping[str, Row], title: str) -> None:
    """Print what `fim-lsp eval --humaneval` measured."""
    titles = ("subset", "n", "pass@1 and 95 %", "exact %", "timeouts", "p50 ms")
    table = Table(*titles, title=title, title_justify="left")
    for subset, row in rows.items():
        counts = (f"{row['exact_match']:.1f}", str(row["timeouts"]), f"{row['latency_p50_ms']:.0f}")
        table.add_row(subset.replace("Infilling", ""), str(row["n"]), share(row, "pass_at_1"), *counts)
    console.print(table)


def _overview(report: Row) -> Table:
    table = Table("", *(one["name"] for one in report["contenders"]), title="contenders", title_justify="left")
    for title, cell in OVERVIEW:
        table.add_row(title, *(cell(one) for one in report["contenders"]))
    return table


def _kinds(report: Row) -> Table:
    title = "exact match · first line right · edit similarity · cold p50, kind by kind"
    table = Table("kind of hole", "n", title=title, title_justify="left")
    for one in report["contenders"]:
        table.add_column(one["name"])
    for kind, first in report["contenders"][0]["by_kind"].items():
        cells = [one["by_kind"][kind] for one in report["contenders"]]
        table.add_row(kind.replace("_", " "), str(first["n"]), *map(_kind, cells))
    return table


def _kind(row: Row) -> str:
    quality = " · ".join(f"{row[key]:3.0f} %" for key in ("exact_match", "first_line_match", "edit_similarity"))
    return f"{quality} · {row['latency_ms']['p50']:.0f} ms"


def share(row: Row, name: str) -> str:
    """Return a share in % with its interval."""
    if row[name] is None:
        return "—"
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.1f} % ({low:.1f}–{high:.1f})"


def _latency(row: Row) -> str:
    return f"{row['p50']:.0f} / {row['p95']:.0f} / {row['p99']:.0f}" if row else "as cold: it keeps nothing"


def _stages(stages: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ms:.0f}" for name, ms in stages.items() if ms >= 0.5)


def _tokens(one: Row) -> str:
    tokens = one["tokens"]["cold"]
    return f"{tokens['steps']:.1f} at {tokens.get('tokens_per_s', 0):.0f} tokens/s"


def _reused(one: Row) -> str:
    tokens = one["tokens"].get("warm", {})
    if "prefilled" not in tokens:
        return "—"
    reused = tokens.get("reused", 0)
    return f"{reused:.0f} of {reused + tokens['prefilled']:.0f}"


def _hidden(one: Row) -> str:
    hidden = one["suffix_hidden"]
    if not hidden["n"]:
        return "—"
    return f"{hidden['exact_match']:.1f} % for {hidden['exact_match_with_suffix']:.1f} %, n = {hidden['n']}"


def _confidence(row: Row) -> str:
    numbers = " / ".join("—" if row[key] is None else f"{row[key]:.2f}" for key in ("ece", "auroc", "brier"))
    return numbers if row["base_brier"] is None else f"{numbers} (of {row['base_brier']:.2f})"


OVERVIEW: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("exact match", lambda one: share(one, "exact_match")),
    ("exact match with the suffix hidden", _hidden),
    ("first line right", lambda one: share(one, "first_line_match")),
    ("edit similarity", lambda one: share(one, "edit_similarity")),
    ("answered", lambda one: share(one, "coverage")),
    ("right when answered", lambda one: share(one, "precision")),
    ("valid syntax when answered", lambda one: share(one, "syntactically_valid")),
    ("cold p50 / p95 / p99 ms", lambda one: _latency(one["latency_ms"])),
    ("warm p50 / p95 / p99 ms", lambda one: _latency(one["warm_latency_ms"])),
    ("stages, cold, mean ms", lambda one: _stages(one["stages_ms"]["cold"])),
    ("steps a request", _tokens),
    ("prompt tokens reused when warm", _reused),
    ("processor ms a request", lambda one: f"{one['cpu_ms']['p50']:.0f}"),
    ("peak memory MB", lambda one: f"{one['peak_mb']:.0f}"),
    ("size on disk MB", lambda one: f"{one['size_mb']:.0f}"),
    ("loading, s", lambda one: f"{one['load_s']:.1f}"),
    ("calibration error / AUROC / Brier (base rate's)", lambda one: _confidence(one["confidence"])),
)
