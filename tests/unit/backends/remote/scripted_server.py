"""A real HTTP server on this machine that does what a test tells it to, down to the bytes."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
EVENTS, JSON = b"Content-Type: text/event-stream\r\n", b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class ScriptedServer:
    """Answer each request by `script(connection, stop)`; `stop` is set when the test is over."""

    def __init__(self, script: Callable[[socket.socket, threading.Event], None], tls: ssl.SSLContext | None = None):
        self.received: list[Received] = []
        self.arrived = threading.Event()  # a request was read
        self.closed = threading.Event()  # a script found its connection closed by the other side
        self.over = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    connection = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                    outer.received.append(_receive(connection))
                    outer.arrived.set()
                    script(connection, outer.over)
                except (ConnectionError, ssl.SSLError, EOFError):
                    outer.closed.set()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address = True, True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> ScriptedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def _receive(connection: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65536)):
            raise EOFError
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Received(first.split()[1], headers, body.decode())


def says(*parts: bytes, every_s: float = 0.0) -> Callable[[socket.socket, threading.Event], None]:
    """Send the parts, and hang up."""

    def script(connection: socket.socket, over: threading.Event) -> None:
        for part in parts:
            connection.sendall(part)
            over.wait(every_s)

    return script


def keeps_saying(head: bytes, part: bytes, every_s: float) -> Callable[[socket.socket, threading.Event], None]:
    """Send the head, then the part again and again for as long as somebody listens."""

    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(every_s):
            connection.sendall(part)

    return script


def keeps_silent(connection: socket.socket, over: threading.Event) -> None:
    """Say nothing until the other side hangs up."""
    if not connection.recv(1):
        raise EOFError


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def stream(*parts: bytes) -> bytes:
    return OK + EVENTS + b"\r\n" + b"".join(parts)


DONE = b"data: [DONE]\n\n"
ANSWER = stream(event("price * "), event("amount", "stop"), DONE)
