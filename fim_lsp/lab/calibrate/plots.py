"""The pictures of the router's page, as SVG text: how reliable the confidence is, and what a rule can trade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fim_lsp.compare.palette import SERIES
from fim_lsp.compare.plots import STYLE
from fim_lsp.compare.records import Report
from fim_lsp.compare.svg import as_svg
from fim_lsp.lab.calibrate.measure import BAR_POINTS, BAR_SHARE

NAMES = {"gpt": "decoder", "bert": "infiller", "auto": "auto", "hindsight": "hindsight"}
MARKS = {"gpt": "o", "bert": "s", "auto": "D", "hindsight": "*"}


def reliability(report: Report) -> str:
    """Draw how often suggestions of each family are right against how sure it was, with the number of each."""
    return _drawn(_reliability, report, "How often suggestions are right against how sure each family was")


def frontier(report: Report) -> str:
    """Draw first-line match against median latency of either family, `auto`, the rule at any penalty, and hindsight."""
    return _drawn(_frontier, report, "First-line match against median latency, of each family and of rules")


def _reliability(figure: Figure, report: Report) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], color="#94a3b8", linewidth=1)
    for colour, (family, one) in zip(SERIES, report["confidence"].items(), strict=False):
        bins = one["bins"]
        sure = [100 * row["confidence"] for row in bins]
        label = f"{NAMES[family]}: ECE {one['ece']:.3f}, AUROC {one['auroc']:.2f}"
        upper.plot(sure, [100 * row["hits"] for row in bins], "o-", color=colour, label=label)
        lower.plot(sure, [row["n"] for row in bins], "o-", color=colour)
    upper.set(ylabel="first-line match, %", xlim=(0, 100), ylim=(0, 100))
    upper.legend(frameon=False, fontsize=8)
    lower.set(xlabel="shown confidence, %", ylabel="suggestions", ylim=(0, None))


def _frontier(figure: Figure, report: Report) -> None:
    conditions = report["conditions"]
    row = figure.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    for axes, (condition, found) in zip(row, conditions.items(), strict=True):
        _one_frontier(axes, found)
        axes.set(title=f"K/V {condition}", xlabel="median, milliseconds", xlim=(0, None), ylim=(0, None))
    figure.axes[0].set_ylabel("first-line match, %")
    figure.axes[0].legend(frameon=False, fontsize=8, loc="lower right")


def _one_frontier(axes: Axes, found: Mapping[str, Any]) -> None:
    line, singles = found["frontier"], found["points"][:2]
    better = max(singles, key=lambda point: point["first_line_match"])
    least, most = (
        better["first_line_match"] - BAR_POINTS,
        max(point["first_line_match"] for point in found["points"]) + 1,
    )
    axes.fill_between([0, BAR_SHARE * better["median_ms"]], least, most, color="#059669", alpha=0.12, label="the bar")
    axes.plot(
        [point["median_ms"] for point in line],
        [point["first_line_match"] for point in line],
        ".-",
        color="#94a3b8",
        label="the rule under any latency penalty and limits",
    )
    for colour, point in zip(SERIES, found["points"], strict=False):
        name = point["name"]
        look: dict[str, Any] = {"markersize": 13, "fillstyle": "none"} if name == "auto" else {"markersize": 8}
        axes.plot(point["median_ms"], point["first_line_match"], MARKS[name], color=colour, label=NAMES[name], **look)


def _drawn(draw: Callable[[Figure, Report], None], report: Report, said: str) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        figure.patch.set_facecolor("white")
        draw(figure, report)
        return as_svg(figure, said)
