"""Run a backend that was just loaded, so that the first request finds it warm and its cost known."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from weakref import WeakSet

from fim_lsp.backends.base import Backend, Served, SharesReader
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter

TRIALS = (  # only the second is timed, the first pays for what is set up on the way
    FimRequest(("def warm_up():\n    retu", "\n"), GenerationLimits(max_tokens=2)),
    FimRequest(
        ("".join(f"line_{n} = read_line({n})\n" for n in range(8)) + "total = ", "\n"), GenerationLimits(max_tokens=4)
    ),
)


class FirstRun:
    """What was run once; two families that share a reader may be loaded in two threads."""

    def __init__(self) -> None:
        self.tried: WeakSet[object] = WeakSet()
        self.lock = threading.Lock()

    def run(self, backend: Backend, loaded: Iterable[Backend]) -> Meter | None:
        """Run a backend and return what that took; None where nothing is run.

        One whose reader another has that is tried or `loaded` is as warm as that, and the decode thread may be running
        it. A server is sent nothing that nobody asked for.
        """
        if isinstance(backend, Served):
            return None
        with self.lock:
            tried = reader_of(backend) or backend
            others = [reader_of(other) for other in loaded if other is not backend]
            if tried in self.tried or tried in others:
                return None
            self.tried.add(tried)
            for request in TRIALS:
                meter = Meter()
                for drafts in backend.generate(request, Cancel(), meter):
                    list(drafts)
        return meter


def reader_of(backend: Backend) -> object | None:
    """Return the reader that a backend may share, None where it has none."""
    return backend.reader if isinstance(backend, SharesReader) else None
