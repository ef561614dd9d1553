"""One picture of the architecture study: what it costs to read and to write, what is brought back, what is learnt."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from fim_lsp.compare.palette import LIGHT
from fim_lsp.compare.plots import STYLE
from fim_lsp.compare.records import Report
from fim_lsp.compare.svg import as_svg

COLOURS = {
    "rnn": LIGHT["soft"],
    "lstm": LIGHT["series-2"],
    "encoder-decoder": LIGHT["series-3"],
    "small-gpt": LIGHT["series-0"],
    "small-bert": LIGHT["series-1"],
}


def draw(report: Report) -> str:
    """Return the picture as SVG text."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(12.6, 6.6), layout="constrained")
        panels = figure.subplots(2, 3).flat
        for axes, panel in zip(panels, (_reading, _writing, _learning, _recall_alone, _recall), strict=False):
            panel(axes, report["models"])
        key = panels[5]
        key.axis("off")
        key.legend(*panels[0].get_legend_handles_labels(), frameon=False, loc="center", fontsize=10)
        return as_svg(figure, "Five architectures of one size: reading, writing, learning and recall")


def _reading(axes: Axes, models: Report) -> None:
    axes.set(title="Time to read a context", xlabel="tokens", ylabel="milliseconds", xscale="log", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    _lines(axes, models, "read_ms")


def _writing(axes: Axes, models: Report) -> None:
    axes.set(title="Time to write a token (BERT: eight)", xlabel="tokens before it", xscale="log")
    _lines(axes, models, "step_ms")
    axes.set(ylabel="milliseconds", ylim=(0, None))


def _lines(axes: Axes, models: Report, key: str) -> None:
    for name, one in models.items():
        lengths, values = zip(*one[key], strict=True)
        axes.plot(lengths, values, "o-", ms=3, color=COLOURS[name], label=name)
        axes.set_xticks(lengths, [str(length) for length in lengths])
        axes.set_xticks([], minor=True)


def _recall_alone(axes: Axes, models: Report) -> None:
    axes.set(title="Recall, trained for nothing else", xlabel="tokens since it stood there", xscale="log")
    _lines(axes, models, "recall_alone")
    axes.set(ylabel="names brought back, %", ylim=(0, 104))


def _recall(axes: Axes, models: Report) -> None:
    axes.axhline(0, color=LIGHT["grid"], linewidth=1)
    for name, one in models.items():
        rows = one["recall"]
        labels = [f"{row['tokens'][0]}–{row['tokens'][1]}" for row in rows]
        axes.plot(labels, [row["gain"] for row in rows], "o-", ms=3, color=COLOURS[name])
        low, high = ([row["interval"][end] for row in rows] for end in (0, 1))
        axes.fill_between(labels, low, high, color=COLOURS[name], alpha=0.1)
    axes.set(title="Recall of a name in code", xlabel="tokens since it stood there", ylabel="nats a token gained by it")


def _learning(axes: Axes, models: Report) -> None:
    for name, one in models.items():
        tokens = [point["tokens"] / 1e6 for point in one["curve"]]
        style = "--" if name == "small-bert" else "-"  # it sees none of the other tokens of the middle
        axes.plot(tokens, [point["span_loss"] for point in one["curve"]], style, color=COLOURS[name])
    axes.set(title="Learning, rows set aside", xlabel="million tokens read in training")
    axes.set(ylabel="nats a token of the middle")
