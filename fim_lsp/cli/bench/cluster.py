"""`fim-lsp bench typists | demand | sizing`: how many people one decoder serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fim_lsp.cli.base import reporting_errors, write
from fim_lsp.cli.bench.shared import reporting_progress

DemandFile = Annotated[
    Path | None,
    typer.Option("--demand", help="What `fim-lsp bench demand` recorded; ours by default.", metavar="FILE"),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures here.", metavar="FILE")]


def typists(
    url: Annotated[str, typer.Argument(help="An endpoint, as http://127.0.0.1:8000.", metavar="URL")],
    token: Annotated[str, typer.Option(help="Its token.", envvar="FIM_LSP_TOKEN")],
    typists: Annotated[list[int], typer.Option(help="So many people at once; several times.", min=1)] = [1],  # noqa: B006
    seconds: Annotated[float, typer.Option(help="How long they type.", min=1)] = 60.0,
    json_file: JsonFile = None,
) -> None:
    """Let recorded people type before an endpoint, and tell what they waited for."""
    with reporting_errors(), reporting_progress() as tell:
        from fim_lsp.lab.bench.latency.traces import read
        from fim_lsp.lab.cluster.crowd import measure

        traces, rows = read(), []
        for count in typists:
            tell(f"{count} people type")
            rows.append(measure(traces, url, token, count, seconds))
        _show(rows)
        if json_file:
            write(json_file, json.dumps(rows))


def demand(
    out: Annotated[Path, typer.Option(help="File to write.", metavar="FILE")],
    limit: Annotated[int, typer.Option(help="Only the first so many traces; 0 for all.", min=0)] = 8,
) -> None:
    """Record what one typist asks of one core: eight traces take about ten minutes."""
    with reporting_errors(), reporting_progress() as tell:
        from fim_lsp.lab.bench.latency.traces import read
        from fim_lsp.lab.cluster import demand

        write(out, demand.dump(demand.record(read()[: limit or None], tell)))


def sizing(
    demands: DemandFile = None,
    typists: Annotated[list[int], typer.Option(help="So many people at once; several times.", min=1)] = [10_000],  # noqa: B006
    decoders: Annotated[list[int], typer.Option(help="Before so many decoders; as often.", min=1)] = [1_000],  # noqa: B006
    seconds: Annotated[float, typer.Option(help="How long they type.", min=1)] = 60.0,
    overhead: Annotated[float, typer.Option(help="Milliseconds of network, proxy and gateway.", min=0)] = 12.0,
    slowness: Annotated[float, typer.Option(help="Of a core beside the one recorded: 2 is half as fast.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Draws who types what, and at which decoder.")] = 0,
    json_file: JsonFile = None,
) -> None:
    """Simulate people before decoders, from what was recorded."""
    with reporting_errors(), reporting_progress() as tell:
        from fim_lsp.errors import InputError
        from fim_lsp.lab.cluster.demand import read
        from fim_lsp.lab.cluster.simulate import Scene, World

        if len(typists) != len(decoders):
            raise InputError("--typists and --decoders go in pairs: give both as often")
        known, rows = read(demands), []
        for many, served in zip(typists, decoders, strict=True):
            tell(f"{many} people before {served} decoders")
            rows.append(World(Scene(many, served, seconds, overhead, slowness, seed), known).run())
        _show(rows)
        if json_file:
            write(json_file, json.dumps(rows))


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(
        "typists", "decoders", "asks", "answered", "busy", "shareable", "p50 ms", "p95 ms", "p95 of all", "failures"
    )
    for row in rows:
        ms, estimated = row["answered_ms"], row.get("estimated_ms", {})
        cells = [
            row["typists"],
            row.get("decoders", ""),
            row["asks"],
            row["answered"],
            row.get("busy", ""),
            row.get("shareable", ""),
        ]
        cells += [ms.get("p50"), ms.get("p95"), estimated.get("p95", ""), len(row.get("failures", []))]
        table.add_row(*(f"{one:,.1f}" if isinstance(one, float) and one > 2 else str(one) for one in cells))
    Console().print(table)
