"""A comparison as one self-contained web page."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment

from fim_lsp.compare import palette, plots
from fim_lsp.compare.records import Report
from fim_lsp.compare.report import OVERVIEW, headline, share

EXAMPLES = 12
MARKS = {"holds": "✓", "does not hold": "✗", "not shown": "?"}


def render(report: Report) -> str:
    """Return the page; it asks nothing of any other place and runs no script."""
    template = (files("fim_lsp.compare") / "report.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"share": share, "words": lambda name: name.replace("_", " ")}
    return environment.from_string(template).render(
        report=report,
        headline=headline(report),
        colours=[f"var(--series-{at % len(palette.SERIES)})" for at in range(len(report["contenders"]))],
        light=palette.css(palette.LIGHT),
        dark=palette.css(palette.DARK),
        marks=MARKS,
        plots=[(plot, palette.by_name(svg)) for plot, svg in plots.draw(report)],
        rows=[(title, [cell(one) for one in report["contenders"]]) for title, cell in OVERVIEW],
        examples=_examples(report),
    )


def _examples(report: Report) -> list[tuple[Report, list[Report]]]:
    """Return (hole, one cold trial per contender) of a few holes, a kind in turn.

    Holes are in the order they were drawn in, so the first ones are no choice of anybody's.
    """
    cold: dict[int, dict[str, Report]] = {}
    for trial in report["trials"]:
        if trial["condition"] == "cold":
            cold.setdefault(trial["hole"], {})[trial["contender"]] = trial
    several = [at for at in cold if len(report["holes"][at]["golds"]) > 1][:1]
    shown = [at for at in cold if at not in several][: EXAMPLES - len(several)] + several
    names = [one["name"] for one in report["contenders"]]
    return [(report["holes"][at], [cold[at][name] for name in names]) for at in shown]
