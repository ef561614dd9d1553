"""`fim-lsp bench`: the server and its parts on this machine, each benchmark in its own file."""

from __future__ import annotations

import typer

from fim_lsp.cli.bench import cluster, kernels, latency, soak, traces

app = typer.Typer(help="Measure the server and its parts on this machine.", no_args_is_help=True)

app.command("latency")(latency.latency)
app.command("soak")(soak.soak)
app.command("kernels")(kernels.kernels)
app.command("traces")(traces.write_traces)
app.command("typists")(cluster.typists)
app.command("demand")(cluster.demand)
app.command("sizing")(cluster.sizing)
