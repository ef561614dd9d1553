"""One code-server and one window around the real server, for all tests of this folder."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.editors import PATIENT_MS, missing

pytest.importorskip("playwright")

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.vscode.window import ROOT, VSIX, Server, Window, find_chromium, launch


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if find_chromium() is None:
        missing("Chromium", "apt-get install chromium")
    done = subprocess.run(["make", "vsix"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode or not VSIX.exists():
        missing("the .vsix", f"make vsix says {done.stderr[-500:]}")
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


def program(folder: Path, *command: str) -> str:
    """Write a fim-lsp that runs a command instead of `fim-lsp serve`."""
    path = folder / "fim-lsp"
    path.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="package")
def trace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trace") / "trace.jsonl"


@pytest.fixture(scope="package")
def code(tmp_path_factory, browser, trace) -> Iterator[Server]:
    """VS Code whose extension runs the real server with the shipped model."""
    home = tmp_path_factory.mktemp("code")
    serve = [sys.executable, "-m", "fim_lsp", "serve", "--trace", str(trace), "--trace-text"]
    server = Server(
        home,
        home,
        {
            "fimLsp.path": program(home, *serve),
            "fimLsp.trace.server": "messages",
            "fimLsp.deadlineMs": PATIENT_MS,
        },
    )
    yield server
    server.close()


@pytest.fixture(scope="package")
def window(code, browser, tmp_path_factory) -> Iterator[Window]:
    opened = Window(code, browser, tmp_path_factory.mktemp("work"))
    yield opened
    opened.close()
