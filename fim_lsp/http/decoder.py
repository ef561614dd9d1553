"""One decode thread for all clients: requests queue for it, and one that nobody waits for any more is cancelled.

client a ──ask────────────────── answer
client b ────ask── leaves ✗              its Cancel is raised: it ends at its next step, or never begins
client c ──────ask┄┄┄waits┄┄┄┄┄────────── answer
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Protocol

from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.errors import ModelError
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Caller
from fim_lsp.http.place import PLAIN
from fim_lsp.pipeline.completer import Completer
from fim_lsp.pipeline.worker import Worker

MOST_WAITING = 64  # more than that, and the last would wait for a minute: better told at once

logger = logging.getLogger(__name__)


class SnapshotDecoder(Protocol):
    """What answers the endpoint's requests, here or elsewhere."""

    async def complete(self, snap: Snapshot, caller: Caller) -> Outcome:
        """Return the outcome; who cancels the wait for it wants none. Raises Fault."""

    def stop(self) -> None:
        """End what is under way: the server goes."""


class DecodeQueue:
    """Run a completer for clients that come and go."""

    def __init__(self, completer: Completer):
        config = completer.config
        completer.configure(replace(config, languages=(*config.languages, PLAIN), trigger="automatic"))
        self.completer = completer
        self.pool = Worker("decode")
        self.cancels: set[Cancel] = set()
        self.began: float | None = None  # time.monotonic() when the request that runs began to

    async def complete(self, snap: Snapshot, caller: Caller) -> Outcome:
        """Return the outcome once it is this request's turn; raises Fault."""
        if len(self.cancels) >= MOST_WAITING:
            raise Fault(503, f"{MOST_WAITING} requests are waiting already")
        cancel = Cancel()
        self.cancels.add(cancel)
        work = self.pool.submit(self._run, snap, cancel)
        work.add_done_callback(lambda _: self.cancels.discard(cancel))
        try:
            return await asyncio.wrap_future(work)
        except ModelError as problem:
            raise Fault(503, str(problem), code="model_unavailable") from None
        except asyncio.CancelledError:
            cancel.raise_for("the client left")
            raise
        except Exception:
            logger.exception("a completion failed")
            raise Fault(500, "the completion failed; the server's log says why") from None

    def busy_s(self) -> float:
        """Return for how long the decode thread has been at one request, 0 where it rests."""
        began = self.began
        return 0.0 if began is None else time.monotonic() - began

    def stop(self) -> None:
        """Cancel everything and let the decode thread end."""
        for cancel in list(self.cancels):
            cancel.raise_for("shutdown")
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, snap: Snapshot, cancel: Cancel) -> Outcome:
        if cancel.is_set():
            return Outcome(reason=cancel.reason)
        self.began = time.monotonic()
        try:
            return self.completer.complete(snap, cancel)
        finally:
            self.began = None
