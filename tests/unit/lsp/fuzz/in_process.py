"""The real server in a thread of this process, spoken to in bytes over pipes, as fast as it reads."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from fim_lsp.backends.base import Backend, ModelRequest
from fim_lsp.lsp.server import make_server
from fim_lsp.lsp.settings import ServerSettings
from fim_lsp.lsp.trace import Trace
from fim_lsp.lsp.wire import Wire
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

TEXTS = "test/texts"  # a request: what the server holds, {uri: text, null where it refuses to say, or the cells}
PATIENCE_S = 60


class Faults(logging.Handler):
    """What the server logs as an error of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        told = self.format(record)
        if not told.startswith("FeatureRequestError: "):  # it is an answer, too
            self.told.append(told)


class InProcess:
    """Start a server, send messages without waiting, and count the answers to every id."""

    def __init__(self, create: Callable[[str, ModelRequest], Backend]):
        self.server = make_server(Completer(Config(), create), ServerSettings({}), Trace(None, False))
        self.server.feature(TEXTS)(lambda params: self._texts())
        from_client, self.to_server = os.pipe()
        self.from_server, from_here = os.pipe()
        self.stdin, self.stdout = os.fdopen(from_client, "rb"), os.fdopen(from_here, "wb")
        self.counts: Counter[Any] = Counter()
        self.answers: dict[Any, dict[str, Any]] = {}
        self.asked_of_us: list[Any] = []
        self.notes: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.faults = Faults()
        for name in ("fim_lsp", "asyncio"):
            logging.getLogger(name).addHandler(self.faults)
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._serve, self._read)]
        for thread in self.threads:
            thread.start()

    def send(self, message: dict[str, Any]) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def raw(self, body: bytes) -> None:
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def write(self, left: bytes) -> None:
        while left:
            left = left[os.write(self.to_server, left) :]

    def wait(self, ids: set[Any], patience_s: float = PATIENCE_S) -> None:
        """Wait until every id is answered, or the server is gone."""
        with self.changed:
            done = lambda: not self.threads[1].is_alive() or ids <= self.answers.keys()  # noqa: E731
            until = time.monotonic() + patience_s
            while not done() and time.monotonic() < until:
                self.changed.wait(0.2)
            assert ids <= self.answers.keys(), f"no answer to {ids - self.answers.keys()}"

    def hang_up(self) -> int | None:
        """Close the pipe, wait for the server's end and return what it would exit with."""
        os.close(self.to_server)
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the server does not end"
        for name in ("fim_lsp", "asyncio"):
            logging.getLogger(name).removeHandler(self.faults)
        self.stdin.close()
        return self.server.protocol.exit_code

    def _serve(self) -> None:
        try:
            self.server.start_io(stdin=Wire(self.stdin), stdout=self.stdout)  # type: ignore[arg-type]
        finally:
            for part in (self.server.requests, self.server.indexing, self.server.feedback.writer):
                part.stop()
            self.stdout.close()

    def _texts(self) -> dict[str, Any]:
        protocol = self.server.protocol
        texts: dict[str, Any] = {one.uri: None if one.refusal else one.text for one in protocol.documents.open.values()}
        return texts | {one.uri: None if one.is_lost else one.cells for one in protocol.notebooks.open.values()}

    def _read(self) -> None:
        with os.fdopen(self.from_server, "rb") as out:
            while header := out.readline():
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
                    while out.readline().strip():
                        pass
                    self._take(json.loads(out.read(length)))
        with self.changed:
            self.changed.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        with self.changed:
            if "method" not in message:
                self.answers[message.get("id")] = message
                self.counts[message.get("id")] += 1
            elif "id" in message:
                self.asked_of_us.append(message["id"])
            else:
                self.notes.append(message)
            self.changed.notify_all()
