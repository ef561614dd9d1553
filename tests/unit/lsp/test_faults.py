"""What goes wrong around a server: threads die, memory and disks are full, clocks jump, messages come by halves."""

from __future__ import annotations

import ctypes
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fim_lsp.backends.base import Backend
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion
from fim_lsp.metrics import writer
from fim_lsp.metrics.store import MetricsStore
from tests.client import CODE, URI, inline_params, where
from tests.unit.lsp.fuzz.in_process import InProcess

AGAIN_S = 3.0  # from a dead thread to the next suggestion, at most


class Editor(InProcess):
    """A client with one open document that asks at one place."""

    def __init__(self, create: Callable[[], Backend]):
        super().__init__(lambda family, model: create())
        self.last = 0
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.send({"method": "initialized", "params": {}})
        document = {"uri": URI, "languageId": "python", "version": 0, "text": CODE}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def ask(self, method: str, params: Any) -> int:
        self.last += 1
        self.send({"id": self.last, "method": method, "params": params})
        return self.last

    def request(self, method: str, params: Any, patience_s: float = 60) -> Any:
        asked = self.ask(method, params)
        self.wait({asked}, patience_s)
        return self.answers[asked]["result"]

    def suggested(self, patience_s: float = 60) -> list[str]:
        items = self.request("textDocument/inlineCompletion", inline_params(1, 8, 1), patience_s)["items"]
        return [item["insertText"] for item in items]

    def reason(self) -> str:
        return self.request("fimLsp/explain", where(1, 8))["reason"]

    def edit(self) -> None:
        """Write something below the place: what was remembered of it is of no use then."""
        change = {"textDocument": {"uri": URI, "version": 0}, "contentChanges": [{"text": f"{CODE}y{self.last} = 1\n"}]}
        self.send({"method": "textDocument/didChange", "params": change})


@pytest.fixture
def started() -> Iterator[Callable[..., Editor]]:
    """Start editors; each ends as it should."""
    editors: list[Editor] = []

    def start(create: Callable[[], Backend] = lambda: FakeBackend("a + b")) -> Editor:
        editors.append(Editor(create))
        return editors[-1]

    yield start
    for editor in editors:
        editor.hang_up()
        assert {editor.counts[asked] for asked in range(1, editor.last + 1)} == {1}


def kill(thread: threading.Thread) -> None:
    """Have a thread end at whatever it does next."""
    ident, why = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, why) == 1


class Dying(FakeBackend):
    """Raise what it is told to, once, in the middle of a suggestion."""

    def __init__(self, problem: BaseException):
        super().__init__("a + b")
        self.problem: BaseException | None = problem

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        if request.segments[0].startswith("def f(") and (problem := self.problem):
            self.problem = None
            raise problem
        return super().generate(request, cancel, meter)


def test_a_decode_thread_that_was_killed_while_idle_is_replaced(started):
    editor = started()
    assert editor.suggested() == ["a + b"]
    dead = editor.server.requests.pool.thread
    kill(dead)
    editor.edit()
    assert editor.suggested(AGAIN_S) == ["a + b"]
    assert editor.server.requests.pool.thread is not dead


@pytest.mark.parametrize("problem", [SystemExit(), MemoryError(), RuntimeError("no"), KeyboardInterrupt()])
def test_what_ends_a_suggestion_ends_no_other(started, problem):
    editor = started(lambda: Dying(problem))
    assert editor.suggested() == []
    assert "failed" in editor.reason()
    assert editor.suggested(AGAIN_S) == ["a + b"]


def test_memory_that_is_lacking_is_told_once_with_the_remedy(started):
    tried: list[int] = []

    def create() -> Backend:
        tried.append(1)
        raise MemoryError

    editor = started(create)
    for _ in range(3):
        assert editor.suggested() == []
    assert "not enough memory to load" in editor.reason()
    assert "a smaller model" in editor.reason()
    assert len(tried) == 2, "each family is tried once, not at every keystroke"
    shown = [note for note in editor.notes if note["method"] == "window/showMessage"]
    assert len(shown) == 1


def test_clocks_may_jump(started, monkeypatch):
    days = iter(range(0, 10**9, 40_000))
    monkeypatch.setattr(time, "time", lambda: 2e9 - 86_400 * (next(days) % 90_000))
    editor = started()
    for _ in range(3):
        editor.edit()
        assert editor.suggested() == ["a + b"]


def test_a_full_disk_costs_the_counts_and_no_suggestion(started, monkeypatch, caplog):
    def full(store: MetricsStore, events: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(MetricsStore, "put", full)
    monkeypatch.setattr(writer, "BATCH_S", 0.01)
    editor = started()
    assert editor.suggested() == ["a + b"]
    editor.server.feedback.writer.stop()
    assert "counts are not written yet: database or disk is full" in caplog.text
    editor.edit()
    assert editor.suggested() == ["a + b"]


def framed(length: int, body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (length, body)


NOTICE = json.dumps({"jsonrpc": "2.0", "method": "no/such", "params": {"text": "x" * 50}}).encode()


@pytest.mark.parametrize(
    "sent",
    [
        framed(len(NOTICE) - 20, NOTICE),  # half of it is read, the rest is no header
        framed(len(NOTICE) - 20, NOTICE[:-20]),
        framed(len(NOTICE), NOTICE) + b"\r\n\r\nContent-Type: x\r\n",
        b"Content-Length: many\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
    ],
)
def test_after_half_a_message_the_next_one_is_answered(started, sent):
    editor = started()
    editor.write(sent)
    assert editor.suggested() == ["a + b"]


def test_a_message_may_come_a_byte_at_a_time(started):
    editor = started()
    editor.last += 1
    body = json.dumps({"jsonrpc": "2.0", "id": editor.last, "method": "fimLsp/explain"}).encode()
    for byte in framed(len(body), body):
        editor.write(bytes([byte]))
    editor.wait({editor.last})


@pytest.mark.parametrize("sent", [framed(1000, NOTICE), b"Content-Length: 10", b"Content-Length: 10\r\n", NOTICE])
def test_a_client_that_vanishes_within_a_message_is_left(started, sent):
    editor = started()
    editor.suggested()
    editor.write(sent)  # and `started` hangs up, and waits for the server's end
