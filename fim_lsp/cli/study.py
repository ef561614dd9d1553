"""The architecture study: train its models, write them as they ship, and measure what attention bought."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, write
from fim_lsp.cli.progress import progress


def train(
    corpus: Annotated[Path, typer.Argument(help="Folder of `fim-lsp train corpus`; its texts are cut anew.")],
    out: Annotated[Path, typer.Option(help="Folder of the set; started again, it goes on where it was.")],
    tokens: Annotated[int, typer.Option(help="Tokens of rows that each model sees.", min=1000)] = 2_000_000,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for as many as other programs leave cores.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows and weights.")] = 1,
) -> None:
    """Train the architecture study: five small models of one size, same rows, same order."""
    with reporting_errors():
        from dataclasses import replace

        from fim_lsp.lab.study import recall_task
        from fim_lsp.lab.study import rows as study_rows
        from fim_lsp.lab.study import train as study

        pace = replace(study.PACE, threads=threads, seed=seed)
        with progress() as tell:
            study.train(corpus, out, study_rows.RowSettings(tokens, seed=seed), tell, pace)
            recall_task.train(out, tell, replace(recall_task.PACE, threads=threads, seed=seed))
        Console(stderr=True).print(f"[dim]{out}/*/curve.svg[/dim]")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a trained set.")],
    out: Annotated[Path, typer.Option(help="Folder to write, as models/study.")],
) -> None:
    """Write the study's models as they ship, and print loss and exact match before and after packing."""
    with reporting_errors():
        from fim_lsp.lab.study import recall_task
        from fim_lsp.lab.study import train as study

        with Console(stderr=True).status("packing …"):
            report = study.write(run, out)
            report["recall"] = recall_task.write(run, out)
        typer.echo(json.dumps(report, indent=1))


def attention(
    models: Annotated[
        Path | None, typer.Option(help="Folder of the set; the shipped one by default.", metavar="FOLDER")
    ] = None,
    on: Annotated[
        Path | None, typer.Option(help="Python files or a folder for the recall probe; the shipped holes by default.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.", metavar="FILE")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the picture here.", metavar="FILE")] = None,
    limit: Annotated[int, typer.Option(help="Most probes at each distance.", min=1)] = 60,
) -> None:
    """Measure what attention bought: time against length, recall against distance, quality at equal training."""
    with reporting_errors():
        from rich.progress import track

        from fim_lsp.checkpoints.catalogue import STUDY_FAMILIES, models_folder
        from fim_lsp.compare import cut, quality
        from fim_lsp.lab.study import attention as study
        from fim_lsp.lab.study import plot as study_plot

        texts = [text for _, _, text in cut.read_files(on)] if on else study.texts_of(quality.read_holes())
        console = Console(stderr=True)
        names = track(STUDY_FAMILIES, "measuring", console=console)
        report = study.measure(models or models_folder() / "study", names, texts, limit)
        study.show(Console(), report)
        if json_file is not None:
            write(json_file, json.dumps(report, indent=1) + "\n")
        if svg is not None:
            write(svg, study_plot.draw(report))
