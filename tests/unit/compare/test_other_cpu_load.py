"""What other programs take of the machine."""

from __future__ import annotations

from types import SimpleNamespace

from fim_lsp.compare import other_cpu_load


def test_other_programs_are_told_in_cores_since_the_last_look(monkeypatch):
    clock, spent = iter([0.0, 4.0, 6.0, 8.0]), iter([10.0, 16.0, 18.0, 17.0])
    monkeypatch.setattr(other_cpu_load, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(other_cpu_load.OtherCpuLoad, "_spent", lambda self: next(spent))
    others = other_cpu_load.OtherCpuLoad()
    assert [others.busy_cores() for _ in range(3)] == [1.5, 1.0, 0.0]
