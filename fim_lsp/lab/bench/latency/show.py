"""A run on the terminal, and as a picture."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from fim_lsp.compare.palette import LIGHT, SERIES
from fim_lsp.compare.plots import STYLE
from fim_lsp.compare.records import Row
from fim_lsp.compare.report import where
from fim_lsp.compare.svg import as_svg
from fim_lsp.lab.bench.latency import figures

HOW_TO_GET = (
    "llama-server is not on this machine's PATH, so fim-lsp was measured alone. It comes with llama.cpp "
    "(https://github.com/ggml-org/llama.cpp): `brew install llama.cpp`, `winget install llama.cpp`, an archive "
    "of a release, or `cmake -B build && cmake --build build --target llama-server`; then give --llama-server PATH."
)

BUSY_PERCENT = 10
LEAST_MS = 0.1  # of the picture
PANELS: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    ("Every keystroke, those overtaken among them", lambda ask: True),
    ("Answered by the model", lambda ask: bool(ask["reached_model"]) and ask["answered_ms"] is not None),
)


def show(console: Console, report: Row, is_missing: bool = False) -> None:
    """Print both contenders beside each other, their ratios, and what was measured of fim-lsp alone."""
    cpu, some, ratios = report["machine"], report["contenders"], report["ratios"]
    busy = f", other programs took {cpu['others_percent']:.0f} %" if cpu["others_percent"] >= 1 else ""
    sizes = [trace["lines"] for trace in report["traces"]]
    console.print(f"{len(sizes)} editing traces in files of {min(sizes)} to {max(sizes)} lines · {where(cpu)}{busy}")
    table = Table("", *(one["name"] for one in some), title="keystroke to answer", title_justify="left")
    if ratios:
        table.add_column("ratio")
    for title, cell, ratio in ROWS:
        table.add_row(title, *(cell(one) for one in some), *([_ratio(ratios, ratio)] if ratios else []))
    for name in ("initialize_ms", "first_suggestion_ms"):
        cells = [_plain(report["cold_start"][one["name"]].get(name), 0) for one in some]
        table.add_row(f"launch to {name.removesuffix('_ms').replace('_', ' ')}, ms", *cells)
    console.print(table)
    idle, late = report["cancel_to_idle_ms"], report["deadline_overshoot_ms"]
    console.print(f"fim-lsp, cancel to idle, ms: {_spread(idle['replay'])} typing, {_spread(idle['probe'])} probed")
    console.print(f"fim-lsp, past a deadline of {late['deadline_ms']} ms by: {_spread(late)}")
    if cpu["others_percent"] >= BUSY_PERCENT:
        console.print("[yellow]Other programs took so much of the machine that these figures say little.[/yellow]")
    if is_missing:
        console.print(HOW_TO_GET, soft_wrap=True)


def draw(report: Row) -> str:
    """Return both latency distributions as SVG: the share of keystrokes answered within a time."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.7), layout="constrained", facecolor=LIGHT["paper"])
        for axes, (title, is_shown) in zip(figure.subplots(1, 2), PANELS, strict=True):
            for colour, one in zip(SERIES, report["contenders"], strict=False):
                asks = [ask for ask in report["asks"][one["name"]] if is_shown(ask)]
                waits = [
                    (ask["answered_ms"] or ask["given_up_ms"] or 0.0, ask["answered_ms"] is not None) for ask in asks
                ]
                if not (curve := figures.answered_within(waits)):
                    continue
                label = f"{one['name']}, {one['accepted_chars']} characters accepted"
                ms, share = np.array(curve).T
                axes.step(np.maximum(ms, LEAST_MS), 100 * share, color=colour, label=label, where="post")
            axes.set_title(title, loc="left", fontsize=11, color=LIGHT["ink"])
            axes.set(xscale="log", xlabel="milliseconds from the keystroke", ylabel="answered, %", ylim=(0, 101))
            axes.set_xlim(LEAST_MS, None)
            axes.xaxis.set_major_formatter("{x:g}")
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="upper left")
        figure.supxlabel(where(report["machine"]), fontsize=8.5, color=LIGHT["soft"])
        return as_svg(figure, "Share of keystrokes answered within a time")


def _spread(row: Row) -> str:
    return " / ".join(_plain(row.get(q), 0 if (row.get(q) or 0) >= 10 else 1) for q in ("p50", "p95", "p99"))


def _ratio(ratios: Row, name: str) -> str:
    """Say a ratio, or what it is less than where the peer's share of it is only known to be more."""
    if (found := ratios.get(name)) is not None:
        return f"{found:.2f}"
    most = ratios.get(f"{name}_at_most")
    return "" if most is None else f"< {most:.2f}"


def _estimated(one: Row, q: str) -> str:
    """Say an estimated percentile; where too few were answered to tell, it is more than the longest wait."""
    row = one["estimated_ms"]
    return _plain(row[q], 0) if row[q] is not None else f"> {_plain(row['longest'], 0)}"


def _plain(value: float | None, digits: int) -> str:
    return "—" if value is None else f"{value:,.{digits}f}"


def _superseded(one: Row) -> str:
    return f"{one['superseded']} ({one['superseded_percent']:.0f} %)"


ROWS: tuple[tuple[str, Callable[[Row], str], str], ...] = (
    ("requests, one a keystroke", lambda one: str(one["requests"]), ""),
    ("overtaken by the next keystroke", _superseded, ""),
    ("answered: p50 / p95 / p99 ms", lambda one: _spread(one["all_ms"]), "p50_all"),
    ("  p95", lambda one: _plain(one["all_ms"].get("p95"), 0), "p95_all"),
    ("  with text", lambda one: _spread(one["with_text_ms"]), ""),
    ("  by the model", lambda one: _spread(one["reached_model_ms"]), "p50_reached_model"),
    ("  by the model, p95", lambda one: _plain(one["reached_model_ms"].get("p95"), 0), "p95_reached_model"),
    ("all, with those overtaken: p50", lambda one: _estimated(one, "p50"), "p50_estimated"),
    ("  p95", lambda one: _estimated(one, "p95"), "p95_estimated"),
    ("text shown without the model", lambda one: f"{one['without_model_percent']:.1f} %", ""),
    ("  of all texts shown", lambda one: f"{one['text_without_model_percent']:.1f} %", ""),
    ("characters accepted", lambda one: f"{one['accepted_chars']} in {one['accepts']}", "accepted_chars"),
    ("characters typed", lambda one: str(one["typed_chars"]), ""),
    ("prompt tokens computed", lambda one: _plain(one["tokens"]["prefilled"], 0), "prefilled"),
    ("prompt tokens reused", lambda one: _plain(one["tokens"]["reused"], 0), ""),
    ("steps", lambda one: _plain(one["tokens"]["steps"], 0), "steps"),
    ("CPU s an accepted character", lambda one: _plain(one["cpu_s_per_accepted_char"], 3), "cpu_s_per_accepted_char"),
    ("peak memory MB", lambda one: _plain(one["peak_mb"], 0), ""),
)
