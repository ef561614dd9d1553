"""`fim-lsp serve`: the language server over standard input and output."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import ConfigFile, reporting_errors


def serve(
    config: ConfigFile = None,
    log: Annotated[Path | None, typer.Option(help="Write a log here.", metavar="FILE")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write a JSON line per request here.", metavar="FILE")] = None,
    trace_text: Annotated[bool, typer.Option(help="Put source text into the trace too.")] = False,
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak over standard input and output (always so).")] = True,
) -> None:
    """Run the language server over standard input and output."""
    with reporting_errors():
        gc.disable()  # thousands of protocol types are made, none is garbage: a tenth of a second
        from fim_lsp.lsp.server import serve as run
        from fim_lsp.settings import read_file

        gc.enable()
        gc.freeze()
        log_to(log)
        run(read_file(config) if config else {}, trace, trace_text)


def log_to(path: Path | None) -> None:
    """Send all logging to a file, or nowhere: standard error belongs to the editor."""
    from fim_lsp.errors import ConfigError

    if path is None:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    try:
        logging.basicConfig(filename=path, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    except OSError as problem:
        raise ConfigError(f"--log {path}: cannot be written: {problem}") from None
    logging.getLogger("pygls").setLevel(logging.WARNING)  # at INFO it writes every message, and with it the source
