"""`fim-lsp cluster` without a cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fim_lsp.cli.app import app
from fim_lsp.cluster import tokens
from fim_lsp.http.tokens import digest


def run(*args: str):
    return CliRunner().invoke(app, ["cluster", *args])


@pytest.mark.parametrize("command", [("up",), ("status",), ("down",)])
def test_without_ray_the_extra_is_named(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    answer = run(*command)
    assert (answer.exit_code, "pip install 'fim-lsp[cluster]'" in answer.stderr) == (3, True)


def test_a_token_is_printed_and_its_digest_kept(tmp_path):
    path = tmp_path / "tokens.toml"
    printed = run("token", "alice", "--to", str(path)).stdout.strip()
    assert tokens.read(path) == {digest(printed): "alice"}
    again = run("token", "alice", "--to", str(path))
    assert (again.exit_code, "alice" in again.stderr) == (2, True)


def test_nothing_else_needs_ray():
    code = "import fim_lsp.cli.app, fim_lsp.cluster.gateway, fim_lsp.cluster.replica, sys; print('ray' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
