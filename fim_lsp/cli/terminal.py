"""Suggestions as a person sees them in an editor: the code, and in it the ghost text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from fim_lsp.domain import STAGES, Outcome, Snapshot
from fim_lsp.errors import InputError

ABOVE_LINES, BELOW_LINES = 4, 3
NARROW = 56  # columns below which a suggestion is hard to read beside another


def show(console: Console, snap: Snapshot, outcome: Outcome, title: str) -> None:
    """Print the lines around the cursor with the suggestion in place, then where the time went."""
    console.rule(f"[bold]{title}", align="left", style="dim")
    console.print(screen(snap, outcome), soft_wrap=True)
    console.print(Text(summary(outcome), style="dim"))


def show_at_cursor(
    console: Console, snap: Snapshot, title: str, answers: Sequence[tuple[str, Outcome, float, float | None]]
) -> None:
    """Print (name, outcome, cold ms, warm ms) of one place in columns, one under the other where it is narrow."""
    console.rule(f"[bold]{title}", align="left", style="dim")
    panels = []
    for name, outcome, cold_ms, warm_ms in answers:
        warm = "keeps nothing, so every request is a cold one" if warm_ms is None else f"{warm_ms:.0f} ms warm"
        said = Text(f"\n{cold_ms:.0f} ms cold, {warm}\n{summary(outcome)}", style="dim")
        lines = screen(snap, outcome)
        lines.no_wrap = False
        panels.append(Panel(Group(lines, said), title=name, title_align="left"))
    if console.width < NARROW * len(panels):
        console.print(*panels)
        return
    table = Table.grid(expand=True)
    for _ in panels:
        table.add_column(ratio=1)
    table.add_row(*panels)
    console.print(table)


def screen(snap: Snapshot, outcome: Outcome) -> Text:
    """Return the lines around the cursor with the best suggestion in place."""
    best = outcome.suggestions[0] if outcome.suggestions else None
    highlighter = Syntax("", snap.language or "text", theme="ansi_dark", background_color="default")
    before = snap.prefix.splitlines(keepends=True)
    if before and before[-1].endswith(("\n", "\r")):
        before.append("")
    lines = highlighter.highlight("".join(before[-ABOVE_LINES - 1 :]))
    lines.rstrip()
    lines.append(Text(snap.line_prefix[len(snap.line_prefix.rstrip()) :] if snap.line_prefix.strip() else ""))
    if not snap.line_prefix.strip():
        lines.append("\n" * (snap.prefix[-1:] in "\r\n" or bool(snap.line_prefix)) + snap.line_prefix)
    if best:
        lines.append(best.text, style="italic black on bright_cyan")
    rest = snap.suffix[best.replaces if best else 0 :].splitlines(keepends=True)[: BELOW_LINES + 1]
    tail = highlighter.highlight("".join(rest)) if rest else Text("")
    tail.rstrip()
    lines.append(tail)
    return lines


def summary(outcome: Outcome) -> str:
    """One line: who answered, in how many milliseconds, stage by stage, or why nothing is shown."""
    stages = [f"{name} {outcome.timings[name]:.0f}" for name in STAGES if name in outcome.timings]
    total = sum(outcome.timings.values())
    said = (
        f"{outcome.suggestions[0].confidence:.0%} sure" if outcome.suggestions else f"nothing shown: {outcome.reason}"
    )
    tokens = ", ".join(f"{count} {name}" for name, count in outcome.tokens.items())
    return f"{outcome.backend or 'no model'} · {said} · {total:.0f} ms ({', '.join(stages)}) · {tokens or 'no'} tokens"


def save_svg(console: Console, path: Path) -> None:
    """Save a recorded console as a picture that asks no font server; raises InputError."""
    picture = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="fim-lsp"), flags=re.DOTALL)
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from None
