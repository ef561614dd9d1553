"""The endpoint of http/ before decoders that are elsewhere."""

from __future__ import annotations

from typing import Any

from fim_lsp.cluster.notes import Note
from fim_lsp.cluster.plan import EntryRules
from fim_lsp.cluster.rate import RateGate
from fim_lsp.http.app import make_app
from fim_lsp.http.decoder import SnapshotDecoder
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Caller, GuardRules
from fim_lsp.http.tokens import TokenBook


class Entrance:
    """Let in who has a token and does not ask too often; its rules are changed while it stands."""

    def __init__(self, entry: EntryRules, note: Note):
        self.note = note
        self.change(entry)

    def change(self, entry: EntryRules) -> None:
        """Take new rules; counting begins anew. Raises ConfigError, and then the old ones stand."""
        self.gate = RateGate(entry.rate, entry.storage)
        self.rules = GuardRules(TokenBook(entry.tokens), entry.hosts, self._admit)

    def app(self, decoder: SnapshotDecoder) -> Any:
        return make_app(decoder, lambda: self.rules)

    async def _admit(self, caller: Caller) -> Fault | None:
        fault = await self.gate.admit(caller)
        if fault:
            self.note("fim_lsp_refused", why=fault.code or "")
        return fault
