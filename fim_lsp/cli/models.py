"""`fim-lsp models`: other decoders than the shipped one, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from fim_lsp.cli.base import AsJson, ConfigFile, reporting_errors, waiting, warn
from fim_lsp.cli.progress import counting
from fim_lsp.errors import InputError, ModelMismatch

app = typer.Typer(help="Decoders by name: the shipped one, and those you add (docs/models.md).", no_args_is_help=True)
ShelfName = Annotated[str, typer.Argument(help="A name of `fim-lsp models list`.", metavar="NAME")]
UNKNOWN = (
    "format not recognised: the vocabulary has no sentinels that are known, "
    "so only what stands before the cursor is read"
)
TRY_8 = "; in 4 bits a small model loses too much, try --bits 8"
LINES = (  # how each editor is told
    ("fim-lsp serve", "--model {name}"),
    ("--config FILE", 'gpt.model = "{name}"'),
    ("VS Code, settings.json", '"fimLsp.gpt.model": "{name}"'),
    ("Neovim", 'require("fim_lsp").setup{{ settings = {{ gpt = {{ model = "{name}" }} }} }}'),
    ("Emacs", '(setq fim-lsp-settings \'(:gpt (:model "{name}")))'),
    ("another LSP editor", 'initializationOptions: {{"gpt": {{"model": "{name}"}}}}'),
)


@app.command("list")
def list_models(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the decoders that are here: name, architecture, size on disk, bits, format, context."""
    with reporting_errors():
        from fim_lsp.checkpoints import adapters
        from fim_lsp.cli.adapt import described
        from fim_lsp.cli.described import every

        rows = every(_chosen(config))
        if as_json:
            typer.echo(json.dumps([row._asdict() for row in rows], ensure_ascii=False))
            return
        table = Table("")
        table.add_column("name", no_wrap=True)
        for column in ("architecture", "on disk", "bits", "format", "context"):
            table.add_column(column)
        for row in rows:
            mark = "•" if row.is_used else ""
            table.add_row(mark, row.name, row.architecture, _mb(row.size), row.bits, row.format, str(row.context or ""))
        Console().print(table)
        of = f"as {config} says" if config else "where an editor's settings name no other"
        typer.echo(f"•: in use, {of}")
        for adapter in adapters.every():
            typer.echo(f"adapted to {described(adapter)}")


@app.command()
def info(name: ShelfName, as_json: AsJson = False) -> None:
    """Tell all of one model, and measure it here for a moment."""
    with reporting_errors():
        from fim_lsp.backends.hole_test import speed
        from fim_lsp.backends.reader import Reader
        from fim_lsp.cli.described import one

        row = one(name)
        found: dict[str, Any] = row._asdict()
        del found["is_used"], found["is_shipped"]
        if row.context:
            with waiting("measuring"):
                reader = Reader.from_folder(Path(row.folder))
                read, decoded = speed(reader)
            found |= {"ms a token read": round(read, 2), "ms a token decoded": round(decoded, 2)}
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
            return
        for key in ("size", "memory"):
            found[key] = _mb(found[key])
        for key, value in found.items():
            typer.echo(f"{key}: {value or 'not stated'}")


@app.command()
def add(
    what: Annotated[
        str, typer.Argument(help="A safetensors folder, a .gguf file, or OWNER/NAME of a hub.", metavar="WHAT")
    ],
    name: Annotated[str, typer.Option(help="What to call it; by default after what it was.", metavar="N")] = "",
    bits: Annotated[int, typer.Option(help="Of the layers' weights: 8 or 4.", min=4, max=8)] = 8,
    force: Annotated[bool, typer.Option("--force", help="Keep it also where it fills no hole of the test.")] = False,
) -> None:
    """Take a decoder in, once: read layer by layer into the layout that is mapped, tried, and noted."""
    with reporting_errors():
        from fim_lsp.checkpoints import adding, shelf

        if bits not in (4, 8):
            raise InputError(f"--bits {bits}: there are 8 and 4")
        called = name or shelf.name_from(Path(what.rstrip("/\\")).name.removesuffix(".gguf"))
        adding.refuse_taken(called)
        path = _found(what)
        source = str(path) if Path(what).expanduser().exists() else what

        def check(folder: Path) -> dict[str, Any]:
            try:
                return _tried(folder)
            except ModelMismatch as problem:
                if not force:
                    raise ModelMismatch(f"{problem}{TRY_8 if bits == 4 else ''}") from None
                warn(f"{problem}; kept because of --force")
                return {"holes": "failed"}

        with counting() as tell:
            model = adding.add(path, called, bits, tell, check, {"source": source})
        typer.echo(f"{model.name}: {_mb(model.size)} in {model.folder}; holes filled: {model.notes.raw['holes']}")
        if (said := model.notes.raw.get("format")) == UNKNOWN:
            warn(said)
        typer.echo(f"fim-lsp models use {model.name} tells how an editor takes it")


