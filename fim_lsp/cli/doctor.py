"""`fim-lsp doctor`: what runs here, what was found, and one timed completion."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import typer

from fim_lsp import __version__
from fim_lsp.cli import index
from fim_lsp.cli.base import AsJson, ConfigFile, ModelFolder, reporting_errors, waiting
from fim_lsp.cli.base import settings as resolve_settings
from fim_lsp.errors import FimError

if TYPE_CHECKING:
    from fim_lsp.settings import Resolved

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "pygls",
    "lsprotocol",
    "tree-sitter",
)


@runtime_checkable
class Paced(Protocol):
    """A reader of prompts that says what this machine's measured pace comes to."""

    def pace(self, deadline_ms: int) -> Mapping[str, float]: ...


SAMPLE = "".join(
    f"def scaled_{n}(value):\n    return value * {n}\n\n\n" for n in range(12)
)  # long enough to time reading
SAMPLE += "def area(width, height):\n    return \n"


def examine(resolved: Resolved) -> dict[str, Any]:
    """Return the findings; `ok` is False when no completion could be made."""
    from fim_lsp import machine
    from fim_lsp.languages import wheels
    from fim_lsp.settings import settings

    findings: dict[str, Any] = {
        "fim-lsp": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in (*PACKAGES, *wheels())},
        "cpu": machine.describe(),
        "engine": _engine(),
        "settings": {
            setting.key: {"value": getattr(resolved.config, name), "source": resolved.sources[setting.key]}
            for name, setting in settings()
        },
        "workspace": index.describe(Path.cwd()),
        "adapter": _adapter(resolved),
        "problems": list(resolved.problems),
        "notes": list(resolved.notes),
    }
    findings["model"], findings["completion"], findings["ok"] = _complete(resolved)
    return findings


def _complete(resolved: Resolved) -> tuple[Mapping[str, Any], Mapping[str, Any], bool]:
    from fim_lsp.backends import create
    from fim_lsp.checkpoints.catalogue import find_model
    from fim_lsp.domain import Cancel, Snapshot
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.routing.tables import read_table

    model: dict[str, Any] = {}
    try:
        folder: Path = find_model("gpt", resolved.config.gpt_model)
        model["folder"] = str(folder)
        model["size_mb"] = round(sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) / 1e6, 1)
        began = time.perf_counter()
        completer = Completer(resolved.config, create, read_table)
        completer.open([Path.cwd()])
        completer.warm_up()
        model["load_s"] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()
        outcome = completer.complete(Snapshot("doctor:", 0, "python", SAMPLE, len(SAMPLE) - 1, manual=True), Cancel())
        spent = round((time.perf_counter() - began) * 1e3, 1)
        backend = completer.router.ready()
        model["adapted to"] = completer.router.adapted_to(backend) or "nothing"
        if isinstance(reader := getattr(backend, "reader", None), Paced):
            model["pace"] = reader.pace(resolved.config.deadline_ms)
    except FimError as problem:
        return {**model, "problem": str(problem)}, {}, False
    shown = [suggestion.text for suggestion in outcome.suggestions]
    timed = {"text": shown, "reason": outcome.reason, "ms": spent, "timings": dict(outcome.timings)}
    return model, timed, True


def _adapter(resolved: Resolved) -> str:
    """Say what was learnt of the folder this runs in, and whether it is used."""
    from fim_lsp.checkpoints import adapters
    from fim_lsp.cli.adapt import described
    from fim_lsp.routing.router import adapter_of

    here = Path.cwd()
    if found := adapter_of(resolved.config, [here]):
        return described(found)
    if found := adapters.get(here):
        why = "fimLsp.adapter is off" if resolved.config.adapter == "off" else "it was made for other weights"
        return f"not used, for {why}: {described(found)}"
    return "none for this folder (docs/adapt.md)"


def _engine() -> dict[str, Any]:
    """Say what computes: compiled kernels, or torch and how to get them."""
    from fim_lsp.nn.native import library

    if kernels := library.chosen():
        others = [name for name in library.kernels() if name != kernels]
        asked = os.environ.get(library.CHOICE) == kernels
        why = f"{library.CHOICE} asks for them" if asked else "the quickest of those that this processor runs"
        return {"kernels": kernels, "why": why, "others": others, "threads": library.threads()}
    remedy = f"unset {library.CHOICE}" if library.kernels() else "with a C compiler: python -m fim_lsp.nn.native.build"
    return {"kernels": "torch", "remedy": remedy}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def doctor(
    config: ConfigFile = None,
    model: ModelFolder = "",
    as_json: AsJson = False,
) -> None:
    """Check versions, processor, model and settings, and time one completion."""
    with reporting_errors():
        with waiting("examining"):
            findings = examine(resolve_settings(config, model, ""))
        if as_json:
            typer.echo(json.dumps(findings, ensure_ascii=False))
        else:
            for name, value in findings.items():
                if isinstance(value, dict):
                    typer.echo(f"{name}:")
                    for key, inner in value.items():
                        typer.echo(f"  {key}: {_plain(inner)}")
                else:
                    typer.echo(f"{name}: {_plain(value)}")
        if not findings["ok"]:
            raise typer.Exit(3)


def _plain(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"value", "source"}:
        return f"{value['value']!r} ({value['source']})"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
