"""A whole run: launches, then trace by trace each contender in turn, then what takes probes; returns the report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fim_lsp import __version__, machine
from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.compare.stats import summary
from fim_lsp.lab.bench.latency import figures, llama_server, probes
from fim_lsp.lab.bench.latency.editor import EditorSimulator
from fim_lsp.lab.bench.latency.llama_server import LlamaEditor
from fim_lsp.lab.bench.latency.lsp_server import LspEditor
from fim_lsp.lab.bench.latency.replay import Replay, replay
from fim_lsp.lab.bench.latency.traces import TypingTrace

SCHEMA = 1
MakeLspEditor = Callable[[Path], LspEditor]
MakeLlamaEditor = Callable[[], LlamaEditor]


def run(
    traces: Sequence[TypingTrace],
    make_lsp_editor: MakeLspEditor,
    make_llama_editor: MakeLlamaEditor | None,
    threads: int,
    speed: float = 1.0,
    tell: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Measure fim-lsp, and llama-server beside it if there is one, and return the report of docs/latency.md.

    Raises ModelError.
    """
    machine.pin(threads)
    tell("launching fim-lsp")
    starts = {"fim-lsp": figures.cold(probes.cold_start(make_lsp_editor))}
    if make_llama_editor:
        tell("launching llama-server")
        starts["llama-server"] = figures.cold(probes.cold_start_of_llama_server(make_llama_editor))
    other_load, began = OtherCpuLoad(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        own = make_lsp_editor(Path(folder) / "trace.jsonl")
        own.launch()
        peer = make_llama_editor() if make_llama_editor else None
        try:
            own.until_ready()
            editors: list[EditorSimulator] = [own, *([peer] if peer else [])]
            replays = _replay(traces, editors, speed, tell)
            contenders = [_sum_up_fim_lsp(own, replays)]
            busy_s = sum(editor.cpu_s() for editor in editors)
            wall_s = time.monotonic() - began
            others = max(0.0, other_load.busy_cores() - busy_s / wall_s)
            asks = {editor.name: list(editor.asks) for editor in editors}
            tell("cancelling, and overrunning a short deadline")
            records = len(probes.traced(own.trace_file))
            probes.cancel(own, traces)
            cancelled = probes.traced(own.trace_file)
            late = probes.deadline_overshoot(own, traces)
            contenders[0]["peak_mb"] = probes.memory(own)
            if peer:
                contenders.append(_sum_up_llama_server(peer, asks[peer.name], replays))
        finally:
            if peer:
                llama_server.close(peer)
            own.close()
    return {
        "schema": SCHEMA,
        "fim_lsp": __version__,
        "machine": {
            **machine.describe(),
            "threads": threads,
            "others_percent": round(100 * others / (os.cpu_count() or 1), 1),
        },
        "speed": speed,
        "traces": [{"name": trace.name, "lines": trace.final.count("\n")} for trace in traces],
        "contenders": contenders,
        "ratios": figures.ratios(*contenders) if peer else None,
        "cold_start": starts,
        "cancel_to_idle_ms": {
            "replay": figures.idle(cancelled[:records]),
            "probe": figures.idle(cancelled[records:]),
        },
        "deadline_overshoot_ms": {"deadline_ms": probes.DEADLINE_MS, "n": len(late), **summary(late)},
        "asks": {name: [asdict(ask) for ask in some] for name, some in asks.items()},
    }


def _replay(
    traces: Sequence[TypingTrace], editors: Sequence[EditorSimulator], speed: float, tell: Callable[[str], None]
) -> list[Replay]:
    """Replay each trace through each editor, taking turns at being first; what warms them up is not counted."""
    for editor in editors:
        editor.open("warm-up", probes.SAMPLE)
        editor.press("jump", len(probes.SAMPLE))
        editor.settle()
        editor.asks.clear()
    replays = []
    for number, trace in enumerate(traces):
        for editor in editors if number % 2 == 0 else editors[::-1]:
            tell(f"{trace.name} through {editor.name}")
            replays.append(replay(trace, editor, speed))
    return replays


def _sum_up_fim_lsp(own: LspEditor, replays: Sequence[Replay]) -> dict[str, Any]:
    records = [one for one in probes.traced(own.trace_file) if not one["uri"].endswith("/warm-up.py")]
    tokens = figures.attribute(own.asks, records)
    return figures.sum_up(own.name, own.asks, _of(own, replays), tokens)


def _sum_up_llama_server(peer: LlamaEditor, asks: Sequence[Any], replays: Sequence[Replay]) -> dict[str, Any]:
    entry = figures.sum_up(peer.name, asks, _of(peer, replays), peer.tokens)
    return entry | {"server_requests": peer.requests, "peak_mb": probes.memory(peer)}


def _of(editor: EditorSimulator, replays: Sequence[Replay]) -> list[Replay]:
    return [one for one in replays if one.contender == editor.name]
