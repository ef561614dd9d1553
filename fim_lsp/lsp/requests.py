"""Requests between the event loop and the decode thread: the newest of a document and method wins.

loop    ──r1──────r2───────────────▶ answers r1 empty, r2 with its suggestions
          │        │ supersedes r1
decode    └─ r1 ─✗ └── r2 ─────┘      one thread; r1 sees its Cancel at its next step

A comparison takes seconds: a completion of a newer text does not wait for it, but ends it. What nobody asked for
(lsp/idle.py) is ended by every request that needs a model.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.errors import ModelError
from fim_lsp.lsp.idle import Idle
from fim_lsp.lsp.trace import Trace
from fim_lsp.pipeline import compare_at_cursor
from fim_lsp.pipeline.compare_at_cursor import Comparison
from fim_lsp.pipeline.completer import Completer
from fim_lsp.pipeline.worker import Worker

logger = logging.getLogger(__name__)

COMPARE = "fimLsp/compare"
EXPLAINED_MOST = 64
FAILED = "the completion failed: {!r}; the log says more (--log FILE)"

Answered = TypeVar("Answered")


@dataclass(frozen=True)
class _Running:
    """What is in the decode thread or waits for it."""

    version: int
    cancel: Cancel


class Requests:
    """Run completions one at a time in a thread of their own, and remember what came of them."""

    def __init__(self, completer: Completer, trace: Trace):
        self.completer, self.trace = completer, trace
        self.pool = Worker("decode")
        self.idle = Idle(completer, trace, self.pool)
        self.running: dict[tuple[str, str], _Running] = {}
        self.outcomes: OrderedDict[tuple[str, int], Outcome] = OrderedDict()
        self.last_ms: float | None = None  # from request to answer, of the last one that a model answered
        self.on_busy: Callable[[bool], None] = lambda busy: None

    async def answer(self, method: str, snap: Snapshot, sync_ms: float) -> Outcome:
        """Return the outcome for a snapshot, at once where no model is needed; superseded ones come back empty."""
        cancel = Cancel()
        self.idle.put_off()
        self._supersede(method, snap)
        began = time.perf_counter()
        if known := self.completer.look_up(snap):
            look_up_ms = (time.perf_counter() - began) * 1e3
            self.trace.write(method, snap, known, cancel, sync=sync_ms, look_up=look_up_ms)
            return self._keep(snap, known)
        try:
            outcome = await self._decode(snap, cancel, method, self._run, method, snap, cancel, sync_ms, began)
        except RuntimeError as problem:  # of the thread, not of the work
            outcome = Outcome(reason=FAILED.format(problem))
        return self._keep(snap, outcome)

    async def compare(self, snap: Snapshot) -> Comparison:
        """Return what each family says at a snapshot; a superseded comparison comes back empty."""
        cancel = Cancel()
        self.idle.put_off()
        self._supersede(COMPARE, snap)
        return await self._decode(snap, cancel, COMPARE, compare_at_cursor.compare, self.completer, snap, cancel)

    def explain(self, uri: str, offset: int) -> Outcome | None:
        return self.outcomes.get((uri, offset))

    def close(self, uri: str, why: str = "the document was closed") -> None:
        """Forget a document that was closed, and end what is asked of it."""
        for (running_uri, _), running in self.running.items():
            if running_uri == uri:
                running.cancel.raise_for(why)
        for key in [key for key in self.outcomes if key[0] == uri]:
            del self.outcomes[key]
        self.idle.drop("closed")
        self.pool.submit(self.completer.close, uri)

    def forget(self, uri: str) -> None:
        """Forget a document that others were told of, and what models keep: nobody is to see it from now on."""
        self.close(uri, "the file is excluded")
        self.pool.submit(self.completer.forget)

    def latest(self) -> Outcome | None:
        return next(reversed(self.outcomes.values()), None)

    def stop(self) -> None:
        """Cancel everything and let the decode thread end."""
        self.idle.stop()
        for running in self.running.values():
            running.cancel.raise_for("shutdown")
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _supersede(self, method: str, snap: Snapshot) -> None:
        """Cancel the older of its kind, and a comparison of a text that is no more."""
        older, comparison = self.running.get((snap.uri, method)), self.running.get((snap.uri, COMPARE))
        if older:
            older.cancel.raise_for("superseded")
        if comparison and comparison.version < snap.version:
            comparison.cancel.raise_for("superseded")

    async def _decode(
        self, snap: Snapshot, cancel: Cancel, method: str, work: Callable[..., Answered], *args: Any
    ) -> Answered:
        """Run work(*args) in the decode thread; when the request is cancelled, so is the work."""
        key, running = (snap.uri, method), _Running(snap.version, cancel)
        self.idle.drop("a request came")
        self.running[key] = running
        self.on_busy(True)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work, *args)
        except asyncio.CancelledError:
            cancel.raise_for("cancelled")
            raise
        finally:
            if self.running.get(key) is running:
                del self.running[key]
            if not self.running:
                self.on_busy(False)

    def _run(self, method: str, snap: Snapshot, cancel: Cancel, sync_ms: float, began: float) -> Outcome:
        queued_ms = (time.perf_counter() - began) * 1e3
        outcome = Outcome(reason=cancel.reason)
        try:
            if not cancel.is_set():
                outcome = self.completer.complete(snap, cancel)
        except ModelError as problem:
            outcome = Outcome(reason=str(problem))
        except Exception as problem:
            logger.exception("a completion failed")
            outcome = Outcome(reason=FAILED.format(problem))
        finally:
            self.trace.write(method, snap, outcome, cancel, sync=sync_ms, queued=queued_ms)
        if not cancel.is_set():
            self.last_ms = round((time.perf_counter() - began) * 1e3, 1)
        return outcome

    def _keep(self, snap: Snapshot, outcome: Outcome) -> Outcome:
        key = snap.uri, snap.offset - snap.origin
        self.outcomes[key] = outcome
        self.outcomes.move_to_end(key)
        if len(self.outcomes) > EXPLAINED_MOST:
            self.outcomes.popitem(last=False)
        return outcome
