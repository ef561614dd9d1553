"""`fim-lsp bench traces`: what is typed in the latency benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import reporting_errors, write


def write_traces(
    out: Annotated[Path, typer.Option(help="JSON lines to write.", metavar="FILE")],
    count: Annotated[int, typer.Option(help="How many traces.", min=1)] = 24,
    seed: Annotated[int, typer.Option(help="Another seed writes other traces.")] = 0,
) -> None:
    """Write editing traces for `latency`, typed into files put together from the shipped holes' surroundings."""
    with reporting_errors():
        from fim_lsp.lab.bench.latency import traces, writer

        write(out, traces.dump(writer.write(count, seed)))
        typer.echo(f"{count} traces in {out}")
