"""The command line: parse, call, print."""

from __future__ import annotations

import gc
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fim_lsp import __version__, cli_bench, cli_controlled, cli_engine, cli_router, cli_train, cli_weights
from fim_lsp.cli_base import AsJson, ModelFolder, load, settings, told, waiting

if TYPE_CHECKING:
    from fim_lsp.domain import Outcome, Snapshot
    from fim_lsp.pipeline.completer import Completer

app = typer.Typer(
    help="Code completion that fills in the middle, on your own machine, offline.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

cli_train.app.command("controlled")(cli_controlled.train)
cli_train.app.command("export-controlled")(cli_controlled.export)
app.add_typer(cli_train.app, name="train")
app.add_typer(cli_weights.app, name="weights")
app.add_typer(cli_bench.app)
app.add_typer(cli_engine.app, name="bench")
app.add_typer(cli_router.app, name="router")
app.command("attention")(cli_controlled.attention)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in TOML (see docs/settings.md).", metavar="FILE")
]
BackendName = Annotated[str, typer.Option("--backend", help="auto, gpt or bert.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fim-lsp {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Code completion that fills in the middle, on your own machine, offline."""


@app.command()
def serve(
    config: ConfigFile = None,
    log: Annotated[Path | None, typer.Option(help="Write a log here.", metavar="FILE")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write a JSON line per request here.", metavar="FILE")] = None,
    trace_text: Annotated[bool, typer.Option(help="Put source text into the trace too.")] = False,
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak over standard input and output (always so).")] = True,
) -> None:
    """Run the language server over standard input and output."""
    with told():
        gc.disable()  # thousands of protocol types are made, none is garbage: a tenth of a second
        from fim_lsp.lsp.server import serve as run
        from fim_lsp.settings import read_file

        gc.enable()
        gc.freeze()
        _log_to(log)
        run(read_file(config) if config else {}, trace, trace_text)


@app.command()
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
    with told():
        from fim_lsp import places
        from fim_lsp.domain import Cancel

        if place == "-":
            text = places.decode(sys.stdin.buffer.read(), "standard input")
        if text.count(places.MARK) > 1 or (text and place != "-"):
            segments = places.segments(text)
            outcome = load(settings(config, model, backend)).fill(segments, language or "python", Cancel())
            _show_filled(segments, outcome, as_json)
            return
        is_piped = place == "-"
        snap = places.from_text(text, language or "python") if is_piped else places.from_file(place, language)
        completer = load(settings(config, model, backend))
        outcome = _complete(completer, snap)
        if as_json:
            typer.echo(json.dumps(_record(outcome), ensure_ascii=False))
        else:
            from fim_lsp.terminal import show

            show(Console(), snap, outcome, place if place != "-" else "standard input")


@app.command()
def demo(
    model: ModelFolder = "",
    svg: Annotated[Path | None, typer.Option(help="Save what is shown as a picture.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Complete several holes of the shipped sample files and show the ghost text with its timings."""
    with told():
        from fim_lsp.samples import read_samples
        from fim_lsp.terminal import save_svg, show

        completer = load(settings(None, model, ""))
        console = Console(record=svg is not None)
        for title, snap in read_samples():
            outcome = _complete(completer, snap)
            if as_json:
                typer.echo(json.dumps({"sample": title, **_record(outcome)}, ensure_ascii=False))
            else:
                show(console, snap, outcome, title)
        if svg is not None:
            save_svg(console, svg)


@app.command()
def doctor(
    config: ConfigFile = None,
    model: ModelFolder = "",
    as_json: AsJson = False,
) -> None:
    """Check versions, processor, model and settings, and time one completion."""
    with told():
        from fim_lsp.doctor import examine

        with waiting("examining"):
            findings = examine(settings(config, model, ""))
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


def _complete(completer: Completer, snap: Snapshot) -> Outcome:
    from fim_lsp.domain import Cancel

    return completer.complete(snap, Cancel())


def _record(outcome: Outcome) -> dict[str, Any]:
    record = asdict(outcome)
    record["text"] = outcome.suggestions[0].text if outcome.suggestions else ""
    return record


def _show_filled(segments: tuple[str, ...], outcome: Outcome, as_json: bool) -> None:
    from fim_lsp.errors import InputError
    from fim_lsp.pipeline.joint import weave

    if not outcome.suggestions:
        raise InputError(f"nothing was filled in: {outcome.reason}")
    fills = outcome.suggestions[0].fills
    if as_json:
        record = _record(outcome) | {"text": weave(segments, fills), "fills": fills}
        typer.echo(json.dumps(record, ensure_ascii=False))
    else:
        typer.echo(weave(segments, fills))


def _log_to(path: Path | None) -> None:
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
