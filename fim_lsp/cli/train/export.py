"""`fim-lsp train export`: a run's weights for use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import reporting_errors


def export_run(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or of a model.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    to: Annotated[str, typer.Option(help="packed (int8, as shipped), transformers, or gguf (a decoder's).")] = "packed",
    matrix_type: Annotated[str, typer.Option("--type", help="Of a GGUF's matrices: f16 or q8_0.")] = "f16",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write a run's weights for use, with exact match before and after packing; or a model's, for another program."""
    with reporting_errors():
        from fim_lsp.lab.train import export, packing_cost, runs

        report = export.export(run, to, out, matrix_type)
        if to == "packed" and (run / runs.RECORD).is_file():
            report |= packing_cost.measure(run)
        for key, value in report.items() if not as_json else ():
            typer.echo(f"{key}: {value}")
        if as_json:
            typer.echo(json.dumps(report))
