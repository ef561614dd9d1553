"""`fim-lsp complete`: one place, or a text with any number of masks."""

from __future__ import annotations

import json
import sys
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
    place: Annotated[
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
        from fim_lsp.cli import places
        from fim_lsp.domain import Cancel
        from fim_lsp.languages import DEFAULT

        if place == "-":
            text = places.decode(sys.stdin.buffer.read(), "standard input")
        if text.count(places.MARK) > 1 or (text and place != "-"):
            segments = places.segments(text)
            outcome = load(settings(config, model, backend)).fill(segments, language or DEFAULT, Cancel())
            _show_filled(segments, outcome, as_json)
            return
        is_piped = place == "-"
        snap = places.from_text(text, language or DEFAULT) if is_piped else places.from_file(place, language)
        completer = load(settings(config, model, backend))
        outcome = complete_at(completer, snap)
        if as_json:
            typer.echo(json.dumps(record(outcome), ensure_ascii=False))
        else:
            from fim_lsp.cli.terminal import show

            show(Console(), snap, outcome, place if place != "-" else "standard input")


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
