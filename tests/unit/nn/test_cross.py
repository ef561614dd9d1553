"""Compiling for other machines: the targets as data, and what is said where Zig is missing."""

from __future__ import annotations

import sys

import pytest

from fim_lsp.nn.native import build, cross


def test_every_target_has_a_tag_of_its_own_and_the_file_its_system_loads():
    assert len({target.tag for target in cross.TARGETS.values()}) == len(cross.TARGETS)
    for name, target in cross.TARGETS.items():
        system = name.split("-")[0]
        assert target.library == {"linux": "engine.so", "windows": "engine.dll", "macos": "engine.dylib"}[system]
        assert target.sets[0][0] == "plain"  # runs anywhere


def test_a_machine_without_zig_is_told_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cross.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.CannotCompile, match="pip install"):
        cross.zig()
    monkeypatch.setattr(sys, "argv", ["cross", "--target", "linux-aarch64", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="not compiled: Zig was not found"):
        cross.main()
    assert not list((tmp_path / "out").iterdir())
