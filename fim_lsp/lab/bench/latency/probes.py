"""What no trace shows by itself: how soon after its launch a server helps, and by how much it overruns a deadline."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fim_lsp.lab.bench.latency import llama_server, llama_vim, process
from fim_lsp.lab.bench.latency.llama_server import LlamaEditor
from fim_lsp.lab.bench.latency.llama_vim import View
from fim_lsp.lab.bench.latency.lsp_server import LspEditor
from fim_lsp.lab.bench.latency.traces import TypingTrace

LAUNCHES = 3
DEADLINE_MS = 60  # shorter than a cold answer takes
CANCEL_AFTER_S = 0.05
ASKED_MOST = 40
SAMPLE = "def mean(values):\n    total = 0.0\n    for value in values:\n        total += value\n    return "
ANSWERED_S = 30.0


def cold_start(make: Callable[[Path], LspEditor]) -> list[dict[str, float]]:
    """Launch a server some times and ask at once: milliseconds to `initialize` answered and to the first suggestion."""
    rows = []
    for _ in range(LAUNCHES):
        with tempfile.TemporaryDirectory() as folder:
            editor = make(Path(folder) / "trace.jsonl")
            editor.launch()
            editor.open("cold", SAMPLE)
            editor.press("jump", len(SAMPLE))
            first_ms = _until_shown(editor, editor.link.launched)
            rows.append({"initialize_ms": round(editor.initialize_ms, 1), "first_suggestion_ms": first_ms})
            editor.close()
    return rows


def cold_start_of_llama_server(make: Callable[[], LlamaEditor]) -> list[dict[str, float]]:
    """Return milliseconds from a launch of llama-server to its first answer."""
    rows = []
    for _ in range(LAUNCHES):
        launched = time.perf_counter()
        editor = make()
        body = llama_vim.request(llama_vim.local(View.at(SAMPLE, len(SAMPLE))), False, editor.sampling)
        llama_server.post(editor.address, "/infill", json.dumps(body))
        rows.append({"first_suggestion_ms": round((time.perf_counter() - launched) * 1e3, 1)})
        llama_server.close(editor)
    return rows


def deadline_overshoot(editor: LspEditor, traces: Sequence[TypingTrace]) -> list[float]:
    """Ask cold places with a short deadline; return by how many milliseconds each late answer was late."""
    editor.configure(deadlineMs=DEADLINE_MS)
    late = []
    for trace, offsets in _cursors(traces):
        editor.open(f"deadline-{trace.name}", trace.begun())
        for offset in offsets:
            editor.press("jump", offset)
            editor.settle()
            late.append((editor.asks[-1].answered_ms or 0.0) - DEADLINE_MS)
    editor.configure()
    return [round(ms, 2) for ms in late if ms > 0]


def cancel(editor: LspEditor, traces: Sequence[TypingTrace]) -> None:
    """Cancel requests while they run: the server's trace says how soon it was at rest."""
    for trace, offsets in _cursors(traces):
        editor.open(f"cancel-{trace.name}", trace.begun())
        for offset in offsets:
            editor.press("jump", offset)
            editor.rest(CANCEL_AFTER_S)
            editor.give_up()
            editor.settle()


def memory(editor: LspEditor | LlamaEditor) -> float:
    """Return the most megabytes a server has held."""
    running = editor.link.process if isinstance(editor, LspEditor) else editor.server
    return process.peak_mb(running) if running else 0.0


def traced(path: Path) -> list[dict[str, Any]]:
    """Return the records of `--trace`."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _cursors(traces: Sequence[TypingTrace]) -> list[tuple[TypingTrace, list[int]]]:
    """Return ends of lines all over each text, far enough apart that nothing kept helps."""
    each = -(-ASKED_MOST // len(traces))
    rows = []
    for trace in traces:
        text = trace.begun()
        step = max(1, len(text) // (each + 1))
        found = [text.find(":\n", step * number) + 1 for number in range(1, each + 1)]
        rows.append((trace, [offset for offset in dict.fromkeys(found) if offset]))
    return rows


def _until_shown(editor: LspEditor, launched: float) -> float:
    """Ask again until something is shown; the first answers may come before the model is there."""
    until = time.perf_counter() + ANSWERED_S
    while editor.ghost is None and time.perf_counter() < until:
        if not editor.under_way:
            editor.press("jump", editor.cursor)
        editor.rest(0.005)
    ms = (editor.seen_at if editor.ghost else time.perf_counter()) - launched
    return round(ms * 1e3, 1)
