"""Bars on standard error while long work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


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
