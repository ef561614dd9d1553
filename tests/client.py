"""A language client of our own: raw JSON-RPC to a real subprocess, so that it can also misbehave."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

URI = "file:///w/a.py"
CODE = "def f(a, b):\n    x = \n"
LONG = json.dumps([" + ".join(f"word{n}" for n in range(200))])  # takes many steps
PAIR = ("--texts", '["a + b"]', "--bert-texts", '["a):"]')  # what either family says
FULL = {
    "window": {"workDoneProgress": True},
    "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
    "textDocument": {"inlineCompletion": {}, "completion": {}},
}


class Client:
    """Start a server, send what a test wants, and count the answers to every id."""

    def __init__(self, command: list[str], cwd: Path, settings: Any = None, env: dict[str, str] | None = None):
        self.settings = settings  # what workspace/configuration is answered with
        self.trace = cwd / "trace.jsonl"
        self.process = subprocess.Popen(
            [*command, "--trace", str(self.trace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
        self.answers: dict[Any, dict[str, Any]] = {}
        self.counts: Counter[Any] = Counter()
        self.asked: set[Any] = set()
        self.notes: queue.Queue[dict[str, Any]] = queue.Queue()
        self.requests: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.last_id = 0
        self.version = 0
        self.stderr = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.errors = threading.Thread(target=self._drain, daemon=True)
        self.errors.start()

    @classmethod
    def fake(cls, cwd: Path, *args: str, **more: Any) -> Client:
        """Start the real server around the scripted backend of tests/fake_server.py."""
        script = Path(__file__).with_name("fake_server.py")
        return cls([sys.executable, str(script), *args], cwd, **more)

    @classmethod
    def real(cls, cwd: Path, *args: str, **more: Any) -> Client:
        """Start `fim-lsp serve` with the shipped weights."""
        return cls([sys.executable, "-m", "fim_lsp", "serve", *args], cwd, **more)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *problem: object) -> None:
        if self.process.poll() is None:
            self.request("shutdown")
            self.notify("exit")
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.reader.join(5)  # all that the server ever said
        self.errors.join(5)

    def check_clean(self) -> None:
        """Every id answered exactly once, and nothing on standard error."""
        unanswered = {i for i in self.asked if self.counts[i] == 0}
        assert not unanswered, f"unanswered: {unanswered}"
        assert not [i for i, n in self.counts.items() if n > 1 and i is not None], f"answered twice: {self.counts}"
        assert b"Traceback" not in self.stderr, self.stderr.decode()

    # -- sending ------------------------------------------------------------------------------------------

    def raw(self, body: bytes) -> None:
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> int:
        """Send a request and return its id without waiting."""
        self.last_id += 1
        self.asked.add(self.last_id)
        self.send({"id": self.last_id, "method": method, "params": params})
        return self.last_id

    def request(self, method: str, params: Any = None, timeout: float = 60) -> dict[str, Any]:
        return self.wait(self.ask(method, params), timeout)

    def wait(self, msg_id: Any, timeout: float = 60) -> dict[str, Any]:
        with self.changed:
            ended = lambda: msg_id in self.answers or self.process.poll() is not None  # noqa: E731
            while timeout > 0 and not ended():
                self.changed.wait(0.5)
                timeout -= 0.5
            assert msg_id in self.answers, f"no answer to {msg_id}; {self.stderr.decode()}"
            return self.answers[msg_id]

    # -- the usual moves ----------------------------------------------------------------------------------

    def start(self, capabilities: Any = None, **params: Any) -> dict[str, Any]:
        """Do the handshake and return the server's capabilities."""
        full = {"processId": None, "rootUri": None, "capabilities": FULL if capabilities is None else capabilities}
        answer = self.request("initialize", {**full, **params})
        self.notify("initialized", {})
        return answer["result"]["capabilities"]

    def open(self, text: str, uri: str = URI, language: str = "python") -> None:
        document = {"uri": uri, "languageId": language, "version": self.version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(self, *changes: Any, uri: str = URI) -> None:
        self.version += 1
        identity = {"uri": uri, "version": self.version}
        self.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": list(changes)})

    def type(self, line: int, character: int, text: str, uri: str = URI) -> None:
        at = {"line": line, "character": character}
        self.change({"range": {"start": at, "end": at}, "text": text}, uri=uri)

    def ask_inline(self, line: int, character: int, kind: int = 2, uri: str = URI) -> int:
        return self.ask("textDocument/inlineCompletion", inline_params(line, character, kind, uri))

    def inline(self, line: int, character: int, kind: int = 2, uri: str = URI) -> list[dict[str, Any]]:
        return self.wait(self.ask_inline(line, character, kind, uri))["result"]["items"]

    def explain(self, line: int, character: int, uri: str = URI) -> dict[str, Any]:
        return self.request("fimLsp/explain", where(line, character, uri))["result"]

    def ask_compare(self, line: int, character: int, uri: str = URI) -> int:
        return self.ask("fimLsp/compare", where(line, character, uri))

    def compare(self, line: int, character: int, uri: str = URI) -> dict[str, Any]:
        return self.wait(self.ask_compare(line, character, uri), 120)["result"]

    def note(self, method: str, timeout: float = 60) -> dict[str, Any]:
        """Wait for the next notification of a method, passing over others."""
        until = time.monotonic() + timeout
        while True:
            message = self.notes.get(timeout=max(until - time.monotonic(), 0.01))
            if message["method"] == method:
                return message["params"]

    def until_ready(self) -> None:
        self.until_state("ready")

    def until_state(self, state: str) -> None:
        while self.note("fimLsp/status")["state"] != state:
            pass

    def until_asked(self, method: str, times: int) -> None:
        """Wait until the server has asked something of us so many times, and was answered."""
        with self.changed:
            is_asked = lambda: [one["method"] for one in self.requests].count(method) >= times  # noqa: E731
            assert self.changed.wait_for(is_asked, 60), f"{method} was not asked {times} times"

    def traced(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.trace.read_text().splitlines()]

    # -- reading ------------------------------------------------------------------------------------------

    def _read(self) -> None:
        out = self.process.stdout
        while header := out.readline():
            if not header.lower().startswith(b"content-length:"):
                continue
            length = int(header.split(b":")[1])
            while out.readline().strip():
                pass
            self._take(json.loads(out.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            with self.changed:
                self.answers[message.get("id")] = message
                self.counts[message.get("id")] += 1
                self.changed.notify_all()
        elif "id" in message:
            result = [self.settings] if message["method"] == "workspace/configuration" else None
            with contextlib.suppress(ValueError, BrokenPipeError):  # the test has hung up
                self.send({"id": message["id"], "result": result})
            with self.changed:
                self.requests.append(message)
                self.changed.notify_all()
        else:
            self.notes.put(message)

    def _drain(self) -> None:
        self.stderr = self.process.stderr.read()


def where(line: int, character: int, uri: str = URI) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def inline_params(line: int, character: int, kind: int = 2, uri: str = URI) -> dict[str, Any]:
    return {**where(line, character, uri), "context": {"triggerKind": kind}}
