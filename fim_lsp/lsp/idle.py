"""What the decode thread does while nobody waits, and how soon it stops when somebody does.

answer ─┬─ 30 ms ─▶ look ahead: the place after accepting it ──▶ the cache of suggestions
open ───┼─ 30 ms ─▶ parse, which a large file takes long for
edit ───┼─ 30 ms ─▶ warm: keys and values of the place ─────────▶ what the request there begins with
silence ┴─ 30 min ▶ unload: the models' memory is given back, until the next request

A request that needs a model ends either at its next step or chunk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.errors import ModelError
from fim_lsp.lsp.trace import Trace
from fim_lsp.pipeline import look_ahead
from fim_lsp.pipeline.completer import Completer

logger = logging.getLogger(__name__)

LOOK_AHEAD, READ, WARM = "fimLsp/lookAhead", "fimLsp/read", "fimLsp/warm"  # methods in the trace
REST_S = 0.03  # the request that belongs to an edit comes sooner
MINUTE_S = 60.0

IdleTask = Callable[..., Outcome]  # of completer, snapshot, and cancel=


class Idle:
    """At most one piece of work that nobody asked for; used on the event loop."""

    def __init__(self, completer: Completer, trace: Trace, pool: Executor):
        self.completer, self.trace, self.pool = completer, trace, pool
        self.task: tuple[str, str, int, str] | None = None  # what is worked on or soon will be
        self.cancel = Cancel()
        self.timer: asyncio.TimerHandle | None = None
        self.unload_timer: asyncio.TimerHandle | None = None
        self.is_stopped = False
        self.on_unloaded: Callable[[str], None] = lambda reason: None

    def look_ahead(self, snap: Snapshot, outcome: Outcome) -> None:
        """Answer soon what other keys ask for, and what accepting the first suggestion does."""
        if outcome.suggestions or outcome.backend:
            then = look_ahead.accepted(snap, outcome.suggestions[0]) if outcome.suggestions else snap
            self._soon(LOOK_AHEAD, partial(look_ahead.ahead, outcome=outcome), snap, then)

    def read(self, snap: Snapshot) -> None:
        """Parse soon what was just opened."""
        self._soon(READ, look_ahead.read, snap, snap)

    def warm(self, snap: Snapshot) -> None:
        """Read soon what a request at a place would read."""
        self._soon(WARM, look_ahead.warm, snap, snap)

    def drop(self, reason: str) -> None:
        """End whatever is going on or waits its turn."""
        if self.timer:
            self.timer.cancel()
        self.cancel.raise_for(reason)
        self.task = None

    def put_off(self) -> None:
        """Count the minutes to unloading from now on."""
        if self.unload_timer:
            self.unload_timer.cancel()
        if minutes := self.completer.config.idle_unload_minutes:
            self.unload_timer = asyncio.get_running_loop().call_later(minutes * MINUTE_S, self._unload, minutes)

    def stop(self) -> None:
        """Begin nothing more."""
        self.is_stopped = True
        self.drop("shutdown")
        if self.unload_timer:
            self.unload_timer.cancel()

    def _soon(self, method: str, work: IdleTask, snap: Snapshot, then: Snapshot) -> None:
        task = (method, then.uri, then.offset, then.text)
        if task == self.task or self.is_stopped or not self.completer.config.look_ahead:
            return  # what is typed along a suggestion leads to the place that is being looked at already
        self.drop("superseded")
        self.task, self.cancel = task, Cancel()
        self.timer = asyncio.get_running_loop().call_later(REST_S, self._begin, method, work, snap, self.cancel)

    def _begin(self, method: str, work: IdleTask, snap: Snapshot, cancel: Cancel) -> None:
        done = asyncio.get_running_loop().run_in_executor(self.pool, self._run, method, work, snap, cancel)
        done.add_done_callback(lambda _: self._end(cancel))

    def _end(self, cancel: Cancel) -> None:
        if self.cancel is cancel:
            self.task = None  # done: another key along the same suggestion has other keys beside it

    def _run(self, method: str, work: IdleTask, snap: Snapshot, cancel: Cancel) -> None:
        """Do the work (decode thread); what goes wrong will go wrong again where somebody is told."""
        began, outcome = time.perf_counter(), Outcome(reason=cancel.reason)
        try:
            if not cancel.is_set():
                outcome = work(self.completer, snap, cancel=cancel)
        except ModelError as problem:
            outcome = Outcome(reason=str(problem))
        except Exception:
            logger.exception("%s failed", method)
        self.trace.write(method, snap, outcome, cancel, spent=(time.perf_counter() - began) * 1e3)

    def _unload(self, minutes: int) -> None:
        self.drop("unloaded")
        why = f"unloaded after {minutes} min without a request; the next one loads the model again"
        done = asyncio.get_running_loop().run_in_executor(self.pool, self.completer.unload)
        done.add_done_callback(lambda unloaded: self.on_unloaded(why) if unloaded.result() else None)
