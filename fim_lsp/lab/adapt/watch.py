"""A guest on somebody's machine: waits while it is on battery or busy, and stops when more makes it worse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import psutil

from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.lab.train.loop import Watch

LOOK_S = 15.0  # between two looks at a machine that is busy
LEAST_CORES = 0.5  # that others must leave
PATIENCE = 4  # checks in a row that are no better than the best


class Guest(Watch):
    """Asks before each step whether the machine is free, and after each check whether it still gets better.

    `better` is called when a check is the best so far; `waiting` is told why a step does not begin, "" when it does.
    """

    def __init__(
        self,
        stop: Event,
        waiting: Callable[[str], None],
        regardless: bool = False,
        better: Callable[[float], None] = lambda loss: None,
        best: float = float("inf"),
    ):
        self.stop, self.waiting, self.regardless = stop, waiting, regardless
        self.better, self.best, self.worse = better, best, 0
        self.other_load, self.looked = OtherCpuLoad(), time.monotonic()

    @property
    def is_stopped(self) -> bool:  # type: ignore[override]
        return self.stop.is_set()

    def wait(self) -> float:
        began, was_busy = time.monotonic(), False
        if began - self.looked < LOOK_S:
            return 0.0  # a moment says little of how busy the machine is
        while not self.stop.is_set() and (why := self.busy()):
            self.waiting(why)
            was_busy = True
            self.stop.wait(LOOK_S)
        if was_busy:
            self.waiting("")
        self.looked = time.monotonic()
        return time.monotonic() - began if was_busy else 0.0

    def is_enough(self, line: Mapping[str, Any]) -> bool:
        if (loss := line.get("validation_loss")) is None:
            return False
        if loss < self.best:
            self.best, self.worse = loss, 0
            self.better(loss)
        else:
            self.worse += 1
        return self.worse >= PATIENCE

    def busy(self) -> str:
        """Say why the machine is to be left alone, "" where it is free."""
        others = self.other_load.busy_cores()
        if self.regardless:
            return ""
        battery = getattr(psutil, "sensors_battery", lambda: None)()
        if battery is not None and battery.power_plugged is False:
            return f"on battery, {battery.percent:.0f} %"
        if others > (cores := os.cpu_count() or 1) - LEAST_CORES:
            return f"other programs use {others:.1f} of {cores} cores"
        return ""


def give_way() -> None:
    """Let every other program go first, where the system has priorities."""
    process = psutil.Process()
    process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else max(10, int(process.nice())))
