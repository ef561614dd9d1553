"""`fim-lsp bench soak`: memory and latency of a server in which somebody types without a rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, write
from fim_lsp.cli.bench.shared import reporting_progress


def soak(
    minutes: Annotated[float, typer.Option(help="How long to type.", min=0.1)] = 60.0,
    keys_per_s: Annotated[float, typer.Option("--keys", help="Keys a second.", min=0.5, max=30)] = 8.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Write a picture here.", metavar="FILE")] = None,
    backend: Annotated[str, typer.Option(help="auto, gpt or bert.")] = "auto",
) -> None:
    """Type recorded text through a server for a long time: does its memory stay, and its answers as quick?"""
    with reporting_errors():
        import tempfile

        from fim_lsp.lab.bench import soak, soak_picture
        from fim_lsp.lab.bench.latency.lsp_server import served
        from fim_lsp.lab.bench.latency.traces import read

        with tempfile.TemporaryDirectory() as folder, reporting_progress() as tell:
            editor = served(Path(folder) / "trace.jsonl", {"backend": backend}, 0)
            report = soak.run(editor, read(), minutes, keys_per_s, tell)
        soak_picture.show(Console(), report)
        if json_file is not None:
            write(json_file, json.dumps(report))
        if svg_file is not None:
            write(svg_file, soak_picture.draw(report))
