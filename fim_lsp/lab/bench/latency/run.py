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
from fim_lsp.lab.bench.latency import figures, probes, theirs
from fim_lsp.lab.bench.latency.editor import Typist
from fim_lsp.lab.bench.latency.ours import LspTypist
from fim_lsp.lab.bench.latency.replay import Replay, replay
from fim_lsp.lab.bench.latency.theirs import LlamaTypist
from fim_lsp.lab.bench.latency.traces import Trace

SCHEMA = 1
MakeOurs = Callable[[Path], LspTypist]
MakeTheirs = Callable[[], LlamaTypist]


def run(
    traces: Sequence[Trace],
    make_ours: MakeOurs,
    make_theirs: MakeTheirs | None,
    threads: int,
    speed: float = 1.0,
    tell: Callable[[str], None] = lambda what: None,
) -> dict[str, Any]:
    """Measure fim-lsp, and llama-server beside it if there is one, and return the report of docs/latency.md.

    Raises ModelError.
    """
    machine.pin(threads)
    tell("launching fim-lsp")
    starts = {"fim-lsp": figures.cold(probes.cold_start(make_ours))}
    if make_theirs:
        tell("launching llama-server")
        starts["llama-server"] = figures.cold(probes.cold_start_of_theirs(make_theirs))
    other_load, began = OtherCpuLoad(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        ours = make_ours(Path(folder) / "trace.jsonl")
        ours.launch()
        peer = make_theirs() if make_theirs else None
        try:
            ours.until_ready()
            typists: list[Typist] = [ours, *([peer] if peer else [])]
            replays = _replay(traces, typists, speed, tell)
            contenders = [_sum_up_ours(ours, replays)]
            busy_s = sum(typist.cpu_s() for typist in typists)
            wall_s = time.monotonic() - began
            others = max(0.0, other_load.busy_cores() - busy_s / wall_s)
            asks = {typist.name: list(typist.asks) for typist in typists}
            tell("cancelling, and overrunning a short deadline")
            records = len(probes.traced(ours.trace_file))
            probes.cancel(ours, traces)
            cancelled = probes.traced(ours.trace_file)
            late = probes.deadline_overshoot(ours, traces)
            contenders[0]["peak_mb"] = probes.memory(ours)
            if peer:
                contenders.append(_sum_up_theirs(peer, asks[peer.name], replays))
        finally:
            if peer:
                theirs.close(peer)
            ours.close()
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
    traces: Sequence[Trace], typists: Sequence[Typist], speed: float, tell: Callable[[str], None]
) -> list[Replay]:
    """Replay each trace through each editor, taking turns at being first; what warms them up is not counted."""
    for typist in typists:
        typist.open("warm-up", probes.SAMPLE)
        typist.press("jump", len(probes.SAMPLE))
        typist.settle()
        typist.asks.clear()
    replays = []
    for number, trace in enumerate(traces):
        for typist in typists if number % 2 == 0 else typists[::-1]:
            tell(f"{trace.name} through {typist.name}")
            replays.append(replay(trace, typist, speed))
    return replays


def _sum_up_ours(ours: LspTypist, replays: Sequence[Replay]) -> dict[str, Any]:
    records = [one for one in probes.traced(ours.trace_file) if not one["uri"].endswith("/warm-up.py")]
    tokens = figures.attribute(ours.asks, records)
    return figures.sum_up(ours.name, ours.asks, _of(ours, replays), tokens)


def _sum_up_theirs(peer: LlamaTypist, asks: Sequence[Any], replays: Sequence[Replay]) -> dict[str, Any]:
    entry = figures.sum_up(peer.name, asks, _of(peer, replays), peer.tokens)
    return entry | {"server_requests": peer.requests, "peak_mb": probes.memory(peer)}


def _of(typist: Typist, replays: Sequence[Replay]) -> list[Replay]:
    return [one for one in replays if one.contender == typist.name]
