"""The pictures of a comparison, as SVG text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fim_lsp.compare.palette import LIGHT, SERIES
from fim_lsp.compare.records import Report
from fim_lsp.compare.report import where
from fim_lsp.compare.stats import summary
from fim_lsp.compare.summary import LENGTHS
from fim_lsp.compare.svg import as_svg
from fim_lsp.domain import STAGES

INK, SOFT, GRID, PAPER = (LIGHT[name] for name in ("ink", "soft", "grid", "paper"))
STYLE: Any = {  # matplotlib's own keys, one by one in its type
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": SOFT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.06,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 2,
    "lines.markersize": 6.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.columnspacing": 1.2,
    "legend.handlelength": 1.7,
    "legend.handletextpad": 0.5,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "svg.fonttype": "none",
    "svg.hashsalt": "fim-lsp",
}
MARKERS = "osD^vPX"
LABEL_INCHES, LETTER_INCHES = 0.5, 0.065  # what a label of the legend takes, beside its letters
FEW = 3  # contenders up to which there is room to name each point


@dataclass(frozen=True)
class Plot:
    """A picture, and what it shows said in a sentence."""

    title: str
    about: str
    draw: Callable[[Axes, Report], None]


def draw(report: Report) -> list[tuple[Plot, str]]:
    """Return every plot of a report with its SVG."""
    return [(plot, _svg([plot], report, (4.7, 3.3))) for plot in PLOTS]


def poster(report: Report) -> str:
    """Return the one picture that says most: quality against latency, and latency against span length."""
    chosen = [plot for plot in PLOTS if plot.draw in (_frontier, _latency_by_length)]
    is_warm = any(one["warm_latency_ms"] for one in report["contenders"])
    marks = " · filled: read anew, hollow: between keystrokes" if is_warm else ""
    return _svg(chosen, report, (9.6, 3.9), f"{report['n']} holes · {where(report['machine'])}{marks}")


def _svg(plots: Sequence[Plot], report: Report, size: tuple[float, float], title: str = "") -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained", facecolor=PAPER if title else "none")
        named: dict[str, Artist] = {}
        for plot, axes in zip(plots, figure.subplots(1, len(plots), squeeze=False)[0], strict=True):
            plot.draw(axes, report)
            if title:
                axes.set_title(plot.title, loc="left", fontsize=11, color=INK, pad=10)
            named |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        if named:
            columns = max(int(size[0] / (LABEL_INCHES + LETTER_INCHES * max(map(len, named)))), 1)
            figure.legend(list(named.values()), list(named), loc="outside upper left", ncols=columns)
        if title:
            figure.supxlabel(title, fontsize=8.5, color=SOFT)
        text = as_svg(figure, ". ".join(f"{plot.title}: {plot.about}" for plot in plots))
    return re.sub(r'<g id="[^"]*"', "<g", text)  # several pictures of one page would share them


def _each(report: Report) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return (colour, marker, contender)."""
    return [(SERIES[at % len(SERIES)], MARKERS[at % len(MARKERS)], one) for at, one in enumerate(report["contenders"])]


def _latency(report: Report, name: str, condition: str, tokens: tuple[int, int] = (0, 10_000)) -> list[float]:
    """Return milliseconds of a contender's requests at one cursor, in order."""
    return sorted(
        trial["latency_ms"]
        for trial in report["trials"]
        if (trial["contender"], trial["condition"]) == (name, condition)
        and trial["kind"] != "several_holes"
        and tokens[0] <= trial["gold_tokens"] <= tokens[1]
    )


