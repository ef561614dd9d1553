"""A Ray cluster of two nodes on this machine, with our application on it, and a client that keeps asking."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fim_lsp.cluster.plan import ClusterPlan, EntryRules
from fim_lsp.http.tokens import digest
from tests.http_server import Answer

OWNERS = {"of-alice": "alice", "of-bob": "bob", "of-carol": "carol"}
ENTRY = EntryRules({digest(token): owner for token, owner in OWNERS.items()}, rate="1000/second")
FAKE = ClusterPlan(least=2, most=2, gateways=2, cores=1, gateway_cores=0, entry=ENTRY)
PATIENCE_S = 60.0


@dataclass
class Cluster:
    """A running cluster."""

    port: int
    journal: Path

    def deploy(self, said: str = "beta", step_s: float = 0.0, **changes: Any) -> None:
        """Start the application with fakes, or replace it; returns once the new one is all there is."""
        from fim_lsp.cluster import running
        from tests.cluster.fakes import journaling

        settings = {"journal": str(self.journal), "said": said, "step_s": step_s}
        running.start(replace(FAKE, settings=settings, **changes), "127.0.0.1", self.port, journaling)

    def ask(self, prompt: str, token: str = "of-alice", session: str = "", path: str = "/v1/completions") -> Answer:
        """Ask for a completion and wait for the answer."""
        sent = {"Authorization": f"Bearer {token}"} | ({"X-Session-Id": session} if session else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps({"prompt": prompt, "language": "python"}), sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def begin(self, prompt: str) -> socket.socket:
        """Ask and return the connection without waiting."""
        raw = json.dumps({"prompt": prompt, "language": "python"}).encode()
        head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer of-alice\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        connection.sendall(f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw)
        return connection

    def written(self) -> list[list[str]]:
        """Return the journal: process id, what happened, at which prompt."""
        lines = self.journal.read_text(encoding="utf-8").splitlines() if self.journal.exists() else []
        return [line.split(" ", 2) for line in lines]


def text(answer: Answer) -> str:
    return answer.json["choices"][0]["text"]


def pid(answer: Answer) -> int:
    """Return the process that answered."""
    return int(re.match(r"\d+", text(answer))[0])


@dataclass
class Load:
    """Clients that ask without a pause, each at places of its own; all their answers."""

    answers: list[Answer] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)


@contextlib.contextmanager
def load(ask: Callable[[str, str], Answer], clients: int) -> Iterator[Load]:
    """Ask from so many threads while the block runs; leaving it waits for all that is under way."""
    so_far, is_over, numbers = Load(), threading.Event(), itertools.count()

    def work(client: int) -> None:
        while not is_over.is_set():
            try:
                so_far.answers.append(ask(f"name_{next(numbers)} = ", f"session {client}"))
            except Exception as problem:
                so_far.failures.append(problem)

    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield so_far
    finally:
        is_over.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def until(found: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Return what is found once it is; fails after a while."""
    end = time.monotonic() + within_s
    while not (known := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return known
