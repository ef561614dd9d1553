"""A guest leaves the machine to others; an adapter is kept only where it helped for certain."""

from __future__ import annotations

from threading import Event
from types import SimpleNamespace

import psutil
import pytest

from fim_lsp.lab.adapt import watch
from fim_lsp.lab.adapt.judge import FEW, AdapterVerdict, HeldOutScore
from fim_lsp.lab.adapt.watch import PATIENCE, Guest


class Machine:
    """Says in turn how busy it is, and whether it is plugged in."""

    def __init__(self, monkeypatch, loads=(), plugged=()):
        self.loads, self.plugged, self.waited = list(loads), list(plugged), 0
        monkeypatch.setattr(watch, "OtherCpuLoad", lambda: self)
        monkeypatch.setattr(watch.os, "cpu_count", lambda: 2)
        monkeypatch.setattr(psutil, "sensors_battery", self.battery, raising=False)

    def busy_cores(self) -> float:
        return self.loads.pop(0) if self.loads else 0.0

    def battery(self):
        return SimpleNamespace(percent=50, power_plugged=self.plugged.pop(0)) if self.plugged else None


class NoWait(Event):
    def wait(self, timeout=None):
        return self.is_set()


def guest(told, **more) -> Guest:
    one = Guest(NoWait(), told.append, **more)
    one.looked -= 2 * watch.LOOK_S
    return one


def test_it_waits_on_battery_and_goes_on_when_plugged_in(monkeypatch):
    Machine(monkeypatch, plugged=[False, False, True])
    told: list[str] = []
    assert guest(told).wait() >= 0
    assert told == ["on battery, 50 %", "on battery, 50 %", ""]


def test_it_waits_while_others_need_all_cores(monkeypatch):
    Machine(monkeypatch, loads=[1.8, 1.2])
    told: list[str] = []
    guest(told).wait()
    assert told == ["other programs use 1.8 of 2 cores", ""]


def test_a_free_machine_is_not_waited_for_and_no_second_is_taken_from_the_run(monkeypatch):
    Machine(monkeypatch, loads=[0.2], plugged=[True])
    told: list[str] = []
    assert guest(told).wait() == 0.0
    assert told == []


def test_it_can_be_told_to_go_on_regardless(monkeypatch):
    Machine(monkeypatch, loads=[2.0], plugged=[False])
    told: list[str] = []
    assert guest(told, regardless=True).wait() == 0.0
    assert told == []


def test_it_does_not_look_at_every_step_for_a_moment_says_little(monkeypatch):
    Machine(monkeypatch, loads=[2.0])
    told: list[str] = []
    one = guest(told)
    one.looked = watch.time.monotonic()
    assert one.wait() == 0.0
    assert told == []


def test_one_that_is_stopped_waits_no_longer(monkeypatch):
    Machine(monkeypatch, plugged=[False] * 3)
    told: list[str] = []
    one = guest(told)
    one.stop.set()
    one.wait()
    assert one.is_stopped
    assert told == []


def test_the_best_check_is_kept_and_worse_ones_end_the_run(monkeypatch):
    Machine(monkeypatch)
    better: list[float] = []
    one = Guest(Event(), print, better=better.append)
    assert not one.is_enough({"loss": 0.1})
    said = [one.is_enough({"validation_loss": loss}) for loss in (2.0, 1.5, *[1.6] * PATIENCE)]
    assert better == [2.0, 1.5]
    assert said == [False] * (1 + PATIENCE) + [True]


def test_what_a_run_had_reached_is_still_the_best_when_it_goes_on(monkeypatch):
    Machine(monkeypatch)
    better: list[float] = []
    one = Guest(Event(), print, better=better.append, best=1.0)
    one.is_enough({"validation_loss": 1.1})
    assert better == []


def verdict(count: int, right: tuple[int, int], gain: float) -> AdapterVerdict:
    """Judge `count` holes, so many right before and after, each `gain` nats less surprising, give or take a little."""

    def some(ok: int, by: float) -> list[HeldOutScore]:
        return [HeldOutScore(n < ok, 1.0 - by * (1 + n % 3) / 2) for n in range(count)]

    return AdapterVerdict(some(right[0], 0.0), some(right[1], gain))


@pytest.mark.parametrize(
    ("count", "right", "gain", "helped"),
    [
        (100, (40, 46), 0.1, True),
        (100, (46, 40), 0.1, False),  # likelier, and fewer are right
        (100, (40, 40), 0.1, False),
        (100, (40, 46), -0.1, False),  # more are right, and what stood there is less likely: luck
        (FEW - 1, (10, 10), 0.1, True),  # too few to tell apart, and likelier for certain
        (FEW - 1, (10, 9), 0.1, False),
    ],
)
def test_it_has_helped_where_more_is_right_and_all_is_likelier(count, right, gain, helped):
    assert verdict(count, right, gain).has_helped is helped


def test_what_is_noted_says_how_sure_it_is():
    notes = verdict(100, (40, 46), 0.1).notes()
    assert (notes["holes"], notes["right_before"], notes["right_after"], notes["ratio"]) == (100, 40, 46, 1.15)
    low, high = notes["surprise_interval"]
    assert low < notes["surprise_after"] - notes["surprise_before"] < high < 0
