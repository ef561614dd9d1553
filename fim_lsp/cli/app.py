"""The command line: every verb, each in its own file."""

from __future__ import annotations

from typing import Annotated

import typer

from fim_lsp import __version__
from fim_lsp.cli import (
    adapt,
    bench,
    cluster,
    compare,
    complete,
    demo,
    doctor,
    evaluate,
    holes,
    index,
    models,
    router,
    serve,
    slots,
    stats,
    study,
    train,
    weights,
)

app = typer.Typer(
    help="Code completion that fills in the middle, on your own machine, offline.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fim-lsp {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Code completion that fills in the middle, on your own machine, offline."""


for verb in (serve.serve, complete.complete, demo.demo, doctor.doctor, index.index, adapt.adapt, stats.stats):
    app.command()(verb)
app.add_typer(train.app, name="train")
app.add_typer(weights.app, name="weights")
app.add_typer(models.app, name="models")
app.add_typer(evaluate.app)
app.add_typer(slots.app, name="slots")
app.command("compare")(compare.compare)
app.command("holes")(holes.record_holes)
app.add_typer(bench.app, name="bench")
app.add_typer(router.app, name="router")
app.add_typer(cluster.app, name="cluster")
app.command("attention")(study.attention)
