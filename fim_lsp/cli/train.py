"""`fim-lsp train`: the commands that make the models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from fim_lsp.cli.base import reporting_errors

app = typer.Typer(help="Make the models: train the decoder or the infiller on token shards.", no_args_is_help=True)

Corpus = Annotated[Path, typer.Argument(help="Folder of token shards (fim_lsp/lab/train/shards.py).")]
FromModel = Annotated[
    Path | None,
    typer.Option("--from", help="Model to begin with: a safetensors folder or a GGUF file.", metavar="MODEL"),
]
Out = Annotated[Path, typer.Option(help="Folder of the run: log, checkpoint, plot.")]
LayerChoice = Annotated[
    str, typer.Option("--layers", help="How many of its layers, or which (0,1,2,9); all by default.")
]
Tokens = Annotated[int, typer.Option(help="Stop after so many tokens.", min=0)]
Minutes = Annotated[float, typer.Option(help="Stop after so many minutes.", min=0)]
BatchSize = Annotated[int, typer.Option("--batch", help="Rows a pass.", min=1)]
Accumulate = Annotated[int, typer.Option(help="Passes a step.", min=1)]
Rate = Annotated[float, typer.Option(help="Learning rate at its highest.", min=0)]
Threads = Annotated[int, typer.Option(help="CPU threads; by default as many as other programs leave cores.", min=0)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out from its last checkpoint.")]
Scratch = Annotated[bool, typer.Option("--scratch", help="Take the model's shape and vocabulary, not its weights.")]
Compile = Annotated[bool, typer.Option("--compile/--no-compile", help="Compile the layers first; half a minute.")]


@app.command("corpus")
def make_corpus(
    source: Annotated[
        Path, typer.Argument(help="recipe.toml with pinned packages, a folder of wheels, or a folder of Python files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: shards, texts, manifest.")],
    family: Annotated[str, typer.Option(help="bert: several short holes a row; gpt: one, also a long one.")] = "bert",
    wheels: Annotated[
        list[Path] | None, typer.Option(help="Folder with wheels a recipe names; pip fetches others.")
    ] = None,
    held_out: Annotated[list[str] | None, typer.Option(help="Package kept apart, besides the recipe's.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="JSON lines of holes or tasks no text may hold; always the shipped holes.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="Context of a row; by default 320 (bert) or 500 (gpt).", min=0)] = 0,
    most_holes: Annotated[int, typer.Option("--holes", help="Most holes in a row of the infiller's.", min=1)] = 10,
    epochs: Annotated[int, typer.Option(help="Times each text is cut, each time elsewhere.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Another seed cuts other holes.")] = 1,
    licence: Annotated[str, typer.Option(help="Of a folder of Python files, which says none itself.")] = "",
    start: Annotated[
        Path | None, typer.Option("--for", help="Folder of the model that will read them; the family's own by default.")
    ] = None,
) -> None:
    """Make token shards: permissive licences only, no copies, no generated or vendored files, no benchmark answers."""
    with reporting_errors():
        from fim_lsp.checkpoints.catalogue import find_model
        from fim_lsp.compare.quality import shipped_holes
        from fim_lsp.errors import ConfigError
        from fim_lsp.lab.train import corpus, sources

        if family not in ("bert", "gpt"):
            raise ConfigError(f"--family {family}: give bert or gpt")
        recipe = sources.CorpusRecipe.read(source) if source.suffix == ".toml" else sources.CorpusRecipe()
        kept_apart = recipe.held_out | frozenset(map(sources.normal, held_out or []))
        if source.suffix == ".toml":
            packages = list(sources.find(recipe, wheels or [], out / "wheels"))
        else:
            packages = sources.wheels(source) or [sources.Package(source.name, "", licence, source)]
        settings = corpus.CorpusSettings(tokens=tokens or 320, holes=most_holes, epochs=epochs, seed=seed)
        if family == "gpt":
            settings = corpus.CorpusSettings(tokens or 500, 1, 0.1, epochs, seed, 160, mix=corpus.MIX_GPT)
        with counting() as tell:
            manifest = corpus.collect(packages, kept_apart, [shipped_holes(), *(against or [])], out, tell)
            vocabulary = (start or find_model(family, "")) / "tokenizer.json"
            made = corpus.build(out, vocabulary, settings, manifest, tell)
        counts = f"{made['rows']} rows, {made['tokens']} tokens of {made['files']} files"
        typer.echo(f"{counts} from {len(made['packages'])} packages")


@app.command("bert")
def train_bert(
    corpus: Corpus,
    out: Out,
    source: FromModel = None,
    layers: LayerChoice = "",
    tokens: Tokens = 0,
    minutes: Minutes = 0,
    batch: BatchSize = 8,
    accumulate: Accumulate = 1,
    rate: Rate = 8e-4,
    context: Annotated[int, typer.Option(help="Most tokens of context in a row.")] = 320,
    length: Annotated[int, typer.Option(help="Places of a row, context and canvases.")] = 448,
    threads: Threads = 0,
    resume: Resume = False,
    scratch: Scratch = False,
    compile_layers: Compile = True,
) -> None:
    """Train the masked-span infiller from a decoder's layers, the causal mask off."""
    pace = {"tokens": tokens, "minutes": minutes, "batch": batch, "accumulate": accumulate, "rate": rate}
    _train(
        "bert",
        corpus,
        out,
        source,
        layers,
        (length, context),
        {**pace, "compile": compile_layers, "threads": threads},
        resume,
        scratch,
    )


