"""The pictures of a comparison, as SVG text."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea", "#dc2626")
STAGE_COLOURS = ("#94a3b8", "#38bdf8", "#2563eb", "#d97706", "#f59e0b", "#64748b", "#9333ea")
STYLE: Any = {  # matplotlib's own keys, one by one in its type
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "svg.fonttype": "none",
    "svg.hashsalt": "fim-lsp",
}
Report = Mapping[str, Any]


def draw(report: Report) -> dict[str, str]:
    """Return title → SVG of every plot of a report."""
    plots: dict[str, Callable[[Axes, Report], None]] = {
        "How long a suggestion takes": _latencies,
        "Latency against span length": _latency_by_length,
        "Quality against span length": _quality_by_length,
        "Quality against latency": _frontier,
        "Where the time goes": _stages,
        "How sure, and how often right": _reliability,
    }
    return {title: _svg(plot, report) for title, plot in plots.items()}


def _svg(plot: Callable[[Axes, Report], None], report: Report) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.3), layout="constrained")
        axes = figure.subplots()
        plot(axes, report)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=8)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _each(report: Report) -> list[tuple[str, Mapping[str, Any]]]:
    return list(zip(COLOURS, report["contenders"], strict=False))


def _latencies(axes: Axes, report: Report) -> None:
    for colour, one in _each(report):
        for condition, style in (("cold", "-"), ("warm", ":")):
            values = sorted(
                trial["latency_ms"]
                for trial in report["trials"]
                if (trial["contender"], trial["condition"]) == (one["name"], condition)
            )
            shares = [100 * (at + 1) / len(values) for at in range(len(values))]
            axes.plot(values, shares, style, color=colour, label=f"{one['name']}, {condition}")
    axes.set(xlabel="milliseconds", ylabel="requests answered by then, %", xscale="log")


def _latency_by_length(axes: Axes, report: Report) -> None:
    for colour, one in _each(report):
        rows = one["by_length"]
        p50 = [row["latency_ms"]["p50"] for row in rows]
        ends = [row["latency_ms"]["p50_interval"] for row in rows]
        bars = [
            [mid - low for mid, (low, _) in zip(p50, ends, strict=True)],
            [high - mid for mid, (_, high) in zip(p50, ends, strict=True)],
        ]
        axes.errorbar(_lengths(rows), p50, bars, color=colour, marker="o", capsize=3, label=one["name"])
    axes.set(xlabel="tokens in the hole", ylabel="cold p50, milliseconds", ylim=(0, None))


def _quality_by_length(axes: Axes, report: Report) -> None:
    for colour, one in _each(report):
        rows = one["by_length"]
        axes.plot(
            _lengths(rows),
            [row["exact_match"]["percent"] for row in rows],
            "o-",
            color=colour,
            label=f"{one['name']}, exact match",
        )
        axes.plot(
            _lengths(rows),
            [100 * row["edit_similarity"] for row in rows],
            "o:",
            color=colour,
            label=f"{one['name']}, edit similarity",
        )
    axes.set(xlabel="tokens in the hole", ylabel="%", ylim=(0, 100))


def _frontier(axes: Axes, report: Report) -> None:
    for colour, one in _each(report):
        for key, marker in (("latency_ms", "o"), ("warm_latency_ms", "^")):
            at = one[key]["p50"], one["exact_match"]["percent"]
            low, high = one["exact_match"]["interval"]
            axes.errorbar(
                at[0], at[1], [[max(at[1] - low, 0)], [max(high - at[1], 0)]], color=colour, marker=marker, capsize=3
            )
            axes.annotate(
                f"{one['name']}, {'cold' if marker == 'o' else 'warm'}", at, xytext=(6, 4), textcoords="offset points"
            )
    axes.set(xlabel="p50, milliseconds", ylabel="exact match, %", xlim=(0, None), ylim=(0, None))
    axes.margins(x=0.25)


def _stages(axes: Axes, report: Report) -> None:
    bars = [
        (f"{one['name']}, {condition}", one["stages_ms"][condition])
        for one in reversed(report["contenders"])
        for condition in ("warm", "cold")
    ]
    names = list(dict.fromkeys(name for _, stages in reversed(bars) for name in stages))
    left = [0.0] * len(bars)
    for colour, name in zip(STAGE_COLOURS * 2, names, strict=False):
        widths = [stages.get(name, 0.0) for _, stages in bars]
        axes.barh([label for label, _ in bars], widths, left=left, color=colour, label=name)
        left = [edge + width for edge, width in zip(left, widths, strict=True)]
    axes.set(xlabel="mean milliseconds")


def _reliability(axes: Axes, report: Report) -> None:
    axes.plot([0, 100], [0, 100], color="#94a3b8", linewidth=1)
    for colour, one in _each(report):
        bins = one["confidence"]["bins"]
        sure, right = [100 * row["confidence"] for row in bins], [100 * row["hits"] for row in bins]
        axes.plot(sure, right, "-", color=colour, label=one["name"])
        axes.scatter(sure, right, [8 + row["n"] for row in bins], color=colour, alpha=0.6)
    axes.set(xlabel="confidence, %", ylabel="exact match, %", xlim=(0, 100), ylim=(0, 100))


def _lengths(rows: list[Mapping[str, Any]]) -> list[str]:
    return [f"{low}+" if high > 1000 else f"{low}–{high}" for low, high in (row["tokens"] for row in rows)]
