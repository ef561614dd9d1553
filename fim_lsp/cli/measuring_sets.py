"""`fim-lsp train language-holes | multi-file-holes`: cut the holes that ship, from packages no model was tuned on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fim_lsp.cli.base import reporting_errors, write

TunedOn = Annotated[
    list[Path], typer.Option("--tuned-on", help="TOML with a [data] table of packages to leave out.", metavar="FILE")
]
Seed = Annotated[int, typer.Option(help="Another seed cuts other holes.")]


def by_language(
    folders: Annotated[list[Path], typer.Argument(help="Folders of wheels, npm's and Debian's archives.")],
    out: Annotated[Path, typer.Option(help="Folder to write: a packed file a language, and packages.toml.")],
    tuned_on: TunedOn,
    language: Annotated[list[str] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    seed: Seed = 19,
) -> None:
    """Cut holes in every language that the packages hold: permissive licences only."""
    with reporting_errors():
        from fim_lsp.lab.holes import by_language as sets
        from fim_lsp.languages import DEFAULT, LANGUAGES

        wanted = language or [name for name in LANGUAGES if name != DEFAULT]
        made = sets.cut_sets(folders, wanted, sets.tuned_on(tuned_on), seed)
        sets.write(made, out)
        typer.echo(
            "\n".join(f"{name}: {len(one.holes)} holes, {len(one.packages)} packages" for name, one in made.items())
        )


def multi_file(
    wheels: Annotated[Path, typer.Argument(help="Folder of wheels.")],
    out: Annotated[Path, typer.Option(help="JSON to write.")],
    tuned_on: TunedOn,
    seed: Seed = 19,
) -> None:
    """Cut holes whose answer names what another file of the wheel defines: permissive licences only."""
    with reporting_errors():
        from fim_lsp.lab.holes import by_language as sets
        from fim_lsp.lab.holes import multi_file as across

        recipe = across.cut(list(wheels.glob("*.whl")), sets.tuned_on(tuned_on), seed)
        write(out, recipe.dump())
        typer.echo(f"{len(recipe.spans)} holes in {len(recipe.wheels)} packages")
