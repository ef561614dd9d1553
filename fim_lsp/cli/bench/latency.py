"""`fim-lsp bench latency`: what the server costs a person who types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, write
from fim_lsp.cli.bench.shared import q8_weights, reporting_progress

GREEDY = {"samplers": ["top_k"], "top_k": 1}


def latency(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
    svg_file: Annotated[
        Path | None, typer.Option("--svg", help="Write a picture of the latencies here.", metavar="FILE")
    ] = None,
    limit: Annotated[int, typer.Option(help="Only the first so many traces; 0 for all.", min=0)] = 8,
    speed: Annotated[float, typer.Option(help="Type so many times faster than the traces say.", min=0.1)] = 1.0,
    traces: Annotated[
        Path | None, typer.Option(help="JSON lines of editing traces; the shipped ones by default.", metavar="FILE")
    ] = None,
    backend: Annotated[str, typer.Option(help="gpt, for the same weights as llama-server's; or auto, bert.")] = "gpt",
    threads: Annotated[int, typer.Option(help="CPU threads of either; 0 for one a core.", min=0)] = 0,
    llama_server: Annotated[
        Path | None, typer.Option(help="The llama-server to compare with; by default the one on PATH.", metavar="PATH")
    ] = None,
    gguf: Annotated[
        Path | None, typer.Option(help="Weights for it; by default ours are written as Q8_0, once.", metavar="FILE")
    ] = None,
    llama_args: Annotated[str, typer.Option(help="More flags for llama-server, in one string.")] = "",
    llama_greedy: Annotated[
        bool, typer.Option("--llama-greedy", help="Have it decode greedily, not sample as llama.vim has it.")
    ] = False,
    alone: Annotated[bool, typer.Option("--alone", help="Measure fim-lsp without llama-server.")] = False,
) -> None:
    """Replay editing traces through the server, and through llama-server with the same weights: keystroke to answer."""
    with reporting_errors():
        import shlex

        from fim_lsp.lab.bench.latency import llama_server as peer
        from fim_lsp.lab.bench.latency import lsp_server, run, show
        from fim_lsp.lab.bench.latency.traces import read
        from fim_lsp.nn.native.library import threads as cores

        chosen = read(traces)
        chosen = chosen[: limit or len(chosen)]
        threads = threads or cores()
        server = None if alone else peer.find_server(llama_server)
        make_llama_editor = None
        if server is not None:
            found, weights, flags = server, gguf or q8_weights(), shlex.split(llama_args)

            def make_llama_editor() -> peer.LlamaEditor:
                return peer.launch(found, weights, threads, flags, GREEDY if llama_greedy else {})

        settings = {"backend": backend}
        with reporting_progress() as tell:
            report = run.run(
                chosen, lambda file: lsp_server.served(file, settings, threads), make_llama_editor, threads, speed, tell
            )
        report |= {"backend": backend, "llama": {"flags": llama_args, "greedy": llama_greedy}}
        show.show(Console(), report, is_missing=server is None and not alone)
        if json_file is not None:
            write(json_file, json.dumps(report))
        if svg_file is not None:
            write(svg_file, show.draw(report))
