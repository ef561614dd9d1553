"""`fim-lsp serve --http` as a person starts it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

ASK = {"prompt": "<|fim_prefix|>def add(first, second):\n    return first<|fim_suffix|>\n<|fim_middle|>"}


@contextlib.contextmanager
def serving(*args: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "fim_lsp", "serve", "--http", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline()
        found = re.fullmatch(r"fim-lsp: listening at http://127\.0\.0\.1:(\d+)\n", said)
        assert found, said + process.stderr.read()
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str, body: dict | None, token: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.mark.model
def test_a_token_is_made_and_a_completion_had():
    with serving() as (process, port):
        token = process.stdout.readline().removeprefix("fim-lsp: token: ").strip()
        assert len(token) >= 32
        assert ask(port, "/v1/completions", ASK, "another")[0] == 401
        status, answer = ask(port, "/v1/completions", ASK, token)
        assert (status, answer["choices"][0]["text"]) == (200, " + second")
        assert answer["usage"]["prompt_tokens"] > 0
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()


@pytest.mark.model
def test_a_token_that_is_given_is_not_repeated(monkeypatch):
    monkeypatch.setenv("FIM_LSP_TOKEN", "of-my-own")
    with serving() as (process, port):
        assert ask(port, "/v1/models", None, "of-my-own")[0] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert "of-my-own" not in process.stdout.read()


def refused(code: str, *args: str) -> tuple[int, str]:
    """Return the exit code and standard error of a command that cannot be run."""
    run = f"import sys; {code}; sys.argv[0] = 'fim-lsp'; from fim_lsp.cli.app import app; app()"
    answer = subprocess.run([sys.executable, "-c", run, "serve", *args], capture_output=True, text=True, timeout=60)
    return answer.returncode, answer.stderr


def test_a_missing_package_is_named_with_how_to_get_it():
    status, said = refused("sys.modules['starlette'] = sys.modules['uvicorn'] = None", "--http", "0")
    assert status == 3
    assert "pip install 'fim-lsp[http]'" in said


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, said = refused("pass", "--http", port)
    assert (status, f"--http {port}: cannot listen" in said) == (2, True)


def test_the_language_servers_trace_is_not_taken_and_forgotten(tmp_path):
    status, said = refused("pass", "--http", "0", "--trace", str(tmp_path / "trace"))
    assert (status, "--log" in said) == (2, True)


def test_the_language_server_needs_none_of_it():
    code = "import fim_lsp.cli.app, fim_lsp.lsp.server, sys; print({'starlette', 'uvicorn'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