@app.command()
def use(name: ShelfName) -> None:
    """Print the line that makes each editor use a model."""
    with reporting_errors():
        from fim_lsp.cli.described import one

        row = one(name)
        if row.is_shipped:
            said = "gpt.model is empty" if row.context else "backend is bert"
            typer.echo(f"{row.name} is shipped: it completes where fimLsp.{said}")
            return
        for where, line in LINES:
            typer.echo(f"{where + ':':24}{line.format(name=row.name)}")


@app.command()
def remove(name: ShelfName, yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False) -> None:
    """Take a model that was added away from the disk."""
    with reporting_errors():
        from fim_lsp.checkpoints import shelf

        model = shelf.get(name)
        if not yes:
            typer.confirm(f"Remove {model.name}, {_mb(model.size)} in {model.folder}?", abort=True)
        shelf.remove(name)
        typer.echo(f"{name} is removed")


@app.command()
def verify(name: ShelfName) -> None:
    """Hold a model against its checksums and its configuration, and have it fill holes that any model fills."""
    with reporting_errors():
        from fim_lsp.checkpoints import adding, shelf
        from fim_lsp.cli.described import one

        row = one(name)
        folder = Path(row.folder)
        if not row.is_shipped:
            with waiting("reading the files"):
                shelf.intact(shelf.get(name))
            typer.echo("files: as they were written")
        elif not row.context:
            raise InputError(f"{name} is no decoder of its own: fim-lsp complete --backend bert tries it")
        adding.sound(folder)
        typer.echo("shapes and tokenizer: as config.json says")
        with waiting("filling holes"):
            noted = _tried(folder, is_new=False)
        typer.echo(f"holes filled: {noted['holes']}")
        typer.echo(f"format: {noted['format']}")


def _found(what: str) -> Path:
    """Return the folder or file that is meant, fetched if it is a repository; raises InputError, ModelError."""
    from fim_lsp.cli import hub

    path = Path(what).expanduser()
    if path.is_dir() or path.is_file():
        if path.is_file() and path.suffix.lower() != ".gguf":
            raise InputError(f"{path} is neither a folder of safetensors nor a .gguf file")
        return path.resolve()
    if hub.REPOSITORY.fullmatch(what) and path.suffix.lower() != ".gguf":
        return hub.fetch(what)
    raise InputError(f"{what} is not there: give a folder, a .gguf file, or OWNER/NAME of a hub")


def _tried(folder: Path, is_new: bool = True) -> dict[str, Any]:
    """Have a model fill the holes and return what to note; a new one takes the order it fills most in.

    Raises ModelMismatch where nothing sensible comes.
    """
    from fim_lsp.backends.hole_test import HoleTest
    from fim_lsp.backends.reader import Reader

    reader = Reader.from_folder(folder)
    test, order = HoleTest.of(reader), reader.format.order
    is_known = order != "prefix-only"
    best = test.best(order)
    if not test.right[best]:
        said = " ".join(repr(one) for one in test.answers[best])
        raise ModelMismatch(
            f"it fills none of the holes that any model for code fills ({test}); it said {said}"
            + ("" if is_known else f"; {UNKNOWN}")
        )
    if is_new and is_known and best != order:
        _write_order(folder, reader, best)
    used = best if is_new else order
    return {"holes": str(test), "format": used if is_known else UNKNOWN}


def _write_order(folder: Path, reader: Any, order: str) -> None:
    from fim_lsp.checkpoints.config import read_raw_config
    from fim_lsp.checkpoints.formats import SIZES, recognised

    raw = read_raw_config(folder)
    marks = recognised(reader.tokenizer.sentinel)
    names = {"prefix": marks.prefix, "suffix": marks.suffix, "middle": marks.middle} if marks else {}
    raw["fim"] = {**SIZES, **names, **raw.get("fim", {}), "order": order}
    (folder / "config.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")


def _chosen(config: Path | None) -> str:
    from fim_lsp.cli.base import settings

    return settings(config, "", "").config.gpt_model


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
