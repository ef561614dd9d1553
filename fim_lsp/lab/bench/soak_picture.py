"""A soak on the terminal, and as a picture: memory and latency over time."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from fim_lsp.compare.palette import LIGHT, SERIES
from fim_lsp.compare.plots import STYLE
from fim_lsp.compare.records import Row
from fim_lsp.compare.report import where
from fim_lsp.compare.svg import as_svg


def show(console: Console, report: Row) -> None:
    """Print each sixth of the time, and the last against the first."""
    machine = report["machine"]
    console.print(f"{report['requests']:,} keys · {where(machine)} · others took {machine['others_busy_cores']} cores")
    table = Table("until", "keys", "overtaken", "p50, ms", "p95, ms", "memory, MB")
    for part in report["parts"]:
        counts = (f"{part['until_s'] / 60:.1f} min", f"{part['requests']:,}", f"{part['overtaken']:,}")
        estimated = (_plain(part["estimated_ms"][q]) for q in ("p50", "p95"))
        table.add_row(*counts, *estimated, _plain(part["memory_mb"]))
    console.print(table)
    memory, slower = _signed(report["memory_growth_percent"]), _signed(report["p95_growth_percent"])
    console.print(f"last sixth against the first: memory {memory}, p95 {slower}; unanswered: {report['unanswered']}")


def draw(report: Row) -> str:
    """Return memory and latency over time as SVG."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.7), layout="constrained", facecolor=LIGHT["paper"])
        held, waits = figure.subplots(1, 2)
        minutes = [at / 60 for at, _ in report["memory"]]
        held.plot(minutes, [mb for _, mb in report["memory"]], color=SERIES[0])
        held.set_title("Memory of the server, MB", loc="left", fontsize=11, color=LIGHT["ink"])
        ends = [part["until_s"] / 60 for part in report["parts"]]
        for colour, q in zip(SERIES, ("p50", "p95"), strict=False):
            known = [
                (end, part["estimated_ms"][q])
                for end, part in zip(ends, report["parts"], strict=True)
                if part["estimated_ms"][q] is not None
            ]
            waits.plot(*zip(*known, strict=True), color=colour, marker="o", label=q) if known else None
        waits.set_title("Keystroke to answer, those overtaken among them, ms", loc="left", fontsize=11)
        for axes in (held, waits):
            axes.set(xlabel="minutes", xlim=(0, ends[-1]))
            axes.set_ylim(0, None)
        if waits.get_legend_handles_labels()[0]:
            waits.legend(loc="upper right")
        figure.supxlabel(where(report["machine"]), fontsize=8.5, color=LIGHT["soft"])
        return as_svg(figure, "Memory and latency over the time of a soak")


def _plain(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}"


def _signed(percent: float | None) -> str:
    return "unknown" if percent is None else f"{percent:+.1f} %"
