"""`fim-lsp eval`: first-line match on recorded holes, each language's, those that other files answer; or HumanEval."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from fim_lsp.cli.base import AsJson, ModelFolder, load, reporting_errors, settings, warn
from fim_lsp.cli.holes import HOLES_OF_A_KIND, HoleFile, On
from fim_lsp.errors import InputError

if TYPE_CHECKING:
    from fim_lsp.compare.multi_file import SourceSpan
    from fim_lsp.compare.quality import Hole
    from fim_lsp.domain import Cancel, Outcome, Snapshot
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.settings import Resolved

app = typer.Typer()

Tracked = TypeVar("Tracked")
Cut = TypeVar("Cut", "Hole", "SourceSpan")

HumanEvalFile = Annotated[
    Path | None,
    typer.Option(
        help="Your copy of HumanEval-Infilling, .jsonl or .jsonl.gz: EXECUTES WHAT THE MODEL WROTE.",
        metavar="FILE",
    ),
]
WAYS = ("model", "pipeline")  # to ask for a middle; the first by default
ALL = "all"


@app.command("eval")
def evaluate(
    holes: HoleFile = None,
    limit: Annotated[
        int, typer.Option(help="Only so many holes, spread over the file or drawn always alike; 0 for all.", min=0)
    ] = 0,
    on: On = None,
    language: Annotated[
        str, typer.Option(help="A language's holes; several with commas, or all, for a table.", metavar="NAME")
    ] = "",
    multi_file: Annotated[
        bool, typer.Option("--multi-file", help="Holes that other files answer, with and without these files.")
    ] = False,
    wheels: Annotated[
        Path | None, typer.Option(help="With --multi-file: where its wheels lie; pip fetches others.", metavar="FOLDER")
    ] = None,
    no_workspace: Annotated[
        bool, typer.Option("--no-workspace", help="With --multi-file: only without the other files.")
    ] = False,
    humaneval: HumanEvalFile = None,
    ask: Annotated[
        str, typer.Option(help="With --humaneval: model, the decoder alone (the default), or pipeline.", metavar="WAY")
    ] = "",
    kind: Annotated[str, typer.Option(help="Only holes of this kind, rest_of_line say.")] = "",
    within_words: Annotated[
        bool, typer.Option("--within-words", help="Ask a few letters further, where a word was begun.")
    ] = False,
    model: ModelFolder = "",
    backend: Annotated[str, typer.Option("--backend", help="auto, gpt or bert.")] = "gpt",
    as_json: AsJson = False,
) -> None:
    """Measure first-line match and cold latency of the whole pipeline on recorded holes.

    With --humaneval, measure whether programs work instead: this EXECUTES WHAT THE MODEL WROTE on this machine.
    """
    with reporting_errors():
        if ask and (humaneval is None or ask not in WAYS):
            raise InputError(f"--ask {ask}: it goes with --humaneval and is one of {', '.join(WAYS)}")
        if (wheels or no_workspace) and not multi_file:
            raise InputError("--wheels and --no-workspace go with --multi-file")
        if sum(map(bool, (holes, on, language, multi_file, humaneval))) > 1:
            raise InputError("one of --holes, --on, --language, --multi-file and --humaneval is measured at a time")
        if within_words and (multi_file or humaneval or language == ALL or "," in language):
            raise InputError("--within-words goes with --holes, --on or one --language")
        resolved = settings(None, model, backend)
        if humaneval is not None:
            _evaluate_humaneval(humaneval, ask or WAYS[0], limit, resolved, as_json)
        elif multi_file:
            _evaluate_multi_file(wheels, no_workspace, kind, limit, resolved, as_json)
        elif language == ALL or "," in language:
            _evaluate_languages(language, kind, limit, resolved, as_json)
        else:
            chosen = _draw(_holes(holes, on, language), kind, limit)
            _evaluate_holes(_within_words(chosen) if within_words else chosen, resolved, as_json)


def _holes(holes: Path | None, on: Path | None, language: str) -> list[Hole]:
    from fim_lsp.compare import cut, languages, quality

    if on:
        return cut.cut(cut.read_files(on), HOLES_OF_A_KIND, seed=0)
    return languages.holes_of(language) if language else quality.read_holes(holes)


def _draw(some: Sequence[Cut], kind: str, limit: int) -> list[Cut]:
    chosen = [one for one in some if not kind or one.kind == kind]
    if not chosen:
        raise InputError(f"no hole of the kind {kind}: there are {', '.join(sorted({one.kind for one in some}))}")
    return chosen[:: max(1, len(chosen) // limit)][:limit] if limit else chosen


def _within_words(holes: Sequence[Hole]) -> list[Hole]:
    from fim_lsp.compare import quality

    found = [cut for hole in holes if (cut := quality.within_word(hole))]
    if not found:
        raise InputError("--within-words: no hole has a word of two letters")
    return found


def _evaluate_holes(holes: Sequence[Hole], resolved: Resolved, as_json: bool) -> None:
    from fim_lsp.checkpoints.catalogue import find_model
    from fim_lsp.checkpoints.tokenizer import Tokenizer
    from fim_lsp.compare import quality, report

    scores = list(_counted(quality.run(holes, _cold(load(resolved))), len(holes)))
    vocabulary = Tokenizer.from_folder(find_model("gpt", ""))
    rows = quality.summarise(scores, lambda text: len(vocabulary.encode(text)))
    _tell(rows, report.show_scores, as_json)


def _evaluate_languages(named: str, kind: str, limit: int, resolved: Resolved, as_json: bool) -> None:
    from fim_lsp.compare import languages, quality, report

    names = languages.measured() if named == ALL else named.split(",")
    chosen = {name: _draw(languages.holes_of(name), kind, limit) for name in names}
    complete = _cold(load(resolved))
    scores = _counted(
        ((name, score) for name, some in chosen.items() for score in quality.run(some, complete)),
        sum(map(len, chosen.values())),
    )
    of: dict[str, list[quality.Score]] = {name: [] for name in chosen}
    for name, score in scores:
        of[name].append(score)
    _tell(languages.summarise(of), report.show_languages, as_json)


def _evaluate_multi_file(
    wheels: Path | None, no_workspace: bool, kind: str, limit: int, resolved: Resolved, as_json: bool
) -> None:
    import platformdirs

    from fim_lsp.compare import multi_file, quality, report
    from fim_lsp.compare.wheels import unpack

    cache = platformdirs.user_cache_path("fim-lsp") / "wheels"
    recipe = multi_file.read()
    spans = _draw(recipe.spans, kind, limit)
    completer = load(resolved)
    opened = multi_file.opened(recipe, spans, lambda wheel: unpack(wheel, wheels, cache))
    if no_workspace:
        scores = list(_counted(quality.run((one.hole for one in opened), _cold(completer)), len(spans)))
        _tell(quality.summarise(scores), report.show_scores, as_json)
    else:
        pairs = list(_counted(multi_file.ask(opened, _cold(completer), completer.work_in), len(spans)))
        _tell(multi_file.summarise(pairs), report.show_pairs, as_json)


def _evaluate_humaneval(file: Path, way: str, limit: int, resolved: Resolved, as_json: bool) -> None:
    from fim_lsp.compare import report
    from fim_lsp.lab.bench import humaneval

    tasks = humaneval.read(file)
    chosen = humaneval.draw(tasks, limit)
    humaneval.check_harness(chosen[0])
    completer = load(resolved)
    warn("what the model writes is executed on this machine, under limits that stop accidents, not malice")
    ask = humaneval.ask_model(completer.router.ready()) if way == "model" else humaneval.ask_pipeline(_cold(completer))
    rows = humaneval.summarise(list(_counted(humaneval.run(chosen, ask), len(chosen))))
    if as_json:
        typer.echo(json.dumps({"ask": way, "backend": resolved.config.backend, "of": len(tasks), "subsets": rows}))
    else:
        report.show_passes(Console(), rows, f"asked: {way} · {len(chosen)} of {len(tasks)} tasks")


def _cold(completer: Completer) -> Callable[[Snapshot, Cancel], Outcome]:
    def complete(snap: Snapshot, cancel: Cancel) -> Outcome:
        completer.forget()
        return completer.complete(snap, cancel)

    return complete


def _counted(some: Iterable[Tracked], total: int) -> Iterable[Tracked]:
    from rich.progress import track

    return track(some, "completing", total, console=Console(stderr=True))


def _tell(rows: Any, show: Callable[[Console, Any], None], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        show(Console(), rows)
