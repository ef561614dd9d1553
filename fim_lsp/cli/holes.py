"""`fim-lsp holes`: what models are compared on; and the options that name it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fim_lsp.cli.base import load, reporting_errors, settings
from fim_lsp.errors import InputError

if TYPE_CHECKING:
    from fim_lsp.compare.quality import Hole


HoleFile = Annotated[
    Path | None, typer.Option(help="JSON lines of holes; the shipped ones by default.", metavar="FILE")
]
On = Annotated[Path | None, typer.Option(help="Cut holes into this file or folder instead.", metavar="PATH")]
HOLES_OF_A_KIND = 40


def record_holes(
    source: Annotated[Path, typer.Argument(help="A source file, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    per_kind: Annotated[int, typer.Option(help="Holes of each kind.", min=1)] = HOLES_OF_A_KIND,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed cuts other holes.")] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Record the decoder's bare greedy first line too.")] = False,
) -> None:
    """Cut holes into files and record them, for `eval` and `compare`; several_holes is a kind apart."""
    with reporting_errors():
        from fim_lsp.compare import cut
        from fim_lsp.compare.quality import SEVERAL
        from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter

        if unknown := set(kind or []).difference(cut.KINDS, {SEVERAL}):
            raise InputError(f"--kind {', '.join(sorted(unknown))}: there are {', '.join((*cut.KINDS, SEVERAL))}")
        texts = list(cut.read_files(source))
        single = [one for one in kind or cut.KINDS if one != SEVERAL]
        cuts = cut.cut(texts, per_kind, seed, single) if single else []
        cuts += cut.cut_several(texts, per_kind, seed) if SEVERAL in (kind or []) else []
        decoder = load(settings(None, "", "gpt")).router.ready() if bare else None

        def line(hole: Hole) -> str:
            assert decoder is not None
            drafts = next(
                decoder.generate(FimRequest((hole.prefix, hole.suffix), GenerationLimits()), Cancel(), Meter())
            )
            said = [draft.text for draft in drafts]
            return (said[-1] if said else "").lstrip("\n").split("\n")[0]

        cut.write(out, cuts, line if bare else None)
        typer.echo(f"{len(cuts)} holes in {out}")
