"""`fim-lsp bench kernels`: what the engine does beside llama.cpp."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, write
from fim_lsp.cli.bench.shared import q8_weights, reporting_progress


def kernels(
    model: Annotated[
        Path | None, typer.Option(help="Folder of a decoder; the shipped one by default.", metavar="FOLDER")
    ] = None,
    gguf: Annotated[
        list[Path] | None,
        typer.Option(help="The same weights for llama.cpp, as Q8_0, Q4_0 …; may be given again.", metavar="FILE"),
    ] = None,
    llama_bench: Annotated[
        Path | None, typer.Option(help="The llama-bench to compare with; by default the one on PATH.", metavar="PATH")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds, of which the median is taken.", min=1)] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
) -> None:
    """Measure prefill and decode beside llama.cpp at equal bits, and beside what memory and processor can do."""
    with reporting_errors():
        from fim_lsp.checkpoints.catalogue import find_model
        from fim_lsp.lab.bench import kernels as bench

        found = llama_bench or shutil.which("llama-bench")
        files = gguf or ([q8_weights()] if found else [])
        with reporting_progress() as tell:
            report = bench.measure(find_model("gpt", str(model or "")), files if found else [], found, rounds, tell)
        bench.show(Console(), report)
        if json_file is not None:
            write(json_file, json.dumps(report))
