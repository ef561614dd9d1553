"""What `fim-lsp serve` does over standard input and output, without the command line's libraries.

first suggestion ◀── weights, tokenizer, one run: in a thread of their own, from the start
initialize ◀──────── the protocol's types: in the main one, meanwhile
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fim_lsp.errors import ConfigError, FimError


def speak_at_once(words: Sequence[str]) -> None:
    """Serve as an editor's command asks; return where there is something to say that the command line says.

    Making that takes two tenths of a second, which nobody who completes has use for.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in ("--config", "--log", "--trace"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--trace-text", action="store_true")
    parser.add_argument("--stdio", action="store_true")
    try:
        given, unknown = parser.parse_known_args(words)
        if not unknown:
            speak(given.config, given.model, given.log, given.trace, given.trace_text)
    except (argparse.ArgumentError, FimError):
        return


def speak(config: Path | None, model: str, log: Path | None, trace: Path | None, trace_text: bool) -> None:
    """Run the language server until its client leaves; raises ConfigError."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads wait for work by turning round, on every core
    gc.disable()  # thousands of protocol types are made, none is garbage: a tenth of a second
    from fim_lsp.backends import create
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.routing.tables import read_table
    from fim_lsp.settings import read_file, resolve

    log_to(log)
    file, flags = read_file(config) if config else {}, model_setting(model)
    completer = Completer(resolve([("file", file), ("command line", flags)]).config, create, read_table)
    completer.router.begin()
    try:
        from fim_lsp.lsp.server import serve
        from fim_lsp.lsp.settings import ServerSettings

        gc.enable()
        gc.freeze()
        serve(completer, ServerSettings(file, flags), trace, trace_text)
    finally:  # where it fails: an interpreter that ends under a thread that computes takes the process with it
        completer.router.loader.join()


def model_setting(model: str) -> dict[str, Any]:
    """Return the setting that names a decoder, none where none is named."""
    return {"gpt": {"model": model}} if model else {}


def log_to(path: Path | None) -> None:
    """Send all logging to a file, or nowhere: standard error belongs to the editor."""
    if path is None:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    try:
        logging.basicConfig(filename=path, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    except OSError as problem:
        raise ConfigError(f"--log {path}: cannot be written: {problem}") from None
    logging.getLogger("pygls").setLevel(logging.WARNING)  # at INFO it writes every message, and with it the source
