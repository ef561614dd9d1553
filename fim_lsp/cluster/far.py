"""Decoders elsewhere, as the endpoint sees them: asked again where one is lost, and answered empty before nobody is.

decoder 1  ──ask──▶ ✗ killed
decoder 2            └─ask again──▶ outcome         a second loss, or patience at its end: an empty outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fim_lsp.cluster.notes import Note
from fim_lsp.cluster.session import session_key
from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.http.guard import Caller

TRIES = 2  # a request that ends a decoder itself should not end them all


class ReplicaLost(Exception):
    """A decoder ended before it answered."""


class FarDecoder:
    """Send snapshots to the decoder of their session; `send` raises ReplicaLost or Fault."""

    def __init__(self, send: Callable[[str, Snapshot], Awaitable[Outcome]], patience_s: float, note: Note):
        self.send, self.patience_s, self.note = send, patience_s, note

    async def complete(self, snap: Snapshot, caller: Caller) -> Outcome:
        """Return the outcome, an empty one where no decoder gave any in time; raises Fault."""
        try:
            async with asyncio.timeout(self.patience_s):
                outcome = await self._insist(session_key(snap, caller), snap)
        except TimeoutError:
            outcome = Outcome(reason=f"no decoder answered within {self.patience_s:g} s")
            self.note("fim_lsp_given_up", why="patience")
        return outcome

    async def _insist(self, key: str, snap: Snapshot) -> Outcome:
        for _ in range(TRIES):
            try:
                return await self.send(key, snap)
            except ReplicaLost:
                self.note("fim_lsp_lost")
        self.note("fim_lsp_given_up", why="lost")
        return Outcome(reason="the decoder was lost while it answered, and so was the next")

    def stop(self) -> None:
        """Decoders live on."""
