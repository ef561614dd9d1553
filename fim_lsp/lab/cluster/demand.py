"""What one typist asks of a decoder: when, and how long one core is busy with it, recorded once for simulations."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fim_lsp.cluster.replica import load
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.errors import InputError
from fim_lsp.lab.bench.latency.replay import replay
from fim_lsp.lab.bench.latency.traces import TypingTrace
from fim_lsp.lab.cluster.editors import OwnEditor
from fim_lsp.pipeline.completer import Completer

FIRST_GAP_S = 1.0  # from the end of one trace to the next
COLD_EVERY = 5  # places, of which one is asked for from cold too: most of the time goes there


@dataclass(frozen=True)
class Demand:
    """One ask: seconds since the one before, milliseconds of one core for it, those of them that decoding took."""

    gap_s: float
    busy_ms: float
    decode_ms: float
    cold_ms: float  # at a decoder that knows nothing of the place


def record(traces: Sequence[TypingTrace], tell: Callable[[str], None]) -> list[list[Demand]]:
    """Type each trace before the shipped decoder on one core, then ask again for all it asked, to the end."""
    os.environ["FIM_LSP_THREADS"] = "1"
    completer = load({"metrics": False})
    demands: list[list[Demand]] = []
    for trace in traces:
        tell(f"typing {trace.name}")
        editor = OwnEditor(trace.name, completer=completer)
        replay(trace, editor)
        editor.close()
        tell(f"timing {trace.name}")
        demands.append(_time(completer, editor.places))
    return demands


def _time(completer: Completer, places: Sequence[tuple[float, Snapshot]]) -> list[Demand]:
    """Ask for all places once more, one after the other, and for some of them also from cold."""
    cold = []
    for at, (_, snap) in enumerate(places):
        if at % COLD_EVERY == 0:
            completer.forget()
            cold_ms = _ask(completer, snap)[0]
        cold.append(cold_ms)
    completer.forget()
    found, before = [], places[0][0] - FIRST_GAP_S
    for (at_s, snap), cold_ms in zip(places, cold, strict=True):
        busy_ms, decode_ms = _ask(completer, snap)
        found.append(Demand(round(at_s - before, 3), round(busy_ms, 2), round(decode_ms, 2), round(cold_ms, 2)))
        before = at_s
    return found


def _ask(completer: Completer, snap: Snapshot) -> tuple[float, float]:
    """Return milliseconds of the processor, which other programs do not lengthen, and those that decoding took."""
    began, spent = time.perf_counter(), time.process_time()
    outcome = completer.complete(snap, Cancel())
    busy_ms, whole_ms = (time.process_time() - spent) * 1e3, (time.perf_counter() - began) * 1e3
    return busy_ms, busy_ms * outcome.timings.get("decode", 0.0) / whole_ms


def dump(demands: Sequence[Sequence[Demand]]) -> str:
    """Return demands as JSON lines, one a trace."""
    return "".join(json.dumps([list(asdict(one).values()) for one in some]) + "\n" for some in demands)


def read(path: Path | None = None) -> list[list[Demand]]:
    """Read demands, those in docs/cluster.md by default; raises InputError."""
    path = path or Path(__file__).with_name("demand.jsonl")
    try:
        return [[Demand(*row) for row in json.loads(line)] for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as problem:
        raise InputError(
            f"{path} holds no demands: {problem!r}; `fim-lsp bench demand --out FILE` records some"
        ) from None
