"""One decoder of a cluster: a model, a decode thread, and what is told of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fim_lsp.cluster.notes import Note, silent
from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.errors import FimError
from fim_lsp.http.decoder import DecodeQueue
from fim_lsp.http.guard import Caller
from fim_lsp.pipeline.completer import Completer

DEFAULTS = {  # of settings: places kept for many typists, 18 MB each, where a person alone keeps three
    "backend": "gpt",
    "gpt": {"cacheMegabytes": 768},
}
MOST_KNOWN, MOST_TREES = 512, 64  # outcomes and documents kept, of all typists of a decoder
STUCK_S = 20.0  # no request takes as long; the thread that decodes does not come back

MakeCompleter = Callable[[Mapping[str, Any]], Completer]


class StuckDecoder(FimError):
    """A decode thread that has been at one request for too long."""


def load(settings: Mapping[str, Any]) -> Completer:
    """Return a completer with its model; raises ModelError, ConfigError."""
    from fim_lsp.backends import create
    from fim_lsp.errors import ConfigError
    from fim_lsp.languages import Trees
    from fim_lsp.pipeline.cache import Cache
    from fim_lsp.routing.tables import read_table
    from fim_lsp.settings import resolve

    resolved = resolve([("cluster", DEFAULTS), ("args", dict(settings))])
    if resolved.problems:
        raise ConfigError(f"settings: {'; '.join(resolved.problems)}")
    completer = Completer(resolved.config, create, read_table)
    completer.cache, completer.trees = Cache(MOST_KNOWN), Trees(MOST_TREES)
    completer.warm_up()
    return completer


class DecoderReplica:
    """Answer snapshots one at a time."""

    def __init__(self, make: MakeCompleter, settings: Mapping[str, Any], cores: int, note: Note = silent):
        os.environ["FIM_LSP_THREADS"] = str(cores)
        self.queue = DecodeQueue(make(settings))
        self.note = note

    async def complete(self, session: str, snap: Snapshot) -> Outcome:
        """Return the outcome, less the text of other files, which has been here only to be read; raises Fault.

        A document is its session's own: what one person was told is not another's to be told again.
        """
        began = time.perf_counter()
        outcome = await self.queue.complete(replace(snap, uri=f"{session}:{snap.uri}"), Caller())
        self.note("fim_lsp_decoder_ms", (time.perf_counter() - began) * 1e3)
        for kind, count in outcome.tokens.items():
            if count:
                self.note("fim_lsp_tokens", count, kind=kind)
        return replace(outcome, snippets=())

    def check_health(self) -> None:
        """Raise StuckDecoder where the decode thread is; Ray then replaces this process."""
        if self.queue.busy_s() > STUCK_S:
            raise StuckDecoder(f"one request has been decoded for more than {STUCK_S:g} s")
