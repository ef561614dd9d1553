"""`fim-lsp index`: what the server keeps of a folder, and what of it would be shown at a place."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fim_lsp.cli.base import AsJson, ConfigFile, reporting_errors, settings, waiting
from fim_lsp.errors import InputError

if TYPE_CHECKING:  # every command imports this file
    from fim_lsp.settings import Config


def index(
    path: Annotated[Path, typer.Argument(help="A folder, as an editor would open it.")] = Path(),
    at: Annotated[str, typer.Option(help="Show what the model is shown there of other files.", metavar="PLACE")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring the index of a folder up to date and tell what it holds; --at FILE:LINE:COL tells what is taken of it."""
    with reporting_errors():
        if not path.is_dir():
            raise InputError(f"{path} is no folder")
        root = path.resolve()
        chosen = settings(config, "", "").config
        found = _update(root, chosen)
        if at:
            found["snippets"] = _snippets(root, at, chosen)
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
            return
        typer.echo(f"{found['files']} files, {found['definitions']} definitions, {found['read']} files read", nl=False)
        typer.echo(f" in {found['seconds']} s; {found['kilobytes']} kB in {found['file']}")
        for one in found.get("snippets", ()):
            typer.echo(f"\n{one['path']}  ({one['why']})\n{one['text']}")


def describe(root: Path) -> dict[str, Any]:
    """Say what is kept of a folder."""
    from fim_lsp.context.index.store import Store, kept_in

    if not (file := kept_in(root)).is_file():
        return {"file": str(file), "remedy": "not indexed yet: open the folder in an editor, or `fim-lsp index`"}
    store = Store(file)
    files, definitions = store.counts()
    store.close()
    size = sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
    return {"file": str(file), "files": files, "definitions": definitions, "kilobytes": size >> 10}


def _update(root: Path, config: Config) -> dict[str, Any]:
    from fim_lsp.context.index.build import update
    from fim_lsp.context.index.store import Store, kept_in

    began, store = time.perf_counter(), Store(kept_in(root))
    with waiting("indexing"):
        *_, (_, read) = update(root, store, config.workspace_most_files, config.exclude)
    store.close()
    return describe(root) | {"read": read, "seconds": round(time.perf_counter() - began, 2)}


def _snippets(root: Path, at: str, config: Config) -> list[dict[str, Any]]:
    from dataclasses import asdict, replace

    from fim_lsp import languages
    from fim_lsp.cli import cursor
    from fim_lsp.context.index import Workspace
    from fim_lsp.context.snippets import Snippets
    from fim_lsp.domain import path_within

    snap = cursor.from_file(at)
    snap = replace(snap, path=path_within(Path(at.rsplit(":", 2)[0]).resolve(), [root]))
    site = languages.describe(snap, languages.Trees().tree(snap, languages.get(snap.language)))
    return [asdict(snippet) for snippet in Snippets(Workspace.of(root, patterns=config.exclude)).choose(snap, site)]
