"""fim-lsp behind an editor that does what VS Code does: a change and a request at every key, the last one cancelled."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fim_lsp.errors import ModelError
from fim_lsp.lab.bench.latency import process
from fim_lsp.lab.bench.latency.editor import Change, EditorSimulator, Ghost

INLINE = "textDocument/inlineCompletion"
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": False},
    "textDocument": {"inlineCompletion": {"dynamicRegistration": False}},
}
PATIENCE_S = 120.0
WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)")  # what "accept next word" takes


class Link:
    """JSON-RPC with a server over its standard input and output; whatever it sends lands in `editor.events`."""

    def __init__(self, command: Sequence[str], take: Any, env: Mapping[str, str]):
        self.launched = time.perf_counter()
        pipe, surroundings = subprocess.PIPE, {**os.environ, **env}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs: no launch does that anew
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=surroundings)
        self.take, self.last_id, self.complaints = take, 0, b""
        for work in (self._read, self._drain):
            threading.Thread(target=work, daemon=True).start()

    def send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self.process.stdin.flush()
        except OSError:
            raise ModelError(f"the server has ended: {self.complaints.decode(errors='replace')[-400:]}") from None

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> int:
        """Send a request and return its id."""
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        return self.last_id

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while header := out.readline():
            if header.lower().startswith(b"content-length:"):
                while out.readline().strip():
                    pass
                body = out.read(int(header.split(b":")[1]))
                self.take(time.perf_counter(), json.loads(body))

    def _drain(self) -> None:
        assert self.process.stderr is not None
        self.complaints = self.process.stderr.read()


@dataclass
class LspEditor(EditorSimulator):
    """An editor that speaks LSP to a server of ours; `trace_file` is what the server writes of every request."""

    command: Sequence[str] = ()
    trace_file: Path = Path()
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 0
    link: Link = field(init=False)
    initialize_ms: float = 0.0
    waiting: int = 0  # id of the request whose answer may still be shown
    under_way: set[int] = field(default_factory=set)
    answers: dict[int, Any] = field(default_factory=dict)  # of what was asked by `call`
    state: str = ""

    def launch(self) -> None:
        """Start the server and shake hands; raises ModelError."""
        env = {"OMP_NUM_THREADS": str(self.threads), "FIM_LSP_THREADS": str(self.threads)} if self.threads else {}
        command = [*self.command, "--trace", str(self.trace_file)]
        self.link = Link(command, lambda stamp, message: self.events.put((stamp, message)), env)
        options = {"initializationOptions": self.settings, "processId": os.getpid(), "rootUri": None}
        self.call("initialize", {"capabilities": CAPABILITIES, **options})
        self.initialize_ms = (time.perf_counter() - self.link.launched) * 1e3
        self.link.notify("initialized", {})

    def until_ready(self) -> None:
        """Wait for the model; raises ModelError."""
        until = time.perf_counter() + PATIENCE_S
        while self.state not in ("ready", "error") and time.perf_counter() < until:
            self._check()
            self.rest(0.02)
        if self.state != "ready":
            raise ModelError(f"the server did not become ready: {self.state or 'it told nothing'}")

    def call(self, method: str, params: Any) -> Any:
        """Ask and wait for the answer; raises ModelError."""
        asked, until = self.link.ask(method, params), time.perf_counter() + PATIENCE_S
        self.answers[asked] = None
        while self.answers[asked] is None and time.perf_counter() < until:
            self._check()
            self.rest(0.002)
        return self.answers.pop(asked)

    def configure(self, **settings: Any) -> None:
        self.link.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {**self.settings, **settings}}})

    def close(self) -> None:
        with contextlib.suppress(ModelError):
            self.call("shutdown", None)
            self.link.notify("exit", None)
        process.end(self.link.process)

    def cpu_s(self) -> float:
        return process.cpu_s(self.link.process)

    @property
    def uri(self) -> str:
        return f"file:///trace/{self.trace}.py"

    def _opened(self) -> None:
        item = {"uri": self.uri, "languageId": "python", "version": self.version, "text": self.document}
        self.link.notify("textDocument/didOpen", {"textDocument": item})

    def shut(self) -> None:
        """Close the document."""
        self.give_up()
        self.link.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def _ask(self, before: str, change: Change | None) -> None:
        if self.expected:  # an editor goes on showing what is typed along
            self.ghost = self._ghost(self.expected, self.cursor, self.cursor)
        if change:
            where = {"start": position(before, change.start), "end": position(before, change.end)}
            identity = {"uri": self.uri, "version": self.version}
            changes = [{"range": where, "text": change.text}]
            self.link.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": changes})
        here = {"textDocument": {"uri": self.uri}, "position": position(self.document, self.cursor)}
        self.waiting = self.link.ask(INLINE, {**here, "context": {"triggerKind": 2}})
        self.under_way.add(self.waiting)

    def _cancel(self) -> None:
        if self.waiting in self.under_way:
            self.link.notify("$/cancelRequest", {"id": self.waiting})

    def _take(self, stamp: float, event: Any) -> None:
        if "method" in event:
            if "id" in event:
                self.link.send({"id": event["id"], "result": None})
            elif event["method"] == "fimLsp/status":
                self.state = event["params"]["state"]
            return
        number = event.get("id")
        self.under_way.discard(number)
        if number in self.answers:
            self.answers[number] = event.get("result") or {}
        elif number == self.waiting and self.asks and self.asks[-1].given_up_ms is None:
            items = (event.get("result") or {}).get("items") or []
            self.answer(stamp, self._from_item(items[0]) if items else None, None)

    def _from_item(self, item: Mapping[str, Any]) -> Ghost | None:
        start, end = (_offset(self.document, item["range"][edge], self.cursor) for edge in ("start", "end"))
        text = item["insertText"]
        typed = self.document[start : self.cursor]
        if not text.startswith(typed) or len(text) == len(typed):
            return None
        return self._ghost(text[len(typed) :], self.cursor, end)

    def _ghost(self, text: str, start: int, end: int) -> Ghost:
        """Return ghost text that, accepted whole, also takes what it covers right of the cursor."""
        covered = self.document[start:end]
        shown = text.removesuffix(covered) if covered else text
        word = WORD.match(shown)
        line, first = Change(start, start, shown.split("\n")[0]), word[0] if word else ""
        return Ghost(shown, Change(start, end, text), line, Change(start, start, first))

    def _is_busy(self) -> bool:
        return bool(self.under_way)

    def _check(self) -> None:
        if self.link.process.poll() is not None:
            raise ModelError(f"the server has ended: {self.link.complaints.decode(errors='replace')[-400:]}")


def served(trace_file: Path, settings: Mapping[str, Any], threads: int) -> LspEditor:
    """Return an editor before `fim-lsp serve`, not yet launched."""
    command = [sys.executable, "-m", "fim_lsp", "serve"]
    uncounted = {**settings, "metrics": False}  # these are no person's keys
    return LspEditor("fim-lsp", command=command, trace_file=trace_file, settings=uncounted, threads=threads)


def position(text: str, offset: int) -> dict[str, int]:
    """Return an offset as LSP's line and UTF-16 character; the shipped texts break lines with a newline only."""
    start = text.rfind("\n", 0, offset) + 1
    return {"line": text.count("\n", 0, start), "character": len(text[start:offset].encode("utf-16-le")) // 2}


def _offset(text: str, at: Mapping[str, int], cursor: int) -> int:
    """Return the offset of a position on the cursor's line, where an item's range has to be."""
    start = text.rfind("\n", 0, cursor) + 1
    line = text[start : text.find("\n", start) if "\n" in text[start:] else len(text)]
    return start + len(line.encode("utf-16-le")[: 2 * at["character"]].decode("utf-16-le", errors="ignore"))
