"""`fim-lsp router`: fit what `auto` and the shown confidence go by, and measure what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fim_lsp.cli.base import reporting_errors, write

if TYPE_CHECKING:
    from fim_lsp.compare.quality import Hole
    from fim_lsp.lab.calibrate.recordings import Recording

app = typer.Typer(help="The rule of `auto` and the shown confidence: fit them, measure them.", no_args_is_help=True)

RecordFile = Annotated[
    Path,
    typer.Option("--recordings", help="Keep what the models said here, and go on from there.", metavar="FILE"),
]
RECORDINGS = Path(".cache/recordings.jsonl")


@app.command()
def fit(
    file: RecordFile = RECORDINGS,
    holes: Annotated[Path | None, typer.Option(help="JSON lines of holes; the shipped ones for fitting.")] = None,
) -> None:
    """Fit confidence, rates, costs and limits of the shipped pair on holes, into each model's config.json."""
    with reporting_errors():
        from fim_lsp.checkpoints.catalogue import find_model
        from fim_lsp.compare import quality
        from fim_lsp.lab.calibrate import fit as calibrate

        chosen = quality.read_holes(holes or calibrate.fitting_holes())
        fitted = calibrate.fit(chosen, _record(chosen, file, is_warm_wanted=False))
        for family, found in fitted.items():
            config = find_model(family, "") / "config.json"
            calibrate.write(config, found)
            table = found.table
            typer.echo(
                f"{config}: shown from {found.calibration.shown:.1%}, cascades below {table.cascade_below:.0%}, "
                f"a second costs {table.latency_penalty:.1%}; "
                f"{table.token_ms:.2f} ms a token read, {table.step_ms:.1f} ms a step"
            )


@app.command()
def measure(
    file: RecordFile = RECORDINGS,
    holes: Annotated[Path | None, typer.Option(help="JSON lines of holes; the shipped held-out ones.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Draw reliability.svg and frontier.svg here.", metavar="FOLDER")
    ] = None,
) -> None:
    """Replay the rule on held-out holes, cold and warm: first-line match, latency, and how good the confidence is."""
    with reporting_errors():
        from fim_lsp.compare import quality
        from fim_lsp.lab.calibrate import fit as calibrate
        from fim_lsp.lab.calibrate import measure as route
        from fim_lsp.lab.calibrate import plots as route_plots

        chosen = quality.read_holes(holes)
        fitted = calibrate.read()
        judged = calibrate.judge(chosen, _record(chosen, file, is_warm_wanted=True), fitted)
        report = route.report(judged, {family: one.table for family, one in fitted.items()})
        _show(Console(), report)
        if json_file is not None:
            write(json_file, json.dumps(report, indent=1))
        if svg is not None:
            write(svg / "reliability.svg", route_plots.reliability(report))
            write(svg / "frontier.svg", route_plots.frontier(report))


def _record(holes: list[Hole], file: Path, is_warm_wanted: bool) -> list[Mapping[str, Recording]]:
    from fim_lsp.lab.calibrate import recordings

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("asking both models", total=len(holes))
        return list(recordings.record(holes, file, is_warm_wanted, lambda: progress.advance(task)))


def _show(console: Console, report: Mapping[str, Any]) -> None:
    for condition, found in report["conditions"].items():
        table = Table(
            "", "first-line match %", "p50 ms", "mean ms", "decoder first %", "cascaded %", "latency penalty", "limits"
        )
        for point in found["points"]:
            table.add_row(*_cells(point["name"], point))
        table.add_section()
        for point in found["frontier"]:
            table.add_row(*_cells("the rule could", point))
        console.print(f"[bold]K/V {condition}[/bold], {report['n']} holes, paired")
        console.print(table)
        verdict = "within the bar" if found["is_within_bar"] else "not within the bar"
        console.print(
            f"auto: {found['first_line_match_under_better']:.1f} points under the better family, "
            f"{found['median_share']:.0%} of its median: {verdict}"
        )
    table = Table("shown confidence", "n", "ECE", "AUROC", "Brier", "base rate's Brier")
    for family, one in report["confidence"].items():
        table.add_row(family, *(str(one[key]) for key in ("n", "ece", "auroc", "brier", "base_brier")))
    console.print(table)


def _cells(name: str, point: Mapping[str, Any]) -> list[str]:
    numbers = point["first_line_match"], point["median_ms"], point["mean_ms"], point["first"]["gpt"], point["cascaded"]
    limits = " ".join(f"{limit:g}" for limit in point["limits"])
    return [name, *(f"{number:.1f}" for number in numbers), f"{point['latency_penalty']:g}" if limits else "", limits]
