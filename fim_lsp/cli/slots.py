"""`fim-lsp slots`: the infiller's low-rank part beside the decoder, one command a step."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import reporting_errors
from fim_lsp.cli.progress import counting
from fim_lsp.errors import InputError

app = typer.Typer(
    help="Make the infiller's weights: rows, train, pack; then `fim-lsp router fit`. See docs/training.md.",
    no_args_is_help=True,
)
TrunkFolder = Annotated[Path, typer.Option(help="The decoder that slots stand beside.", metavar="FOLDER")]
TRUNK, OUT = Path("models/qwen2.5-coder-0.5b"), Path("models/infiller")


@app.command()
def rows(
    texts: Annotated[list[Path], typer.Argument(help="Folders of wheels, npm archives or Debian packages.")],
    out: Annotated[Path, typer.Option(help="Rows are appended to it.", metavar="FILE")],
    count: Annotated[int, typer.Option(help="How many, about one a second.", min=1)] = 4000,
    language: Annotated[list[str], typer.Option(help="Languages, in equal shares.")] = ["python"],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Another one draws other prompts.")] = 1,
    trunk: TrunkFolder = TRUNK,
) -> None:
    """Cut prompts into packages, every fifth left out for judging, and write down what the decoder says to them."""
    from fim_lsp.backends.reader import Reader
    from fim_lsp.lab.slots import rows as made
    from fim_lsp.lab.weights import texts as sources
    from fim_lsp.lab.weights.prompts import Prompts

    with reporting_errors(), counting() as tell:
        packages = [one for one in sources.archives(texts) if not one.is_held_out]
        files = sources.by_language(packages, 40_000_000)
        if missing := [name for name in language if name not in files]:
            raise InputError(f"no {missing[0]} among {len(packages)} packages: give other folders or --language")
        reader = Reader.from_folder(trunk)
        prompts = Prompts(reader.tokenizer, files, dict.fromkeys(language, 1.0), seed)
        for number in made.write(out, made.ask(reader, iter(prompts)), count):
            tell("rows", number, count)


@app.command()
def train(
    rows: Annotated[Path, typer.Argument(help="What `slots rows` wrote.")],
    out: Annotated[Path, typer.Option(help="The trained factors.", metavar="FILE")],
    minutes: Annotated[float, typer.Option(help="How long.", min=0.1)] = 60,
    rate: Annotated[float, typer.Option(help="Learning rate, at its most.")] = 4e-4,
    start: Annotated[Path | None, typer.Option(help="Factors to go on from.", metavar="FILE")] = None,
    trunk: TrunkFolder = TRUNK,
) -> None:
    """Train the low-rank part beside the decoder as it ships; 48 rows are set aside to judge by."""
    import random

    from fim_lsp.lab.slots import rows as made
    from fim_lsp.lab.slots.train import SET_ASIDE, SlotRun, SlotTrainer, end_of

    with reporting_errors():
        if not rows.is_file():
            raise InputError(f"{rows} is not there: make it with `fim-lsp slots rows`")
        held = list(islice(made.read(rows, random.Random(0)), SET_ASIDE))
        seen = {tuple(row.context) for row in held}
        drawn = (row for row in made.read(rows, random.Random(1)) if tuple(row.context) not in seen)
        SlotTrainer(trunk, end_of(trunk), SlotRun(minutes, rate), start).train(drawn, held, out, typer.echo)


@app.command()
def pack(
    trained: Annotated[Path, typer.Argument(help="What `slots train` wrote.")],
    out: Annotated[Path, typer.Option(help="The model folder.", metavar="FOLDER")] = OUT,
    trunk: TrunkFolder = TRUNK,
) -> None:
    """Round the factors to int8 and write the folder that ships."""
    from fim_lsp.lab.slots.pack import pack as write

    with reporting_errors():
        typer.echo(write(trained, trunk, out))
