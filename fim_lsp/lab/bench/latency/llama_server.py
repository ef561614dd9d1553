"""llama-server behind an editor that does what llama.vim does: one request at a time, speculation, its own cache."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fim_lsp.errors import InputError, ModelError
from fim_lsp.lab.bench.latency import llama_vim, process
from fim_lsp.lab.bench.latency.editor import Change, EditorSimulator
from fim_lsp.lab.bench.latency.llama_vim import Answers, Hint, Local, View

BUSY_S = 0.1  # while a request is under way the next one is tried again so much later
PATIENCE_S = 120.0
CONTEXT_TOKENS = 4096
BATCH_TOKENS = 1024  # as in llama-server's own presets for fill-in-the-middle
FLAGS = ("--spm-infill", "--cache-reuse", "256", "-np", "1", "--no-webui")
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Job:
    """A request under way or done; `is_speculative` for what would come after accepting."""

    at: Local
    is_speculative: bool


@dataclass
class Timer:
    """A call put off: `is_speculative`, and for which lines shown."""

    due: float
    shown: tuple[str, ...]


@dataclass
class LlamaEditor(EditorSimulator):
    """An editor with llama.vim before a llama-server at `address`."""

    address: tuple[str, int] = ("127.0.0.1", 0)
    sampling: Mapping[str, Any] = field(default_factory=dict)  # in place of llama.vim's
    answers: Answers = field(default_factory=Answers)
    job: Job | None = None
    timer: Timer | None = None
    indent: int = 0
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("prefilled", "reused", "decoded"), 0))
    requests: int = 0
    server: subprocess.Popen[bytes] | None = None

    def cpu_s(self) -> float:
        return process.cpu_s(self.server) if self.server else 0.0

    def _opened(self) -> None:
        self.timer = None

    def _ask(self, before: str, change: Change | None) -> None:
        """Show what is kept, speculate on it, then ask for this place unless an answer is kept."""
        self.timer = None  # llama.vim would still speculate on a place that is left
        hint = self._try_hint(from_cache=True)
        self._fim(hint.lines if hint else ())
        if hint:
            self._fim(())
        at = llama_vim.local(self._view())
        if hint is None and len(at.line_suffix) > llama_vim.MAX_LINE_SUFFIX:
            self.answer(time.perf_counter(), None, reached_model=False)  # never asked: nothing will come

    def _cancel(self) -> None:
        """llama.vim never does: the request goes on, and its answer is kept."""

    def _take(self, stamp: float, event: Any) -> None:
        job, self.job = self.job, None  # kinder than llama.vim, which speculates only after its next timer
        assert job is not None
        if isinstance(event, Exception):
            raise ModelError(f"llama-server does not answer: {event}")
        if "content" not in event:
            raise ModelError(f"llama-server refused a request: {event}")
        for own, given in (("prefilled", "prompt_n"), ("reused", "cache_n"), ("decoded", "predicted_n")):
            self.tokens[own] += event.get(f"timings/{given}", 0)
        self.answers.put(job.at, event["content"])
        if (
            self.ghost is None
            and self.asks
            and self.asks[-1].given_up_ms is None
            and (hint := self._try_hint(from_cache=False, stamp=stamp))
        ):
            self._fim(hint.lines)

    def _try_hint(self, from_cache: bool, stamp: float = 0.0) -> Hint | None:
        view = self._view()
        content = self.answers.find(llama_vim.local(view))
        if content is None:
            return None
        hint = llama_vim.render(content, view)
        self.answer(stamp or time.perf_counter(), hint.ghost, reached_model=not from_cache)
        return hint

    def _fim(self, shown: Sequence[str]) -> None:
        """Ask for the completion here, or for what comes after `shown`, unless it is known or too much is under way."""
        if self.job:
            self.timer = Timer(time.perf_counter() + BUSY_S, tuple(shown))
            return
        at = llama_vim.local(self._view(), shown, self.indent)
        if len(at.line_suffix) > llama_vim.MAX_LINE_SUFFIX or self.answers.has(at):
            return
        self.indent, self.job = at.indent, Job(at, bool(shown))
        self.requests += 1
        body = llama_vim.request(at, bool(shown), self.sampling)
        threading.Thread(target=self._post, args=(json.dumps(body),), daemon=True).start()

    def _post(self, body: str) -> None:
        try:
            answer: Any = post(self.address, "/infill", body)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            answer = problem
        self.events.put((time.perf_counter(), answer))

    def _next_tick(self) -> float:
        return self.timer.due if self.timer else float("inf")

    def _tick(self, now: float) -> None:
        if self.timer and self.timer.due <= now:
            shown, self.timer = self.timer.shown, None
            self._fim(shown)

    def _is_busy(self) -> bool:
        return self.job is not None or self.timer is not None

    def _view(self) -> View:
        return View.at(self.document, self.cursor)


def find_server(given: Path | None) -> Path | None:
    """Return the llama-server to use, None when there is none; raises InputError for a path with nothing there."""
    if given is None:
        found = shutil.which("llama-server")
        return Path(found) if found else None
    if not given.is_file():
        raise InputError(f"--llama-server {given} is not there")
    return given


def launch(server: Path, gguf: Path, threads: int, flags: Sequence[str], sampling: Mapping[str, Any]) -> LlamaEditor:
    """Start a llama-server at its best for this model and return an editor before it; raises ModelError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sizes = ("-c", str(CONTEXT_TOKENS), "-b", str(BATCH_TOKENS), "-ub", str(BATCH_TOKENS))
    many = ("-t", str(threads), "-tb", str(threads))
    command = [str(server), "-m", str(gguf), "--host", "127.0.0.1", "--port", str(port), *sizes, *many, *FLAGS, *flags]
    try:
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as problem:
        raise ModelError(f"{server} cannot be started: {problem}") from None
    editor = LlamaEditor("llama-server", address=("127.0.0.1", port), sampling=sampling, server=running)
    until = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < until and running.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            if post(editor.address, "/health").get("status") == "ok":
                return editor
        time.sleep(0.02)
    running.kill()
    raise ModelError(f"llama-server did not come up; try it by hand: {' '.join(command)}")


def close(editor: LlamaEditor) -> None:
    if editor.server:
        editor.server.terminate()
        process.end(editor.server)


def post(address: tuple[str, int], path: str, body: str = "") -> dict[str, Any]:
    """POST a body, or GET without one, and return the JSON that comes."""
    link = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    try:
        link.request("POST" if body else "GET", path, body or None, JSON)
        return dict(json.loads(link.getresponse().read()))
    finally:
        link.close()
