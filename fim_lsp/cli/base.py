"""What every command shares: errors told in one line, settings, a loaded completer."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fim_lsp.errors import FimError

if TYPE_CHECKING:
    from fim_lsp.domain import Outcome, Snapshot
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.settings import Resolved

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in TOML (see docs/settings.md).", metavar="FILE")
]
BackendName = Annotated[str, typer.Option("--backend", help="auto, gpt or bert.")]
ModelFolder = Annotated[
    str,
    typer.Option(
        "--model", help="Another model of the backend: a folder, or a name of `fim-lsp models list`.", metavar="N"
    ),
]
DecoderModel = Annotated[
    str,
    typer.Option(
        "--model",
        help="Another decoder, whatever the settings say: a folder, or a name of `fim-lsp models list`.",
        metavar="N",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

EXTRAS = {  # of pyproject.toml: packages that a plain installation lacks; a test holds them to it
    "http": ("starlette", "uvicorn"),
    "cluster": ("limits", "ray"),
    "torch": ("torch", "transformers"),
    "compare": ("jinja2", "matplotlib", "psutil", "rapidfuzz"),
    "gguf": ("gguf",),
    "hub": ("huggingface_hub",),
    "adapt": ("psutil", "rapidfuzz"),
    "lab": ("accelerate", "datasketch", "simpy", "zstandard"),
}


@contextmanager
def reporting_errors(extra: str = "") -> Iterator[None]:
    """Turn our errors, and the lack of an extra's package, into one line and an exit code.

    `extra`: the one that a command needs; without it, the first that has the package.
    """
    try:
        yield
    except FimError as problem:
        typer.secho(f"fim-lsp: {problem}", err=True, fg="red")
        raise typer.Exit(problem.exit_code) from None
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        having = [name for name, packages in EXTRAS.items() if package in packages]
        extra = extra if having and extra else next(iter(having), "")
        if not extra:
            raise
        remedy = f"pip install 'fim-lsp[{extra}]'"
        if getattr(sys, "frozen", False):  # packed into an editor's extension: pip cannot add to it
            remedy = f"the server inside the extension does without; {remedy} into a Python, and run that one's fim-lsp"
        typer.secho(f"fim-lsp: this needs {package}: {remedy}", err=True, fg="red")
        raise typer.Exit(3) from None


def settings(config: Path | None, model: str, backend: str) -> Resolved:
    """Resolve the command line's settings over the file's; problems and notes are warned of."""
    from fim_lsp.settings import read_file, resolve

    patient = {"deadlineMs": 60_000}  # a person at a prompt waits; the editor's user does not
    given: dict[str, Any] = {}
    if model:
        given[backend if backend == "bert" else "gpt"] = {"model": model}
    if backend or model:  # a model that is asked for answers, or says why not
        given["backend"] = backend or "gpt"
    resolved = resolve([("prompt", patient), ("file", read_file(config) if config else {}), ("command line", given)])
    for problem in (*resolved.problems, *resolved.notes):
        warn(problem)
    return resolved


def load(resolved: Resolved, *folders: Path) -> Completer:
    """Return a completer whose model is loaded, with what was learnt of some folders; raises ModelError."""
    from fim_lsp.backends import create
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.routing.tables import read_table

    completer = Completer(resolved.config, create, read_table)
    completer.open(folders)
    began = time.perf_counter()
    with waiting("loading the model"):
        completer.warm_up()
    Console(stderr=True).print(f"[dim]model loaded in {time.perf_counter() - began:.1f} s[/dim]")
    return completer


def complete_at(completer: Completer, snap: Snapshot) -> Outcome:
    from fim_lsp.domain import Cancel

    return completer.complete(snap, Cancel())


def record(outcome: Outcome) -> dict[str, Any]:
    row = asdict(outcome)
    row["text"] = outcome.suggestions[0].text if outcome.suggestions else ""
    return row


def waiting(what: str) -> Any:
    """Return a context in which a spinner turns on standard error."""
    return Console(stderr=True).status(f"{what} …")


def warn(message: str) -> None:
    """Print a warning on standard error."""
    Console(stderr=True).print(f"[yellow]fim-lsp: {message}[/yellow]", highlight=False)


def write(path: Path, text: str) -> None:
    """Write a file as UTF-8; raises InputError."""
    from fim_lsp.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from None
