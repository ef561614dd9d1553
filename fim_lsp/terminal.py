"""Suggestions as a person sees them in an editor: the code, and in it the ghost text."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.errors import InputError

ABOVE_LINES, BELOW_LINES = 4, 3
STAGES = ("context", "tokenize", "prefill", "decode", "filters")


def show(console: Console, snap: Snapshot, outcome: Outcome, title: str) -> None:
    """Print the lines around the cursor with the suggestion in place, then where the time went."""
    console.rule(f"[bold]{title}", align="left", style="dim")
    best = outcome.suggestions[0] if outcome.suggestions else None
    highlighter = Syntax("", snap.language or "text", theme="ansi_dark", background_color="default")
    before = snap.prefix.splitlines(keepends=True)
    if before and before[-1].endswith(("\n", "\r")):
        before.append("")
    screen = highlighter.highlight("".join(before[-ABOVE_LINES - 1 :]))
    screen.rstrip()
    screen.append(Text(snap.line_prefix[len(snap.line_prefix.rstrip()) :] if snap.line_prefix.strip() else ""))
    if not snap.line_prefix.strip():
        screen.append("\n" * (snap.prefix[-1:] in "\r\n" or bool(snap.line_prefix)) + snap.line_prefix)
    if best:
        screen.append(best.text, style="italic black on bright_cyan")
    rest = snap.suffix[best.replaces if best else 0 :].splitlines(keepends=True)[: BELOW_LINES + 1]
    tail = highlighter.highlight("".join(rest)) if rest else Text("")
    tail.rstrip()
    screen.append(tail)
    console.print(screen, soft_wrap=True)
    console.print(Text(summary(outcome), style="dim"))


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
