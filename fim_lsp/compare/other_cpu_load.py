"""What other programs take of the machine."""

from __future__ import annotations

import time

import psutil


class OtherCpuLoad:
    """Other programs: figures measured beside them are too high, and a thread that waits for its core holds up all."""

    def __init__(self) -> None:
        self.at, self.spent = time.monotonic(), self._spent()

    def busy_cores(self) -> float:
        """Return how many cores they kept busy since the last call, at first since the beginning."""
        before, spent = self.at, self.spent
        self.at, self.spent = time.monotonic(), self._spent()
        return max(0.0, self.spent - spent) / max(self.at - before, 1e-3)

    def _spent(self) -> float:
        """Seconds of all cores together that were not idle and not this process's."""
        all_, own = psutil.cpu_times(), psutil.Process().cpu_times()
        return float(all_.user + all_.system + getattr(all_, "nice", 0.0) - own.user - own.system)
