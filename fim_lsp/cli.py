"""The command line: parse, call, print."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from fim_lsp import __version__, cli_controlled, cli_train
from fim_lsp.errors import ConfigError, FimError

if TYPE_CHECKING:
    from fim_lsp.config import Resolved
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
app.command("attention")(cli_controlled.attention)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in TOML (see docs/settings.md).", metavar="FILE")
]
ModelFolder = Annotated[
    str, typer.Option("--model", help="Folder of another model of the backend; the shipped one by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
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
        from fim_lsp.config import read_file
        from fim_lsp.lsp.server import serve as run

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
            outcome = _load(_settings(config, model, backend)).fill(segments, language or "python", Cancel())
            _show_filled(segments, outcome, as_json)
            return
        is_piped = place == "-"
        snap = places.from_text(text, language or "python") if is_piped else places.from_file(place, language)
        resolved = _settings(config, model, backend)
        completer = _load(resolved)
        outcome = _complete(completer, snap)
        if as_json:
            typer.echo(json.dumps(_record(outcome), ensure_ascii=False))
        else:
            from fim_lsp.terminal import show

            show(Console(), snap, outcome, place if place != "-" else "standard input")
            if (
                completer.router.choose()[0] not in (resolved.config.backend, "auto")
                and resolved.config.backend != "auto"
            ):
                _warn(completer.router.choose()[1])


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

        completer = _load(_settings(None, model, ""))
        console = Console(record=svg is not None)
        for title, snap in read_samples():
            outcome = _complete(completer, snap)
            if as_json:
                typer.echo(json.dumps({"sample": title, **_record(outcome)}, ensure_ascii=False))
            else:
                show(console, snap, outcome, title)
        if svg is not None:
            save_svg(console, svg)


@app.command("eval")
def evaluate(
    holes: Annotated[Path | None, typer.Option(help="JSON lines of holes; the shipped ones by default.")] = None,
    limit: Annotated[int, typer.Option(help="Only so many holes, spread over the file; 0 for all.", min=0)] = 0,
    on: Annotated[Path | None, typer.Option(help="Cut holes into this file or folder instead.")] = None,
    model: ModelFolder = "",
    backend: BackendName = "gpt",
    as_json: AsJson = False,
) -> None:
    """Measure exact match and cold latency of the whole pipeline on recorded holes."""
    with told():
        from rich.progress import track
        from rich.table import Table

        from fim_lsp.bench import cut, quality

        completer = _load(_settings(None, model, backend))
        chosen = cut.cut(cut.read_files(on), 40, seed=0) if on else quality.read_holes(holes)
        chosen = chosen[:: max(1, len(chosen) // limit)][:limit] if limit else chosen
        console = Console(stderr=True)

        def cold(snap: Snapshot, cancel: Any) -> Outcome:
            completer.forget()
            return completer.complete(snap, cancel)

        scores = list(track(quality.run(chosen, cold), "completing", len(chosen), console=console))
        vocabulary = _vocabulary()
        rows = quality.summarise(scores, lambda text: len(vocabulary.encode(text)))
        if as_json:
            typer.echo(json.dumps(rows))
            return
        table = Table("kind", "n", "exact match %", "bare first line %", "answered %", "p50 ms", "p95 ms")
        for kind, row in rows.items():
            cells = ("—" if row[key] is None else f"{row[key]:.1f}" for key in list(row)[1:])
            table.add_row(kind, f"{row['n']:.0f}", *cells)
        Console().print(table)


@app.command()
def compare(
    holes: Annotated[Path | None, typer.Option(help="JSON lines of holes; the shipped ones by default.")] = None,
    on: Annotated[Path | None, typer.Option(help="Cut holes into this file or folder instead.")] = None,
    model: Annotated[
        list[str], typer.Option(help="A contender: gpt, bert, gpt=FOLDER or bert=FOLDER; may be given several times.")
    ] = ["gpt", "bert"],  # noqa: B006
    limit: Annotated[int, typer.Option(help="Only so many holes, drawn over all kinds; 0 for all.", min=0)] = 200,
    seed: Annotated[int, typer.Option(help="Draws the holes, the turns and the intervals.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here.", metavar="FILE")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with pictures here.", metavar="FILE")
    ] = None,
    older: Annotated[
        Path | None, typer.Option("--compare-to", help="An earlier --json, to tell the change.", metavar="FILE")
    ] = None,
) -> None:
    """Compare BERT against GPT on the same holes: quality, latency, memory, and what becomes of the claims."""
    with told():
        from rich.progress import Progress

        from fim_lsp.bench import compare as comparison
        from fim_lsp.bench import cut, page, quality, report

        before = comparison.read(older) if older else None
        recorded = cut.cut(cut.read_files(on), 60, seed) if on else quality.read_holes(holes)
        chosen = comparison.draw(recorded, limit, seed)
        with _waiting("loading the models"):
            contenders = comparison.contend(model)
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("comparing", total=len(chosen))
            result = comparison.compare(chosen, contenders, seed, lambda: progress.advance(task))
        report.show(Console(), result)
        if before is not None:
            report.show_change(Console(), comparison.against(result, before))
        if json_file is not None:
            _write(json_file, json.dumps(result))
        if html_file is not None:
            _write(html_file, page.render(result))


def _write(path: Path, text: str) -> None:
    from fim_lsp.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from None


@app.command("holes")
def record_holes(
    place: Annotated[Path, typer.Argument(help="A Python file, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    per_kind: Annotated[int, typer.Option(help="Holes of each kind.", min=1)] = 40,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed cuts other holes.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Record the decoder's bare greedy first line too.")] = False,
) -> None:
    """Cut holes into files and record them, for `eval` and `compare`."""
    with told():
        from fim_lsp.bench import cut
        from fim_lsp.domain import Cancel, FimRequest, Meter, Plan

        if unknown := set(kind or []).difference(cut.KINDS):
            raise ConfigError(f"--kind {', '.join(sorted(unknown))}: there are {', '.join(cut.KINDS)}")
        holes = cut.cut(cut.read_files(place), per_kind, seed, kind or cut.KINDS)
        decoder = _load(_settings(None, "", "gpt")).router.pick()[0] if bare else None

        def line(hole: Any) -> str:
            assert decoder is not None
            drafts = next(decoder.generate(FimRequest((hole.prefix, hole.suffix), Plan()), Cancel(), Meter()))
            said = [draft.text for draft in drafts]
            return (said[-1] if said else "").lstrip("\n").split("\n")[0]

        cut.write(out, holes, line if bare else None)
        typer.echo(f"{len(holes)} holes in {out}")


@app.command()
def doctor(
    config: ConfigFile = None,
    model: ModelFolder = "",
    as_json: AsJson = False,
) -> None:
    """Check versions, processor, model and settings, and time one completion."""
    with told():
        from fim_lsp.doctor import examine

        with _waiting("examining"):
            findings = examine(_settings(config, model, ""))
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


def _settings(config: Path | None, model: str, backend: str) -> Resolved:
    from fim_lsp.config import read_file, resolve

    given: dict[str, Any] = {"deadlineMs": 60_000}  # a person at a prompt waits; the editor's user does not
    if model:
        given[backend if backend == "bert" else "gpt"] = {"model": model}
    if backend:
        given["backend"] = backend
    resolved = resolve([("command line", given), ("file", read_file(config) if config else {})])
    for problem in resolved.problems:
        _warn(problem)
    return resolved


def _vocabulary() -> Any:
    from fim_lsp.backends.models import models_folder
    from fim_lsp.nn.tokenizer import Tokenizer

    return Tokenizer.from_folder(models_folder() / "gpt")


def _load(resolved: Resolved) -> Completer:
    from fim_lsp.backends import create
    from fim_lsp.pipeline.completer import Completer

    completer = Completer(resolved.config, create)
    began = time.perf_counter()
    with _waiting("loading the model"):
        completer.warm_up()
    Console(stderr=True).print(f"[dim]model loaded in {time.perf_counter() - began:.1f} s[/dim]")
    return completer


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


def _waiting(what: str) -> Any:
    return Console(stderr=True).status(f"{what} …")


def _warn(message: str) -> None:
    Console(stderr=True).print(f"[yellow]fim-lsp: {message}[/yellow]", highlight=False)


@contextmanager
def told() -> Iterator[None]:
    """Turn our errors into one line and an exit code."""
    try:
        yield
    except FimError as problem:
        typer.secho(f"fim-lsp: {problem}", err=True, fg="red")
        raise typer.Exit(problem.exit_code) from None


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
