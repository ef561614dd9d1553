"""`fim-lsp cluster`: the endpoint of `serve --http` on Ray Serve, with as many decoders as typists need."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from fim_lsp.cli.base import AsJson, ConfigFile, DecoderModel, reporting_errors, waiting, warn
from fim_lsp.cli.speaking import model_setting

app = typer.Typer(
    help="Serve completions over HTTP from many decoders, on one machine or many (Ray Serve). See docs/cluster.md.",
    no_args_is_help=True,
)
Address = Annotated[
    str,
    typer.Option(
        help="A Ray cluster: HOST:PORT, or auto for the one this machine is in; local begins one here, and stays.",
        envvar="FIM_LSP_CLUSTER",
    ),
]
TokenFile = Annotated[
    Path | None, typer.Option("--tokens", help="Tokens by owner, as `fim-lsp cluster token` writes.", metavar="FILE")
]
JOINED = "auto"


@app.command()
def up(
    address: Address = "local",
    host: Annotated[str, typer.Option(help="Address to listen at, on every node.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at.", min=1, max=65535)] = 8000,
    decoders: Annotated[int, typer.Option(help="Decoders at least; one a core.", min=1)] = 1,
    most: Annotated[int, typer.Option(help="Decoders at most; more are started while these are busy.", min=0)] = 0,
    gateways: Annotated[int, typer.Option(help="Processes that read requests and check tokens.", min=1)] = 1,
    cores: Annotated[int, typer.Option(help="Cores of a decoder.", min=1)] = 1,
    surge: Annotated[int, typer.Option(help="Percent of decoders started before old ones go.", min=0, max=100)] = 25,
    tokens: TokenFile = None,
    token: Annotated[
        str,
        typer.Option(help="One token for all, without --tokens; made where none is given.", envvar="FIM_LSP_TOKEN"),
    ] = "",
    rate: Annotated[str | None, typer.Option(help="Most requests of an owner, as 20/second or 600/minute.")] = None,
    counts: Annotated[
        str, typer.Option(help="Where requests are counted: each gateway by itself, or async+redis://HOST:PORT.")
    ] = "async+memory://",
    name: Annotated[list[str], typer.Option(help="A host name that clients call this by; addresses need none.")] = [],  # noqa: B006
    patience: Annotated[float, typer.Option(help="Seconds until an answer is empty.", min=0.1)] = 5.0,
    config: ConfigFile = None,
    model: DecoderModel = "",
) -> None:
    """Start the cluster's application, or replace the one that runs, without losing a request."""
    with reporting_errors():
        from fim_lsp.cluster import running
        from fim_lsp.cluster import tokens as files
        from fim_lsp.cluster.plan import RATE, ClusterPlan, EntryRules
        from fim_lsp.http.tokens import TokenBook, make
        from fim_lsp.settings import read_file, resolve

        settings = dict(read_file(config)) if config else {}
        if model:
            settings["gpt"] = {**settings.get("gpt", {}), **model_setting(model)["gpt"]}
        for problem in resolve([("settings", settings)]).problems:
            warn(problem)
        shared = token or make()
        known = files.read(tokens) if tokens else TokenBook.of(shared).owners
        of_one = RATE if tokens else ""  # all who share a token share its count
        entry = EntryRules(known, tuple(name), of_one if rate is None else rate, counts)
        plan = ClusterPlan(settings, decoders, max(most, decoders), gateways, cores, patience_s=patience, surge=surge)
        plan = ClusterPlan.read({**vars(plan), "entry": vars(entry)})
        with waiting("starting: nodes, gateways, decoders with their model"):
            running.join(address)
            running.start(plan, host, port)
        typer.echo(f"fim-lsp: listening at http://{host}:{port}")
        if not tokens and not token:
            typer.echo(f"fim-lsp: token: {shared}")
        if address == running.LOCAL:
            typer.echo("fim-lsp: Ctrl-C ends it")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
            running.stop()


@app.command()
def status(address: Address = JOINED, as_json: AsJson = False) -> None:
    """Tell how many decoders and gateways there are, and in which state."""
    with reporting_errors():
        from fim_lsp.cluster import running

        running.join(address)
        found = running.state()
        if as_json:
            typer.echo(json.dumps(asdict(found)))
            return
        table = Table("", "how many", title=f"{found.status} {found.message}".strip(), title_justify="left")
        for name, states in found.replicas.items():
            table.add_row(name, ", ".join(f"{count} {what.lower()}" for what, count in states.items()))
        Console().print(table)


@app.command()
def down(address: Address = JOINED) -> None:
    """End the application; the Ray cluster goes on."""
    with reporting_errors():
        from fim_lsp.cluster import running

        running.join(address)
        running.stop()


@app.command()
def token(
    owner: Annotated[str, typer.Argument(help="Who is going to have it.", metavar="NAME")],
    to: Annotated[Path, typer.Option(help="File to add its digest to.", metavar="FILE")] = Path("tokens.toml"),
) -> None:
    """Make a token and print it once; the file gets its digest alone."""
    with reporting_errors():
        from fim_lsp.cluster.tokens import add

        typer.echo(add(owner, to))
