"""Editors that ask for completions by prefix and suffix: an endpoint over HTTP, or a completer in this process."""

from __future__ import annotations

import http.client
import json
import socket
import time
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.lab.bench.latency.editor import Change, EditorSimulator, Ghost
from fim_lsp.lab.bench.latency.lsp_server import WORD
from fim_lsp.pipeline.completer import Completer

PATIENCE_S = 60.0
ABOVE_LINES, BELOW_LINES = 256, 64  # as llama.vim sends


class Over(Exception):
    """The time for which a person was to type is over."""


@dataclass
class InsertingEditor(EditorSimulator):
    """An editor whose server only says what to insert; it is closed at `until`."""

    since: float = 0.0
    until: float = float("inf")
    uncounted: int = 0  # asks before `since`
    failures: list[str] = field(default_factory=list)
    number: int = 0  # of the last request
    asked_at: dict[int, float] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def close(self) -> None:
        self._cancel()
        self.pool.shutdown(wait=True)

    def cpu_s(self) -> float:
        return 0.0  # many share the servers

    @abstractmethod
    def fetch(self, number: int, prefix: str, suffix: str) -> str:
        """Return the text for a place (in a thread of the pool)."""

    def _opened(self) -> None: ...

    def _tick(self, now: float) -> None:
        if now < self.since:
            self.uncounted = len(self.asks)
        if now >= self.until:
            raise Over

    def _next_tick(self) -> float:
        return self.until

    def _ask(self, before: str, change: Change | None) -> None:
        if self.expected:  # an editor goes on showing what is typed along
            self.ghost = self._ghost(self.expected)
        self.number += 1
        self.under_way.add(self.number)
        self.asked_at[self.number] = self.began
        above = self.document[: self.cursor].splitlines(keepends=True)[-ABOVE_LINES:]
        below = self.document[self.cursor :].splitlines(keepends=True)[:BELOW_LINES]
        self.pool.submit(self._run, self.number, "".join(above), "".join(below))

    def _run(self, number: int, prefix: str, suffix: str) -> None:
        try:
            said = self.fetch(number, prefix, suffix)
        except Exception as problem:
            self.events.put((time.perf_counter(), (number, "", repr(problem))))
        else:
            self.events.put((time.perf_counter(), (number, said, "")))

    def _take(self, stamp: float, event: tuple[int, str, str]) -> None:
        number, text, problem = event
        self.under_way.discard(number)
        if number != self.number or self.asks[-1].given_up_ms is not None:
            return
        if problem:
            self.failures.append(problem)
        self.answer(stamp, self._ghost(text) if text else None, None)

    def _ghost(self, text: str) -> Ghost:
        word, at = WORD.match(text), self.cursor
        line, first = Change(at, at, text.split("\n")[0]), word[0] if word else ""
        return Ghost(text, Change(at, at, text), line, Change(at, at, first))

    def _is_busy(self) -> bool:
        return bool(self.under_way)


@dataclass
class HttpEditor(InsertingEditor):
    """An editor before `/v1/completions`; it closes the connection of what it no longer wants."""

    url: str = ""
    token: str = ""
    session: str = ""
    connection: http.client.HTTPConnection | None = None

    def fetch(self, number: int, prefix: str, suffix: str) -> str:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_S)
        if number == self.number:
            self.connection = connection
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-Session-Id": self.session,
        }
        body = {"prompt": prefix, "suffix": suffix, "language": "python"}
        try:
            connection.request("POST", "/v1/completions", json.dumps(body), sent)
            response = connection.getresponse()
            said: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {said}")
        return str(said["choices"][0]["text"])

    def _cancel(self) -> None:
        if self.number in self.under_way and self.connection and (open_one := self.connection.sock):
            with suppress(OSError):
                open_one.shutdown(socket.SHUT_RDWR)


@dataclass
class OwnEditor(InsertingEditor):
    """An editor with a completer of its own; `places` records when it asked for what."""

    completer: Completer | None = None
    places: list[tuple[float, Snapshot]] = field(default_factory=list)
    cancels: dict[int, Cancel] = field(default_factory=dict)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def fetch(self, number: int, prefix: str, suffix: str) -> str:
        assert self.completer is not None
        snap = Snapshot(f"trace:{self.trace}", number, "python", prefix + suffix, len(prefix))
        self.places.append((self.asked_at[number], snap))
        outcome = self.completer.complete(snap, self.cancels.setdefault(number, Cancel()))
        return outcome.suggestions[0].text if outcome.suggestions and not outcome.suggestions[0].replaces else ""

    def _cancel(self) -> None:
        self.cancels.setdefault(self.number, Cancel()).raise_for("superseded")
