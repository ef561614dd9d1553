"""What pygls does itself: a test that fails here says that a workaround in lsp/ can go."""

from __future__ import annotations

import io
import json
import threading
from importlib.metadata import requires, version

import pytest
from lsprotocol import types as lsp
from pygls.io_ import run
from pygls.lsp.server import LanguageServer


def message(head: str, **content: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **content}).encode()
    return head.format(len(body)).encode() + body


def spoken_to(*messages: bytes) -> tuple[LanguageServer, str]:
    """Return pygls' server after it was sent messages, and what it answered."""
    server, out = LanguageServer("test", "1"), io.BytesIO()
    server.protocol.set_writer(out)
    out.close = lambda: None
    run(threading.Event(), io.BytesIO(b"".join(messages)), server.protocol)
    return server, out.getvalue().decode()


INITIALIZE = message(
    "Content-Length: {}\r\n\r\n", id=1, method=lsp.INITIALIZE, params={"processId": None, "capabilities": {}}
)


def test_it_is_the_version_that_is_worked_around():
    assert version("pygls").startswith("2.1.")
    assert any(need.replace(" ", "").startswith("pygls<2.2,>=2.1") for need in requires("fim-lsp") or ())


@pytest.mark.parametrize("head", ["content-length: {}\r\n\r\n", "Content-Length:  {}\r\n\r\n"])
def test_it_reads_one_spelling_of_a_header(head):
    """Else `Wire.readline` in lsp/wire.py can go."""
    _, answered = spoken_to(message(head, id=1, method="no/suchMethod"))
    assert answered == ""


def test_it_keeps_a_future_per_notification():
    """Else `FimProtocol._execute_handler` in lsp/jsonrpc.py can go."""
    closed = {"textDocument": {"uri": "file:///a.py"}}
    notification = message("Content-Length: {}\r\n\r\n", method=lsp.TEXT_DOCUMENT_DID_CLOSE, params=closed)
    server, _ = spoken_to(INITIALIZE, *[notification] * 5)
    assert len(server.protocol._request_futures) >= 5


def test_it_swallows_the_exit_code():
    """Else `FimProtocol.lsp_exit` in lsp/jsonrpc.py can go, and `speak` in lsp/wire.py need not ask for its code."""
    server = LanguageServer("test", "1")
    out = io.BytesIO()
    server.start_io(io.BytesIO(INITIALIZE + message("Content-Length: {}\r\n\r\n", method=lsp.EXIT)), out)
    assert out.closed, "it was left by `exit`, not by the end of the stream"


def test_it_takes_what_stands_within_a_message_for_a_message():
    """Else `FimProtocol.structure_message` in lsp/jsonrpc.py can read the message, and need not leave it alone."""
    params = {"settings": {"jsonrpc": "2.0", "method": "no/suchMethod"}}
    server, _ = spoken_to(INITIALIZE)
    read: list[object] = []
    server.protocol.handle_message = read.append
    body = message("Content-Length: {}\r\n\r\n", method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, params=params)
    run(threading.Event(), io.BytesIO(body), server.protocol)
    assert read == [], "the settings were read as a message without params, and the whole with them"
