"""`fim-lsp train bert` and `gpt`: one run each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fim_lsp.cli.base import reporting_errors
from fim_lsp.cli.progress import progress

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
    _train("bert", **locals())


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
    _train("gpt", **locals())


def _train(
    family: str,
    *,
    corpus: Path,
    out: Path,
    source: Path | None,
    layers: str,
    length: int,
    context: int = 0,
    context_weight: float = 0.0,
    compile_layers: bool,
    resume: bool,
    scratch: bool,
    **pace: Any,
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
                family, str(corpus), str(start), scratch, runs.choose(layers, start), length, context, context_weight,
                loop.LoopSettings(compile=compile_layers, **pace),
            )  # fmt: skip
        with progress() as tell:
            runs.train(record, out, ShardReader(Path(record.corpus)), resume, tell)
        plot.draw(out)
        Console(stderr=True).print(f"[dim]{out / 'curve.svg'}[/dim]")
