"""`fim-lsp demo`: holes of the shipped sample files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import AsJson, ModelFolder, complete_at, load, record, reporting_errors, settings


def demo(
    model: ModelFolder = "",
    svg: Annotated[Path | None, typer.Option(help="Save what is shown as a picture.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Complete several holes of the shipped sample files and show the ghost text with its timings."""
    with reporting_errors():
        from fim_lsp.cli.samples import read_samples
        from fim_lsp.cli.terminal import save_svg, show

        completer = load(settings(None, model, ""))
        console = Console(record=svg is not None)
        for title, snap in read_samples():
            outcome = complete_at(completer, snap)
            if as_json:
                typer.echo(json.dumps({"sample": title, **record(outcome)}, ensure_ascii=False))
            else:
                show(console, snap, outcome, title)
        if svg is not None:
            save_svg(console, svg)
