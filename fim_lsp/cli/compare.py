"""`fim-lsp compare`: the families on the same holes, or at one cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fim_lsp.cli.base import reporting_errors, waiting, write
from fim_lsp.cli.holes import HoleFile, On
from fim_lsp.errors import InputError


def compare(
    holes: HoleFile = None,
    on: On = None,
    at: Annotated[str, typer.Option(help="One place, 1-based, instead of holes.", metavar="FILE:LINE:COL")] = "",
    model: Annotated[
        list[str],
        typer.Option(
            help="A contender: gpt, bert, gpt=FOLDER, bert=FOLDER or a name of `fim-lsp models list`; several times."
        ),
    ] = ["gpt", "bert"],  # noqa: B006
    passes: Annotated[
        list[int], typer.Option(help="The infiller with so many passes besides; may be given several times.", min=1)
    ] = [],  # noqa: B006
    study: Annotated[
        bool,
        typer.Option("--study", help="Five small models of one size besides (docs/architecture-study.md)."),
    ] = False,
    limit: Annotated[int, typer.Option(help="Only so many holes, drawn over all kinds; 0 for all.", min=0)] = 200,
    seed: Annotated[int, typer.Option(help="Draws the holes, the turns and the intervals.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 for one a core.", min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with pictures here.", metavar="FILE")
    ] = None,
    svg_file: Annotated[Path | None, typer.Option("--svg", help="Write one picture here.", metavar="FILE")] = None,
    older: Annotated[
        Path | None, typer.Option("--compare-to", help="An earlier --json, to tell the change.", metavar="FILE")
    ] = None,
) -> None:
    """Compare BERT against GPT on the same holes: quality, latency, memory, and what becomes of the claims."""
    with reporting_errors():
        from fim_lsp.checkpoints.catalogue import STUDY_FAMILIES

        named = list(dict.fromkeys([*model, *(STUDY_FAMILIES if study else ())]))
        if at:
            if html_file or svg_file or older:
                raise InputError("--at compares one place: it goes with --json, not with --html, --svg, --compare-to")
            _compare_at(at, named, passes, threads, json_file)
            return
        from fim_lsp.compare import change, page, plots, report
        from fim_lsp.compare.contenders import contend
        from fim_lsp.compare.run import compare as run
        from fim_lsp.lab.calibrate.choose import choose

        before = change.read(older) if older else None
        chosen = choose(holes, on, limit, seed)
        with waiting("loading the models"):
            contenders = contend(named, passes)
        with _progress() as progress:
            task = progress.add_task("comparing", total=len(chosen))
            result = run(chosen, contenders, seed, threads, lambda: progress.advance(task))
        report.show(Console(), result)
        if before is not None:
            report.show_change(Console(), change.against(result, before))
        if json_file is not None:
            write(json_file, json.dumps(result))
        if html_file is not None:
            write(html_file, page.render(result))
        if svg_file is not None:
            write(svg_file, plots.poster(result))


def _compare_at(at: str, model: Sequence[str], passes: Sequence[int], threads: int, json_file: Path | None) -> None:
    from fim_lsp import machine
    from fim_lsp.cli import cursor, terminal
    from fim_lsp.compare.at_cursor import ask
    from fim_lsp.compare.contenders import contend

    snap = cursor.from_file(at)
    with waiting("loading the models and asking them"):
        machine.pin(threads)
        answers = ask(snap, contend(model, passes))
    terminal.show_at_cursor(Console(), snap, at, [(one.name, one.outcome, one.cold_ms, one.warm_ms) for one in answers])
    if json_file is not None:
        record = {"place": at, "machine": machine.describe(), "answers": [one.record() for one in answers]}
        write(json_file, json.dumps(record, ensure_ascii=False))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
