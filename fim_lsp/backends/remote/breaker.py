"""A circuit breaker: a server that fails again and again is left alone for a while.

closed ──3 failures──▶ open for 5 s ──▶ one request goes out ──fails──▶ open for 10 s … at most 2 min
   ▲                                          └──answers──┐
   └──────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from fim_lsp.errors import RemoteFault

FAILURES = 3
PAUSE_S, LONGEST_S = 5.0, 120.0
ASKED_MOST_S = 600.0  # a server that wants to be left alone for longer is asked again by then
JITTER = 0.2


class Breaker:
    """Used by the decode thread alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.failures = 0
        self.open_until = 0.0
        self.last = ""

    def resting(self) -> str:
        """Say why the server is not asked now, "" when it may be."""
        left_s = self.open_until - self.clock()
        return f"is left alone for {left_s:.0f} s more, for {self.last}" if left_s > 0 else ""

    def succeed(self) -> None:
        self.failures, self.open_until = 0, 0.0

    def fail(self, fault: RemoteFault) -> None:
        """Count a failure; what asking again cannot mend opens the circuit at once."""
        self.failures += 1
        self.last = str(fault)
        if fault.rest_s:
            self.open_until = self.clock() + min(fault.rest_s, ASKED_MOST_S)
        elif self.failures >= FAILURES:
            pause_s = min(PAUSE_S * 2 ** min(self.failures - FAILURES, 10), LONGEST_S)
            self.open_until = self.clock() + pause_s * random.uniform(1 - JITTER, 1 + JITTER)
