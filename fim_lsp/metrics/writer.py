"""Events on their way to the disk, in a thread of their own: nobody who types waits for it.

handlers ──put──▶ queue ──1 s──▶ one transaction        full queue: counts are lost, no answer
                    ▲      │
                    └──────┘ locked file, full disk: tried again a second later, until the server ends
"""

from __future__ import annotations

import logging
import threading
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from fim_lsp.metrics.events import Event

if TYPE_CHECKING:
    from fim_lsp.metrics.store import MetricsStore

logger = logging.getLogger(__name__)

BATCH_S = 1.0
MOST_WAITING = 10_000  # events
STOP_S = 2.0  # what is waiting at the end has so long to be written


class MetricsWriter:
    """A queue and the thread behind it, which begins with the first event."""

    def __init__(self) -> None:
        self.queue: Queue[Event] = Queue(MOST_WAITING)
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        self.store: MetricsStore | None = None
        self.problem = ""  # why the last batch was not written

    def put(self, event: Event) -> None:
        """Take an event, or lose it; never waits."""
        if self.stopping.is_set():
            return
        try:
            self.queue.put_nowait(event)
        except Full:
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name="metrics", daemon=True)
            self.thread.start()

    def stop(self) -> None:
        """Write what is waiting, and end."""
        self.stopping.set()
        if self.thread:
            self.thread.join(STOP_S)

    def _run(self) -> None:
        events: list[Event] = []
        is_last = False
        while not is_last:
            is_last = self.stopping.wait(BATCH_S)
            if len(events) < MOST_WAITING:
                events += self._waiting()
            if events and self._is_written(events):
                events = []
        if self.store:
            self.store.close()

    def _waiting(self) -> list[Event]:
        events: list[Event] = []
        try:
            while True:
                events.append(self.queue.get_nowait())
        except Empty:
            return events

    def _is_written(self, events: list[Event]) -> bool:
        import sqlite3

        from fim_lsp.metrics.store import MetricsStore, kept_in

        try:
            self.store = self.store or MetricsStore(kept_in())
            self.store.put(events)
        except (sqlite3.Error, OSError) as problem:
            if str(problem) != self.problem:  # said once, not every second
                logger.warning("%d counts are not written yet: %s", len(events), problem)
            self.problem = str(problem)
            return False
        self.problem = ""
        return True
