"""`fim-lsp complete`: one place, or a text with any number of masks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from fim_lsp.cli.base import (
    AsJson,
    BackendName,
    ConfigFile,
    ModelFolder,
    complete_at,
    load,
    record,
    reporting_errors,
    settings,
)

if TYPE_CHECKING:
    from fim_lsp.domain import Outcome


def complete(
    where: Annotated[
        str, typer.Argument(help="FILE:LINE:COL (1-based), or - for text with [MASK] on standard input.")
    ] = "",
    text: Annotated[str, typer.Option(help="Text with any number of [MASK], all of them to be filled.")] = "",
    config: ConfigFile = None,
    model: ModelFolder = "",
    backend: BackendName = "",
    language: Annotated[str, typer.Option(help="Language id; by default from the file's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Complete at one place and print the suggestion where it would stand."""
    with reporting_errors():
        from fim_lsp.cli import cursor
        from fim_lsp.domain import Cancel
        from fim_lsp.languages import DEFAULT

        if where == "-":
            text = cursor.decode(sys.stdin.buffer.read(), "standard input")
        if text.count(cursor.MARK) > 1 or (text and where != "-"):
            segments = cursor.segments(text)
            outcome = load(settings(config, model, backend)).fill(segments, language or DEFAULT, Cancel())
            _show_filled(segments, outcome, as_json)
            return
        is_piped = where == "-"
        snap = cursor.from_text(text, language or DEFAULT) if is_piped else cursor.from_file(where, language)
        completer = load(settings(config, model, backend), Path.cwd())
        outcome = complete_at(completer, snap)
        if as_json:
            typer.echo(json.dumps(record(outcome), ensure_ascii=False))
        else:
            from fim_lsp.cli.terminal import show

            show(Console(), snap, outcome, where if where != "-" else "standard input")


def _show_filled(segments: tuple[str, ...], outcome: Outcome, as_json: bool) -> None:
    from fim_lsp.errors import InputError
    from fim_lsp.pipeline.multi_hole import fill_holes

    if not outcome.suggestions:
        raise InputError(f"nothing was filled in: {outcome.reason}")
    fills = outcome.suggestions[0].fills
    if as_json:
        filled = record(outcome) | {"text": fill_holes(segments, fills), "fills": fills}
        typer.echo(json.dumps(filled, ensure_ascii=False))
    else:
        typer.echo(fill_holes(segments, fills))