@app.command("gpt")
def train_gpt(
    corpus: Corpus,
    out: Out,
    source: FromModel = None,
    layers: LayerChoice = "",
    tokens: Tokens = 0,
    minutes: Minutes = 0,
    batch: BatchSize = 8,
    accumulate: Accumulate = 1,
    rate: Rate = 3e-4,
    context_weight: Annotated[float, typer.Option(help="Loss on the context; the middle has 1.", min=0, max=1)] = 0.15,
    length: Annotated[int, typer.Option(help="Places of a row.")] = 516,
    threads: Threads = 0,
    resume: Resume = False,
    scratch: Scratch = False,
    compile_layers: Compile = True,
) -> None:
    """Train the decoder to fill in the middle, suffix first."""
    pace = {"tokens": tokens, "minutes": minutes, "batch": batch, "accumulate": accumulate, "rate": rate}
    pace |= {"compile": compile_layers, "threads": threads}
    _train("gpt", corpus, out, source, layers, (length, 0), pace, resume, scratch, context_weight)


@app.command("export")
def export_run(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or of a model.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    to: Annotated[str, typer.Option(help="packed (int8, as shipped), transformers, or gguf (a decoder's).")] = "packed",
    matrix_type: Annotated[str, typer.Option("--type", help="Of a GGUF's matrices: f16 or q8_0.")] = "f16",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write a run's weights for use, with exact match before and after packing; or a model's, for another program."""
    with reporting_errors():
        from fim_lsp.lab.train import export, packing_cost, runs

        report = export.export(run, to, out, matrix_type)
        if to == "packed" and (run / runs.RECORD).is_file():
            report |= packing_cost.measure(run)
        for key, value in report.items() if not as_json else ():
            typer.echo(f"{key}: {value}")
        if as_json:
            typer.echo(json.dumps(report))


def _train(
    family: str,
    corpus: Path,
    out: Path,
    source: Path | None,
    layers: str,
    lengths: tuple[int, int],
    pace: dict[str, Any],
    resume: bool,
    scratch: bool,
    context_weight: float = 0.0,
) -> None:
    with reporting_errors():
        from fim_lsp.checkpoints.catalogue import find_model
        from fim_lsp.lab.train import gguf_file, loop, plot, runs
        from fim_lsp.lab.train.shards import ShardReader

        if resume:
            record = runs.Record.read(out)
        else:
            start = source or find_model(family, "")
            if start.suffix == ".gguf":
                start = gguf_file.unpack(start, out / "source")
            record = runs.Record(
                family, str(corpus), str(start), scratch, runs.choose(layers, start), *lengths, context_weight,
                loop.LoopSettings(**pace),
            )  # fmt: skip
        with progress() as tell:
            runs.train(record, out, ShardReader(Path(record.corpus)), resume, tell)
        plot.draw(out)
        Console(stderr=True).print(f"[dim]{out / 'curve.svg'}[/dim]")


@contextmanager
def progress() -> Iterator[Callable[..., None]]:
    """Show a bar; yields a function of a line of the log, the share that is done, and maybe whose line it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=1.0)

        def tell(line: dict[str, Any], done: float, whose: str = "") -> None:
            loss = line.get("loss", line.get("validation_loss"))
            said = f"{whose} step {line['step']} · {line['tokens']} tokens · loss {loss}"
            bar.update(task, completed=min(done, 1.0), description=said.strip())

        yield tell


@contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        yield tell
