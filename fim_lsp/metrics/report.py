"""The counts on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from fim_lsp.metrics.acceptance import Acceptance
from fim_lsp.metrics.events import KEPT_AFTER_S
from fim_lsp.metrics.summary import Counts, MetricsSummary

BAR_CHARS = 20
MOST_DAYS = 14
NOTHING = "Nothing has been counted yet. Suggestions are, once an editor shows some, unless `fimLsp.metrics` is off."
TITLES = ("shown", "accepted", "partly", "acceptance", *(f"kept {after_s} s" for after_s in KEPT_AFTER_S))


def show(console: Console, summary: MetricsSummary, learnt: Acceptance) -> None:
    """Print what was shown, taken and kept, by language and backend, then by day, and what was learnt of it."""
    if not summary.total.shown and not summary.written:
        console.print(NOTHING, soft_wrap=True)
        return
    console.print(headline(summary), soft_wrap=True)
    table = Table("language", "backend", *TITLES, "of what you write")
    for (language, backend), counts in summary.by_kind.items():
        table.add_row(language, backend, *cells(counts), share(summary.share_percent(language)))
    console.print(table)
    table = Table("day", "shown", "accepted", "acceptance", "")
    for day, counts in list(summary.by_day.items())[-MOST_DAYS:]:
        rate = counts.accepted_percent
        table.add_row(day, str(counts.shown), str(counts.whole + counts.partly), share(rate), bar(rate))
    console.print(table)
    for family, one in learnt.families.items():
        half = f"what {family} is half sure of counts as {share(100 * one.curve.taken(0.5))} sure"
        console.print(
            f"learnt from {one.shown} suggestions, {share(100 * one.taken)} of them taken: {half}", soft_wrap=True
        )


def headline(summary: MetricsSummary) -> str:
    """Return all of it in a line."""
    total = summary.total
    taken = total.whole + total.partly
    return (
        f"{total.shown} suggestions shown, {taken} accepted ({share(total.accepted_percent)}), {total.partly} of them"
        f" in part; {share(summary.share_percent())} of the characters you wrote came from suggestions"
    )


def cells(counts: Counts) -> list[str]:
    """Return a row of the table, as TITLES names its columns."""
    kept = (share(counts.kept_percent(after_s)) for after_s in KEPT_AFTER_S)
    return [str(counts.shown), str(counts.whole), str(counts.partly), share(counts.accepted_percent), *kept]


def share(number: float | None) -> str:
    """Return a share as it is read."""
    return "—" if number is None else f"{number:.0f} %"


def bar(number: float | None) -> str:
    """Draw a share."""
    return "█" * round(BAR_CHARS * (number or 0) / 100)
