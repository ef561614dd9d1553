"""The counts as one self-contained web page."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment

from fim_lsp.metrics.report import NOTHING, TITLES, cells, headline, share
from fim_lsp.metrics.summary import MetricsSummary

MOST_DAYS = 60
STEP, HEIGHT = 14, 160  # of the chart, in its own units


class DayBar(NamedTuple):
    """A day in the chart: where its bars stand, and how high."""

    day: str
    x: int
    shown: int
    accepted: int
    shown_height: float
    accepted_height: float


def render(summary: MetricsSummary) -> str:
    """Return the page; it asks nothing of any other place and runs no script."""
    template = (files("fim_lsp.metrics") / "page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    kinds = summary.by_kind.items()
    return environment.from_string(template).render(
        headline=headline(summary) if summary.total.shown else NOTHING,
        titles=("language", "backend", *TITLES, "of what you write"),
        rows=[(*kind, *cells(counts), share(summary.share_percent(kind[0]))) for kind, counts in kinds],
        bars=bars(summary),
        step=STEP,
        height=HEIGHT,
    )


def bars(summary: MetricsSummary) -> list[DayBar]:
    """Return the latest days, the day with the most as high as the chart."""
    days = list(summary.by_day.items())[-MOST_DAYS:]
    most = max((counts.shown for _, counts in days), default=0)
    made = []
    for at, (day, counts) in enumerate(days):
        taken = counts.whole + counts.partly
        high = (round(HEIGHT * count / most, 1) for count in (counts.shown, taken))
        made.append(DayBar(day, at * STEP, counts.shown, taken, *high))
    return made
