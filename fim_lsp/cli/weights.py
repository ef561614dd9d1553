"""`fim-lsp weights`: from a published base to the weights that ship, one command a step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from fim_lsp.cli.base import AsJson, reporting_errors
from fim_lsp.cli.progress import counting

if TYPE_CHECKING:
    from fim_lsp.lab.weights.recipe import WeightsRecipe

app = typer.Typer(
    help="Make the decoder's weights: base, merge, trim, round, pack; then `fim-lsp router fit`. See docs/training.md.",
    no_args_is_help=True,
)
RecipeFile = Annotated[Path, typer.Option("--recipe", help="What to make.", metavar="FILE")]
WorkFolder = Annotated[Path, typer.Option(help="Folder for what the steps leave each other.", metavar="FOLDER")]
Texts = Annotated[
    list[Path], typer.Option("--texts", help="Folder of wheels, npm archives or Debian packages.", metavar="FOLDER")
]
RECIPE, WORK = Path("models/qwen2.5-coder-0.5b/recipe.toml"), Path(".cache/weights")


def _recipe(path: Path, work: Path) -> WeightsRecipe:
    from fim_lsp.lab.weights.recipe import WeightsRecipe

    return WeightsRecipe.read(path, work)


@app.command()
def base(recipe: RecipeFile = RECIPE, work: WorkFolder = WORK) -> None:
    """Fetch the base's GGUF and unpack it as a transformers folder (one from a hub may be given to `merge` instead)."""
    with reporting_errors(), counting() as tell:
        typer.echo(_recipe(recipe, work).base(tell))


@app.command()
def merge(
    adapter: Annotated[Path, typer.Argument(help="The tuning: adapter.safetensors with low-rank matrices and norms.")],
    base: Annotated[Path | None, typer.Option(help="Another folder of the base.", metavar="FOLDER")] = None,
    recipe: RecipeFile = RECIPE,
    work: WorkFolder = WORK,
) -> None:
    """Fold the tuning into the base."""
    with reporting_errors():
        typer.echo(_recipe(recipe, work).merge(adapter, base))


@app.command()
def trim(
    texts: Texts = [],  # noqa: B006
    kept: Annotated[
        Path | None, typer.Option(help="JSON list of the base's ids, instead of choosing anew.", metavar="FILE")
    ] = None,
    recipe: RecipeFile = RECIPE,
    work: WorkFolder = WORK,
    as_json: AsJson = False,
) -> None:
    """Keep the tokens that code and prose in many languages use, and tell what that costs on other packages."""
    with reporting_errors():
        if kept is not None:
            _recipe(recipe, work).trim_to(kept)
            return
        cost = _recipe(recipe, work).trim(texts)
        _show("more tokens, %", cost, as_json)


@app.command("round")
def round_off(texts: Texts, recipe: RecipeFile = RECIPE, work: WorkFolder = WORK) -> None:
    """Round to 4 and 8 bits on prompts of the decoder's own kind (GPTQ); goes on where it was stopped."""
    with reporting_errors(), counting() as tell:
        _recipe(recipe, work).round(texts, tell)


@app.command()
def pack(
    out: Annotated[Path, typer.Option(help="Folder to write.", metavar="FOLDER")] = Path("models/qwen2.5-coder-0.5b"),
    first_only: Annotated[
        bool, typer.Option("--first-only", help="Leave out the second piece of the vocabulary.")
    ] = False,
    vocabulary_only: Annotated[
        bool, typer.Option("--vocabulary-only", help="Leave the layers' files as they are.")
    ] = False,
    recipe: RecipeFile = RECIPE,
    work: WorkFolder = WORK,
) -> None:
    """Write the rounded weights in the kernels' own layout, in shards."""
    with reporting_errors():
        for path in _recipe(recipe, work).pack(out, first_only, vocabulary_only):
            typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


@app.command()
def judge(texts: Texts, recipe: RecipeFile = RECIPE, work: WorkFolder = WORK, as_json: AsJson = False) -> None:
    """Tell what each rounding costs: loss of the middle's tokens on packages that no step has seen."""
    with reporting_errors():
        _show("loss, nats a token", _recipe(recipe, work).judge(texts), as_json)


def _show(what: str, rows: dict[str, float], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("", what)
    for name, value in rows.items():
        table.add_row(name, f"{value:.3f}")
    Console().print(table)
