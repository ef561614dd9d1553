"""A person who types and never rests: does the server's memory stay what it was, and are its answers as quick?

8 keys a second through file after file ──▶ server ──▶ answers, or the next key overtook them; memory each second
first sixth ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ last sixth: how much more memory, how much slower
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from statistics import median
from typing import Any

import psutil

from fim_lsp import __version__, machine
from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.compare.stats import summary
from fim_lsp.lab.bench.latency import figures
from fim_lsp.lab.bench.latency.editor import Ask, Change
from fim_lsp.lab.bench.latency.lsp_server import LspEditor
from fim_lsp.lab.bench.latency.traces import TypingTrace, keys

SCHEMA = 1
PARTS = 6
SAMPLE_S = 1.0


def run(
    editor: LspEditor,
    traces: Sequence[TypingTrace],
    minutes: float,
    keys_per_s: float,
    tell: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Type for so long through a server that is launched here and closed; returns the report of docs/reliability.md.

    Raises ModelError.
    """
    tell("launching fim-lsp")
    editor.launch()
    try:
        editor.until_ready()
        load, began, spent = OtherCpuLoad(), time.perf_counter(), editor.cpu_s()
        asked_s, memory = _type(editor, traces, began, 60 * minutes, 1 / keys_per_s, tell)
        editor.settle()
        wall_s = time.perf_counter() - began
        others = max(0.0, load.busy_cores() - (editor.cpu_s() - spent) / wall_s)
        unanswered = len(editor.under_way)
    finally:
        editor.close()
    parts = _sum_up(editor.asks, asked_s, memory, 60 * minutes)
    first, last = parts[0], parts[-1]
    return {
        "schema": SCHEMA,
        "fim_lsp": __version__,
        "machine": {**machine.describe(), "others_busy_cores": round(others, 2)},
        "minutes": minutes,
        "keys_per_s": keys_per_s,
        "requests": len(editor.asks),
        "unanswered": unanswered,
        "parts": parts,
        "memory_growth_percent": _growth(first["memory_mb"], last["memory_mb"]),
        "p95_growth_percent": _growth(first["estimated_ms"]["p95"], last["estimated_ms"]["p95"]),
        "memory": memory,
    }


def _type(
    editor: LspEditor,
    traces: Sequence[TypingTrace],
    began: float,
    seconds: float,
    beat_s: float,
    tell: Callable[[str], None],
) -> tuple[list[float], list[tuple[float, float]]]:
    """Press key after key; returns when each was pressed, and (second, megabytes) of the server."""
    server = psutil.Process(editor.link.process.pid)
    asked_s: list[float] = []
    memory: list[tuple[float, float]] = []
    due = began
    for kind, cursor, change in _presses(editor, traces):
        editor.rest(max(0.0, due - time.perf_counter()))
        due += beat_s
        now = time.perf_counter() - began
        if now >= (len(memory) + 1) * SAMPLE_S:
            memory.append((round(now, 1), round(server.memory_info().rss / 1e6, 2)))
            tell(f"{now / 60:.1f} of {seconds / 60:.1f} min, {memory[-1][1]:.0f} MB")
        if now >= seconds:
            break
        editor.press(kind, cursor, change)
        asked_s.append(now)
    editor.give_up()
    return asked_s, memory


def _presses(editor: LspEditor, traces: Sequence[TypingTrace]) -> Iterator[tuple[Any, int, Change | None]]:
    """Yield the keys that write trace after trace, for ever; each file is opened before its first and closed after."""
    for trace in cycle(traces):
        editor.open(trace.name, trace.begun())
        for offset, wanted, _ in trace.located_edits():
            yield "jump", offset, None
            for key in keys(wanted):
                yield "key", editor.cursor + len(key), Change(editor.cursor, editor.cursor, key)
        editor.shut()


def _sum_up(
    asks: Sequence[Ask], asked_s: Sequence[float], memory: Sequence[tuple[float, float]], seconds: float
) -> list[dict[str, Any]]:
    """Return a row for each sixth of the time."""
    rows = []
    for part in range(PARTS):
        begin, end = (seconds * n / PARTS for n in (part, part + 1))
        some = [ask for ask, at in zip(asks, asked_s, strict=True) if begin <= at < end]
        held = [mb for at, mb in memory if begin <= at < end]
        answered = [ask.answered_ms for ask in some if ask.answered_ms is not None]
        estimated = figures.estimate(some)
        rows.append(
            {
                "until_s": round(end, 1),
                "requests": len(some),
                "overtaken": len(some) - len(answered),
                "answered_ms": summary(answered),
                "estimated_ms": {name: estimated[name] for name in ("p50", "p95", "longest")},
                "memory_mb": median(held) if held else None,
            }
        )
    return rows


def _growth(first: float | None, last: float | None) -> float | None:
    return round(100 * (last / first - 1), 2) if first and last else None
