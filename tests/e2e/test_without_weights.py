"""A fim-lsp that was installed without its weights: it runs, and says how to get them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fim_lsp import __version__
from tests.client import Client

ROOT = Path(__file__).resolve().parents[2]
CODE = "def add(first, second):\n    return first\n"
ALL = "pip install 'fim-lsp[weights]'"
SECOND = f"fim-lsp-weights-2=={__version__}"


@pytest.fixture(params=[ALL, SECOND], ids=["none", "one is missing"])
def site(request, tmp_path):
    """A site-packages of which a server runs, with the remedy it should name."""
    shutil.copytree(ROOT / "fim_lsp", tmp_path / "fim_lsp", ignore=shutil.ignore_patterns("__pycache__", "*.jsonl"))
    if request.param == SECOND:
        (tmp_path / "fim_lsp_weights/gpt").mkdir(parents=True)
        (tmp_path / "fim_lsp_weights/part-1-of-2.txt").write_text(__version__)
    return tmp_path, request.param


def test_the_server_answers_every_request_and_tells_once(site):
    folder, remedy = site
    with Client.real(folder, env={"PYTHONPATH": str(folder)}) as client:
        assert client.start()["inlineCompletionProvider"] is not None
        message = client.note("window/showMessage")
        assert message["type"] == 1
        assert remedy in message["message"]
        client.open(CODE)
        assert client.inline(1, 16) == []
        assert client.inline(1, 15, kind=1) == []
        assert remedy in client.explain(1, 16)["reason"]
        sides = client.compare(1, 16)["sides"]
        assert len(sides) == 2
        assert all(remedy in side["error"] for side in sides)
        client.type(1, 16, " ")
        assert client.inline(1, 17) == []
    client.check_clean()
    told = [note["method"] for note in client.notes.queue]
    assert "window/showMessage" not in told, "one message is enough"


@pytest.mark.parametrize("command", [["complete", "-"], ["doctor"], ["demo"]], ids=lambda command: command[0])
def test_a_command_says_what_to_type(site, command):
    folder, remedy = site
    done = subprocess.run(
        [sys.executable, "-m", "fim_lsp", *command],
        input=b"a = [MASK]\n",
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 3
    said = " ".join((done.stdout + done.stderr).decode().split())
    assert remedy in said
    assert "Traceback" not in said
