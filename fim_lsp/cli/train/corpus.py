"""`fim-lsp train corpus`: the rows that a model is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import reporting_errors
from fim_lsp.cli.progress import counting


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
