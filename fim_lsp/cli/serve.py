"""`fim-lsp serve`: the language server over standard input and output, or completions over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import ConfigFile, DecoderModel, load, reporting_errors, warn
from fim_lsp.cli.speaking import log_to, model_setting, speak

LOCAL = "127.0.0.1"


def serve(
    config: ConfigFile = None,
    model: DecoderModel = "",
    log: Annotated[Path | None, typer.Option(help="Write a log here.", metavar="FILE")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write a JSON line per request here.", metavar="FILE")] = None,
    trace_text: Annotated[bool, typer.Option(help="Put source text into the trace too.")] = False,
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Speak over standard input and output (so without --http).")
    ] = True,
    http: Annotated[
        int | None,
        typer.Option(help="Serve completions over HTTP at this port instead; 0: any free one.", min=0, max=65535),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at, with --http.")] = LOCAL,
    token: Annotated[
        str, typer.Option(help="What HTTP clients must know; one is made where none is given.", envvar="FIM_LSP_TOKEN")
    ] = "",
) -> None:
    """Run the language server over standard input and output, or serve completions over HTTP."""
    with reporting_errors():
        if http is not None:
            _serve_http(http, host, token, config, model, log, is_traced=bool(trace or trace_text))
            return
        speak(config, model, log, trace, trace_text)


def _serve_http(
    port: int, host: str, token: str, config: Path | None, model: str, log: Path | None, is_traced: bool
) -> None:
    from fim_lsp.errors import ConfigError
    from fim_lsp.http.serving import listen, serve
    from fim_lsp.settings import read_file, resolve

    if is_traced:
        raise ConfigError("--trace and --trace-text are the language server's; with --http there is --log")
    log_to(log)
    listener = listen(host, port)
    resolved = resolve([("file", read_file(config) if config else {}), ("command line", model_setting(model))])
    for problem in resolved.problems:
        warn(problem)
    serve(load(resolved), listener, host, token, say=lambda line: typer.echo(f"fim-lsp: {line}"))
