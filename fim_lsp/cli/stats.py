"""`fim-lsp stats`: what was shown, taken and kept on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, write


def stats(
    html: Annotated[Path | None, typer.Option(help="Write a page with a chart here.", metavar="FILE")] = None,
    export: Annotated[Path | None, typer.Option(help="Write every count here, as JSON lines.", metavar="FILE")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Forget everything that was counted and learnt.")] = False,
    unlearn: Annotated[
        bool, typer.Option("--unlearn", help="Take back what was learnt from your acceptances.")
    ] = False,
) -> None:
    """Tell what was shown, taken and kept, by language and backend; counted on this machine alone (docs/metrics.md)."""
    with reporting_errors():
        from fim_lsp.metrics import acceptance, report
        from fim_lsp.metrics import store as counts
        from fim_lsp.metrics.summary import added_up

        if erase:
            counts.erase()
            acceptance.learnt_in().unlink(missing_ok=True)
            typer.echo("fim-lsp: everything that was counted is erased")
            return
        if unlearn:
            acceptance.take_back()
            typer.echo(
                "fim-lsp: what was learnt is taken back; a server that is running goes by it until it starts again"
            )
            return
        suggestions, typed = counts.read()
        if export:
            rows = [{**row, "kept": json.loads(row["kept"])} for row in suggestions] + typed
            write(export, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
        summary = added_up(suggestions, typed)
        if html:
            from fim_lsp.metrics.page import render

            write(html, render(summary))
        if not export and not html:
            report.show(Console(), summary, acceptance.read())
