"""The report of a run as plain data: each contender's sums, and their ratios."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from fim_lsp.compare.stats import summary
from fim_lsp.domain import steps_of
from fim_lsp.lab.bench.latency.editor import Ask
from fim_lsp.lab.bench.latency.lsp_server import INLINE
from fim_lsp.lab.bench.latency.replay import Replay

ROUNDS = 300  # bootstrap resamples of the estimate
RATIOS = {
    "p50_estimated": ("estimated_ms", "p50"),
    "p95_estimated": ("estimated_ms", "p95"),
    "p50_all": ("all_ms", "p50"),
    "p95_all": ("all_ms", "p95"),
    "p50_reached_model": ("reached_model_ms", "p50"),
    "p95_reached_model": ("reached_model_ms", "p95"),
}


def sum_up(name: str, asks: Sequence[Ask], replays: Sequence[Replay], tokens: Mapping[str, int]) -> dict[str, Any]:
    """Return a contender's entry of the report; docs/latency.md says what each key means."""
    answered = [ask for ask in asks if ask.answered_ms is not None]
    spent, accepted = sum(replay.cpu_s for replay in replays), sum(replay.accepted_chars for replay in replays)
    sets = {
        "all_ms": [_ms(ask) for ask in answered],
        "with_text_ms": [_ms(ask) for ask in answered if ask.text],
        "reached_model_ms": [_ms(ask) for ask in answered if ask.reached_model],
    }
    without = sum(bool(ask.text) and not ask.reached_model for ask in answered)
    return {
        "name": name,
        "requests": len(asks),
        "by_kind": dict(Counter(ask.kind for ask in asks)),
        "answered": len(answered),
        "answered_with_text": len(sets["with_text_ms"]),
        "superseded": len(asks) - len(answered),
        "superseded_percent": _percent(len(asks) - len(answered), len(asks)),
        **{key: {"n": len(values), **summary(values)} for key, values in sets.items()},
        "estimated_ms": estimate(asks),
        "without_model_percent": _percent(without, len(asks)),
        "text_without_model_percent": _percent(without, len(sets["with_text_ms"])),
        "accepted_chars": accepted,
        "accepts": sum(replay.accepts for replay in replays),
        "typed_chars": sum(replay.typed_chars for replay in replays),
        "tokens": {key: tokens.get(key, 0) for key in ("prefilled", "reused")} | {"steps": steps_of(tokens)},
        "cpu_s": round(spent, 2),
        "cpu_s_per_accepted_char": round(spent / accepted, 4) if accepted else None,
        "traces": [asdict(replay) for replay in replays],
    }


def estimate(asks: Sequence[Ask]) -> dict[str, Any]:
    """Return percentiles over all keystrokes, those overtaken among them, and their 95 % intervals by bootstrap.

    None where too few were answered to tell: then it is more than `longest`, which is the longest wait seen.
    """
    waits = [(_ms(ask), ask.answered_ms is not None) for ask in asks]
    rng = random.Random(0)
    drawn = [answered_within(rng.choices(waits, k=len(waits))) for _ in range(ROUNDS if waits else 0)]
    found: dict[str, Any] = {"n": len(asks), "longest": max((ms for ms, _ in waits), default=None)}
    for q in (50, 95, 99):
        ends = sorted(_within(curve, q) for curve in drawn)
        found[f"p{q}"] = _known(_within(answered_within(waits), q))
        found[f"p{q}_interval"] = [_known(ends[int(at * (len(ends) - 1))]) for at in (0.025, 0.975) if ends]
    return found


def answered_within(waits: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return (milliseconds, share answered by then) of (milliseconds, whether answered then or given up).

    The product-limit estimate (Kaplan and Meier 1958): of a keystroke overtaken only that its answer would have taken
    longer. A slow server's slowest answers are those that the next keystroke overtakes, so that percentiles of what
    was answered flatter it.
    """
    ordered = sorted(waits, key=lambda wait: (wait[0], not wait[1]))
    still, curve = 1.0, []
    for before, (ms, is_answered) in enumerate(ordered):
        if is_answered:
            still *= 1 - 1 / (len(ordered) - before)
            curve.append((ms, 1 - still))
    return curve


def _within(curve: Sequence[tuple[float, float]], q: int) -> float:
    return next((ms for ms, share in curve if share >= q / 100), math.inf)


def _known(ms: float) -> float | None:
    return round(ms, 2) if math.isfinite(ms) else None


def attribute(asks: Iterable[Ask], records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Note on each ask whether it reached a model, after the server's trace; return all tokens it counts there."""
    worked, tokens = set[tuple[str, int, int]](), Counter[str]()
    for record in records:
        tokens.update(record["tokens"])
        if record["method"] == INLINE and record["tokens"]:
            worked.add((record["uri"], record["version"], record["offset"]))
    for ask in asks:
        ask.reached_model = (f"file:///trace/{ask.trace}.py", ask.version, ask.offset) in worked
    return dict(tokens)


def idle(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return milliseconds from a cancel to the decode thread's rest, of requests it had begun."""
    values = [record["idle_ms"] for record in records if "idle_ms" in record and "context" in record["timings"]]
    return {"n": len(values), **summary(values)}


def cold(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return medians of some launches, and each of them."""
    return {key: median(row[key] for row in rows) for key in rows[0]} | {"launches": list(rows)}


def ratios(own: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float | None]:
    """Return ours over the peer; below 1 is less time, or less work."""
    found = {name: _ratio(own[key].get(q), peer[key].get(q)) for name, (key, q) in RATIOS.items()}
    found["p95_estimated_at_most"] = _ratio(own["estimated_ms"]["p95"], _at_least(peer["estimated_ms"], "p95"))
    for name in ("accepted_chars", "cpu_s_per_accepted_char"):
        found[name] = _ratio(own[name], peer[name])
    for name in ("prefilled", "steps"):
        found[name] = _ratio(own["tokens"][name], peer["tokens"][name])
    return found


def _ms(ask: Ask) -> float:
    return round(ask.answered_ms if ask.answered_ms is not None else ask.given_up_ms or 0.0, 3)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _at_least(estimated: Mapping[str, Any], q: str) -> float | None:
    """Return a percentile, or the longest wait seen where it is longer than any."""
    known = estimated[q] if estimated[q] is not None else estimated["longest"]
    return None if known is None else float(known)


def _ratio(own: float | None, peer: float | None) -> float | None:
    return round(own / peer, 3) if own is not None and peer else None