def _frontier(axes: Axes, report: Report) -> None:
    for colour, marker, one in _each(report):
        cold, right = one["latency_ms"], one["exact_match"]
        ends = one["exact_match_interval"]
        points = [("cold", cold, colour)]
        if warm := one["warm_latency_ms"]:
            points.append(("warm", warm, PAPER))
            between = {"arrowstyle": "->", "color": colour, "linestyle": ":", "shrinkA": 6, "shrinkB": 6}
            axes.annotate("", (warm["p50"], right), (cold["p50"], right), arrowprops=between)
        for condition, latency, face in points:
            x_bars = [[latency["p50"] - latency["p50_interval"][0]], [latency["p50_interval"][1] - latency["p50"]]]
            y_bars = [[right - ends[0]], [ends[1] - right]]
            axes.errorbar(
                latency["p50"], right, np.maximum(y_bars, 0), np.maximum(x_bars, 0), marker=marker, markersize=9,
                color=colour, markerfacecolor=face, elinewidth=1.2,
            )  # fmt: skip
            if len(report["contenders"]) <= FEW:
                label = f"{one['name']}, {condition}"
                axes.annotate(label, (latency["p50"], right), (7, 7), textcoords="offset points", color=colour)
        if len(report["contenders"]) > FEW:
            axes.plot([], [], marker, color=colour, label=one["name"])
    axes.margins(x=0.3, y=0.2)
    axes.autoscale_view()
    axes.set(xlabel="median milliseconds, left is quicker", ylabel="exact match, %", xlim=(0, None), ylim=(0, None))


