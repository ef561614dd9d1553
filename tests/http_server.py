"""The endpoint around a scripted backend, behind a real socket, and a client that can also misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.http.app import make_app
from fim_lsp.http.decoder import DecodeQueue
from fim_lsp.http.guard import GuardRules
from fim_lsp.http.serving import listen
from fim_lsp.http.tokens import TokenBook
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

TOKEN, PATIENCE_S = "let-me-in", 30.0
RULES = GuardRules(TokenBook.of(TOKEN), ("127.0.0.1",))


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a response."""

    status: int
    headers: dict[str, str]
    raw: str

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def events(self) -> list[Any]:
        """The data of each server-sent event, JSON or not."""
        data = [block.removeprefix("data: ") for block in self.raw.split("\n\n") if block]
        return [json.loads(one) if one.startswith("{") else one for one in data]


@dataclass(frozen=True)
class Server:
    """A running endpoint and the backend behind it."""

    backend: FakeBackend
    port: int

    def ask(self, path: str, body: Any = None, token: str | None = TOKEN, method: str = "", **headers: str) -> Answer:
        """Send a request and wait for its answer; bytes go as they are."""
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): v for name, v in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method or ("GET" if body is None else "POST"), path, raw, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def begin(self, path: str, body: Any) -> socket.socket:
        """Send a request and return its connection without waiting for an answer."""
        raw = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        connection.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        return connection


@contextlib.contextmanager
def serving(backend: FakeBackend, **config: Any) -> Iterator[Server]:
    """Run the endpoint in a thread."""
    made = Config(**{"backend": "gpt", "deadline_ms": 60_000} | config)
    completer = Completer(made, lambda family, wanted: backend)
    completer.warm_up()
    backend.forget()
    backend.steps = 0
    listener = listen("127.0.0.1", 0)
    settings = uvicorn.Config(
        make_app(DecodeQueue(completer), lambda: RULES), log_config=None, timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(settings)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Server(backend, listener.getsockname()[1])
    finally:
        running.should_exit = True
        thread.join(PATIENCE_S)


def until(holds: Any) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
