"""`fim-lsp adapt`: overnight, a low-rank part of the decoder for one repository, kept only where it helped."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fim_lsp.cli.base import ConfigFile, reporting_errors, settings
from fim_lsp.errors import InputError

if TYPE_CHECKING:
    from fim_lsp.checkpoints.adapters import Adapter
    from fim_lsp.lab.adapt.judge import AdapterVerdict
    from fim_lsp.lab.adapt.run import Told


NOTED = {"right_before", "right_after", "holes", "tokens", "seconds", "made"}


def adapt(
    path: Annotated[Path, typer.Argument(help="A repository, as an editor opens it.")] = Path(),
    minutes: Annotated[
        float, typer.Option(help="Of training, waiting not counted; judging comes on top.", min=0.1)
    ] = 45,
    status: Annotated[bool, typer.Option("--status", help="Tell what there is for PATH, and do nothing.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take away what was learnt of PATH.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew where a run was stopped, or one is in use.")
    ] = False,
    regardless: Annotated[
        bool, typer.Option("--regardless", help="Go on also on battery, and while other programs need the processor.")
    ] = False,
    threads: Annotated[int, typer.Option(help="CPU threads; by default what others leave.", min=0)] = 0,
    config: ConfigFile = None,
) -> None:
    """Tune the decoder to a repository, and use that only if files kept apart say it helps (docs/adapt.md).

    It may be stopped by Ctrl-C; the same command goes on. Nothing leaves this machine.
    """
    with reporting_errors("adapt"):
        from fim_lsp.checkpoints import adapters

        if not path.is_dir():
            raise InputError(f"{path} is no folder: give a repository's")
        if status:
            typer.echo(_state(path))
            return
        if remove:
            was_there = adapters.remove(path)
            here = path.resolve()
            typer.echo(f"what was learnt of {here} is removed" if was_there else f"nothing was learnt of {here}")
            return
        run = adapters.folder_of(path) / adapters.RUN
        if again:
            shutil.rmtree(run, ignore_errors=True)
        elif (found := adapters.get(path)) and not run.is_dir():
            typer.echo(f"{described(found)}\n--again learns it anew, --remove takes it away")
            return
        if threads:
            os.environ["FIM_LSP_THREADS"] = str(threads)
        verdict = _run(path, minutes, regardless, threads, config)
    if verdict is None:
        typer.echo(f"stopped; fim-lsp adapt {path} goes on from here")
        raise typer.Exit(130)
    typer.echo(_said(verdict))


def described(adapter: Adapter) -> str:
    """Say of an adapter whose it is and what was measured."""
    notes = adapter.notes
    measured = (
        f"{notes['right_before']} → {notes['right_after']} of {notes['holes']} held-out holes exactly right, "
        f"{notes['tokens']:,} tokens learnt in {notes['seconds'] / 60:.0f} minutes on {notes['made']}"
        if notes.keys() >= NOTED
        else "nothing is noted of what it does"
    )
    return f"{adapter.workspace}: {measured}; {adapter.size / 1e6:.1f} MB in {adapter.folder}"


def _run(path: Path, minutes: float, regardless: bool, threads: int, config: Path | None) -> AdapterVerdict | None:
    from fim_lsp.lab.adapt.run import Adapting, Pace
    from fim_lsp.lab.adapt.watch import give_way

    give_way()
    adapting = Adapting(path, settings(config, "", "").config, Pace(minutes=minutes))
    parted = adapting.parted
    Console(stderr=True).print(
        f"[dim]{len(parted.learnt)} files to learn, {len(parted.checked)} to see when to stop, {len(parted.judging)} "
        f"with {len(adapting.holes)} holes to judge by; Ctrl-C stops, and the same command goes on[/dim]",
        highlight=False,
    )
    with _stoppable() as stop, _bar(stop) as told:
        return adapting.adapt(told, regardless, threads)


def _said(verdict: AdapterVerdict) -> str:
    before, after = verdict.right
    low, high = verdict.surprise_interval
    measured = (
        f"{before} → {after} of {len(verdict.before)} held-out holes exactly right; what stood there became "
        f"{'likelier' if high < 0 else 'no likelier for certain'} ({low:+.3f} to {high:+.3f} nats a token)"
    )
    if verdict.has_helped:
        return f"{measured}\nIt helps, and is used from the server's next start; fimLsp.adapter: off leaves it out"
    return f"{measured}\nIt does not help here, so nothing is kept and completion stays as it was"


def _state(path: Path) -> str:
    from fim_lsp.checkpoints import adapters

    lines = []
    if found := adapters.get(path):
        lines.append(described(found))
    run = adapters.folder_of(path) / adapters.RUN
    if run.is_dir():
        from fim_lsp.lab.adapt.log import log_of

        log = log_of(run)
        at = f"after step {log[-1]['step']}, {log[-1]['seconds'] / 60:.0f} minutes" if log else "before its first step"
        lines.append(f"{path.resolve()}: a run was stopped or goes on, {at}; fim-lsp adapt {path} goes on with it")
    return "\n".join(lines) or f"{path.resolve()}: nothing was learnt; fim-lsp adapt {path} does"


@contextmanager
def _stoppable() -> Iterator[Event]:
    """Yield what Ctrl-C sets, the first time; the second time it ends the program."""
    stop, before = Event(), signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        Console(stderr=True).print("[yellow]stopping after this step; again to leave at once[/yellow]")

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(stop: Event) -> Iterator[Told]:
    from fim_lsp.lab.adapt.run import Told

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("reading", total=1.0, left="")
        began: dict[str, tuple[float, float]] = {}

        def update(what: str, done: float, said: str) -> None:
            at, first = began.setdefault(what, (time.monotonic(), done))
            spent, share = time.monotonic() - at, done - first
            left = f"{spent * (1 - done) / share / 60:.0f} min left" if share > 0 else ""
            bar.update(task, completed=min(done, 1.0), description=said, left=left)

        def step(line: dict[str, Any], done: float) -> None:
            loss = line.get("validation_loss", line.get("loss"))
            update("training", done, f"training · step {line['step']} · {line['tokens']:,} tokens · loss {loss}")

        def judged(what: str, done: int, of: int) -> None:
            update(what, done / of, f"{what} · {done} of {of} holes")

        def waiting(why: str) -> None:
            bar.update(task, description=f"waiting · {why}" if why else "training")

        yield Told(step, judged, waiting, stop)