def _latency_by_length(axes: Axes, report: Report) -> None:
    for colour, marker, one in _each(report):
        rows = one["by_length"]
        lengths = _lengths(rows)
        p50 = [row["latency_ms"]["p50"] for row in rows]
        low, high = zip(*(row["latency_ms"]["p50_interval"] for row in rows), strict=True)
        axes.fill_between(lengths, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(lengths, p50, color=colour, marker=marker, label=one["name"])
        warm = [summary(_latency(report, one["name"], "warm", row["tokens"])) for row in rows]
        if tried := [(length, latency["p50"]) for length, latency in zip(lengths, warm, strict=True) if latency]:
            axes.plot(*zip(*tried, strict=True), ":", color=colour, marker=marker, markerfacecolor=PAPER)
    _name_lengths(axes, report)
    axes.set(ylabel="median milliseconds", ylim=(0, None))


def _quality_by_length(axes: Axes, report: Report) -> None:
    for colour, marker, one in _each(report):
        rows = one["by_length"]
        low, high = zip(*(row["exact_match_interval"] for row in rows), strict=True)
        axes.fill_between(_lengths(rows), low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(_lengths(rows), [row["exact_match"] for row in rows], color=colour, marker=marker, label=one["name"])
        if len(report["contenders"]) <= FEW:
            similar = [row["edit_similarity"] for row in rows]
            axes.plot(_lengths(rows), similar, ":", color=colour, marker=marker, markerfacecolor=PAPER, label="similar")
    _name_lengths(axes, report)
    axes.set(ylabel="%", ylim=(0, 100))


def _latencies(axes: Axes, report: Report) -> None:
    for colour, _, one in _each(report):
        for condition, style in (("cold", "-"), ("warm", ":")):
            values = _latency(report, one["name"], condition)
            if values:
                shares = 100 * np.arange(1, len(values) + 1) / len(values)
                axes.step(values, shares, style, color=colour, where="post", label=f"{one['name']}, {condition}")
    axes.axhline(50, color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set(xlabel="milliseconds", ylabel="answered by then, %", xscale="log", ylim=(0, 100))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:g}"[0] in "25" else "")


def _stages(axes: Axes, report: Report) -> None:
    bars = [
        (f"{one['name']}, {condition}", one["stages_ms"][condition])
        for one in report["contenders"]
        for condition in one["stages_ms"]
    ][::-1]
    for row_at, (_, stages) in enumerate(bars):
        edges = [0.0, *accumulate(stages.values())]
        for (name, width), left in zip(stages.items(), edges, strict=False):
            axes.barh(row_at, width, 0.55, left, color=LIGHT[STAGES.get(name, "soft")])
        axes.annotate(f"{edges[-1]:.0f}", (edges[-1], row_at), (4, 0), textcoords="offset points", va="center")
    for purpose in dict.fromkeys(STAGES.values()):
        axes.bar(0, 0, color=LIGHT[purpose], label=purpose)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    axes.autoscale_view()
    axes.set(xlabel="mean milliseconds", xlim=(0, None), ylim=(-0.6, len(bars) - 0.4))


def _kinds(axes: Axes, report: Report) -> None:
    kinds = list(report["contenders"][0]["by_kind"])[::-1]
    for row_at, kind in enumerate(kinds):
        rows = [one["by_kind"][kind] for one in report["contenders"]]
        ends = [row["first_line_match"] for row in rows]
        axes.plot([min(ends), max(ends)], [row_at, row_at], color=GRID, linewidth=4, solid_capstyle="round", zorder=1)
        apart = np.linspace(0.14, -0.14, len(rows))  # so that equals do not hide each other
        for (colour, marker, one), row, offset in zip(_each(report), rows, apart, strict=True):
            label = one["name"] if not row_at else None
            axes.plot(row["first_line_match"], row_at + offset, marker, color=colour, markersize=8, label=label)
    axes.set_yticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    axes.set(xlabel="first line exactly right, %", xlim=(-2, None))


def _reliability(axes: Axes, report: Report) -> None:
    axes.plot([0, 100], [0, 100], color=SOFT, linewidth=1, linestyle=(0, (1, 3)))
    for colour, marker, one in _each(report):
        bins = one["confidence"]["bins"]
        sure, right = [100 * row["confidence"] for row in bins], [100 * row["hits"] for row in bins]
        ece = one["confidence"]["ece"]
        label = one["name"] if ece is None else f"{one['name']}, error {ece:.2f}"
        axes.plot(sure, right, color=colour, linewidth=1.2, label=label)
        axes.scatter(sure, right, [12 + row["n"] for row in bins], color=colour, marker=marker, alpha=0.7, linewidth=0)
    axes.set(xlabel="how sure it says it is, %", ylabel="exactly right, %", xlim=(0, 100), ylim=(0, 100))


def _selective(axes: Axes, report: Report) -> None:
    for colour, _, one in _each(report):
        trials = [
            trial
            for trial in report["trials"]
            if (trial["contender"], trial["condition"]) == (one["name"], "cold") and trial["kind"] != "several_holes"
        ]
        sure = sorted((t for t in trials if t["is_answered"]), key=lambda trial: -trial["confidence"])
        right = np.cumsum([trial["is_exact"] for trial in sure])
        shown = np.arange(1, len(sure) + 1)
        few = len(trials) // 20  # a precision of a handful says nothing
        axes.plot(100 * shown[few:] / len(trials), 100 * right[few:] / shown[few:], color=colour, label=one["name"])
    axes.set(xlabel="holes in which something is shown, %", ylabel="exactly right, %", xlim=(0, 100), ylim=(0, 100))


def _lengths(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return where each length stands on the axis, the same for every contender."""
    return [LENGTHS.index(tuple(row["tokens"])) for row in rows]


def _name_lengths(axes: Axes, report: Report) -> None:
    rows = report["contenders"][0]["by_length"]
    names = [f"{low}+" if high > 1000 else f"{low}–{high}" for low, high in (row["tokens"] for row in rows)]
    axes.set_xticks(_lengths(rows), names)
    axes.set(xlabel="tokens in the hole")


PLOTS = (
    Plot("Quality against latency", "up and to the left is better; bars are 95 % intervals", _frontier),
    Plot("Latency against span length", "median, with its 95 % band; dotted between keystrokes", _latency_by_length),
    Plot(
        "Quality against span length", "exact match with its 95 % band, and dotted edit similarity", _quality_by_length
    ),
    Plot("Kind by kind", "how often the first line is exactly right", _kinds),
    Plot("How long a suggestion takes", "share of requests answered within a time", _latencies),
    Plot(
        "Where the time goes", "mean; to read is to prefill or encode, to write is to decode or fill in passes", _stages
    ),
    Plot("How sure, and how often right", "on the dotted line confidence means what it says", _reliability),
    Plot("What hiding the unsure buys", "precision if only the surest suggestions were shown", _selective),
)
