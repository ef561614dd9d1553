"""Decoders without weights for the replicas of a cluster; Ray imports this in their processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config


class Journaling(FakeBackend):
    """Say one's process id and a text, and write down what begins and how it ends."""

    def __init__(self, journal: Path, said: str, step_s: float):
        super().__init__(f"{os.getpid()} + {said}", step_s=step_s)
        self.journal = journal

    def _drafts(self, text: str, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Suggestion]:
        self._write("begins", request)
        for draft in super()._drafts(text, request, cancel, meter):
            if draft.finish == "cancelled":
                self._write("cancelled", request)
            yield draft
        self._write("ends", request)

    def _write(self, what: str, request: FimRequest) -> None:
        with self.journal.open("a", encoding="utf-8") as file:  # one short line: written as a whole
            file.write(f"{os.getpid()} {what} {request.segments[0].strip()}\n")


def journaling(settings: Mapping[str, Any]) -> Completer:
    """Make a completer of {"journal": path, "said": text, "step_s": seconds}."""
    backend = Journaling(Path(settings["journal"]), settings["said"], settings["step_s"])
    completer = Completer(Config(backend="gpt", deadline_ms=60_000), lambda family, wanted: backend)
    completer.router.ready()
    return completer
