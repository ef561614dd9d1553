"""`fim-lsp bench`: what the server costs a person who types."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors, waiting, write

app = typer.Typer(help="Measure the server and its parts on this machine.", no_args_is_help=True)

GREEDY = {"samplers": ["top_k"], "top_k": 1}


@app.command()
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
            found, weights, flags = server, gguf or _weights(), shlex.split(llama_args)

            def make_llama_editor() -> peer.LlamaEditor:
                return peer.launch(found, weights, threads, flags, GREEDY if llama_greedy else {})

        settings = {"backend": backend}
        with _reporting_progress() as tell:
            report = run.run(
                chosen, lambda file: lsp_server.served(file, settings, threads), make_llama_editor, threads, speed, tell
            )
        report |= {"backend": backend, "llama": {"flags": llama_args, "greedy": llama_greedy}}
        show.show(Console(), report, is_missing=server is None and not alone)
        if json_file is not None:
            write(json_file, json.dumps(report))
        if svg_file is not None:
            write(svg_file, show.draw(report))


@app.command()
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
        files = gguf or ([_weights()] if found else [])
        with _reporting_progress() as tell:
            report = bench.measure(find_model("gpt", str(model or "")), files if found else [], found, rounds, tell)
        bench.show(Console(), report)
        if json_file is not None:
            write(json_file, json.dumps(report))


@app.command("traces")
def write_traces(
    out: Annotated[Path, typer.Option(help="JSON lines to write.", metavar="FILE")],
    count: Annotated[int, typer.Option(help="How many traces.", min=1)] = 24,
    seed: Annotated[int, typer.Option(help="Another seed writes other traces.")] = 0,
) -> None:
    """Write editing traces for `latency`, typed into files put together from the shipped holes' surroundings."""
    with reporting_errors():
        from fim_lsp.lab.bench.latency import traces, writer

        write(out, traces.dump(writer.write(count, seed)))
        typer.echo(f"{count} traces in {out}")


def _weights() -> Path:
    """Return the shipped decoder as a Q8_0 GGUF, written into the user's cache the first time; raises FimError."""
    import platformdirs

    from fim_lsp.checkpoints.catalogue import find_model
    from fim_lsp.errors import InputError

    source = find_model("gpt", "")
    folder = platformdirs.user_cache_path("fim-lsp") / f"gpt-q8_0-{_fingerprint(source)}"
    file = folder / "model.gguf"
    if not file.is_file():
        fresh = folder.with_name(folder.name + ".new")
        try:
            from fim_lsp.lab.train import export

            with waiting(f"writing {file}"):
                made = export.export(source, "gguf", fresh, matrix_type="q8_0")
        except ImportError as missing:
            command = f"fim-lsp train export {source} --to gguf --type q8_0 --out FOLDER"
            raise InputError(
                f"llama-server needs our weights as GGUF, and to write it {missing.name} is missing: "
                f"pip install 'fim-lsp[lab]', or run `{command}` where it is and give --gguf FOLDER/model.gguf"
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        Path(made["file"]).replace(file)
        fresh.rmdir()
    return file


def _fingerprint(folder: Path) -> str:
    """Return a name that changes when a model's files do."""
    import hashlib

    files = sorted(path for path in folder.iterdir() if path.is_file())
    listing = "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:8]


@contextmanager
def _reporting_progress() -> Iterator[Any]:
    """Yield a function that shows what is being done."""
    with waiting("measuring") as status:
        yield lambda what: status.update(f"{what} …")
