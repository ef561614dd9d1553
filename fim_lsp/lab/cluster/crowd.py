"""Many people who type at once, each in another trace or at another place of it, and what they waited for."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fim_lsp.compare.stats import summary
from fim_lsp.lab.bench.latency import figures
from fim_lsp.lab.bench.latency.editor import Ask
from fim_lsp.lab.bench.latency.replay import replay
from fim_lsp.lab.bench.latency.traces import TypingTrace
from fim_lsp.lab.cluster.editors import HttpEditor, Over

SETTLE_S = 5.0  # typed before anything counts: every place is new at first


def measure(traces: Sequence[TypingTrace], url: str, token: str, typists: int, seconds: float) -> dict[str, Any]:
    """Let so many people type for some seconds before one endpoint; return what they waited for."""
    began = time.perf_counter()
    since = began + SETTLE_S
    editors = [
        HttpEditor(f"typist {n}", since=since, until=since + seconds, url=url, token=token, session=f"{began}-{n}")
        for n in range(typists)
    ]
    threads = [
        threading.Thread(target=_type, args=(editor, from_anywhere(traces, random.Random(n)), n / typists))
        for n, editor in enumerate(editors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asks = [ask for editor in editors for ask in editor.asks[editor.uncounted :]]
    return (
        {"typists": typists, "seconds": seconds} | told(asks) | {"failures": [f for e in editors for f in e.failures]}
    )


def told(asks: Sequence[Ask]) -> dict[str, Any]:
    """Return how long the answers took, those overtaken by the next key estimated."""
    answered = [ask.answered_ms for ask in asks if ask.answered_ms is not None]
    return {
        "asks": len(asks),
        "answered": len(answered),
        "with_text": sum(bool(ask.text) for ask in asks),
        "answered_ms": summary(answered),
        "estimated_ms": figures.estimate(asks),
    }


def from_anywhere(traces: Sequence[TypingTrace], draw: random.Random) -> list[TypingTrace]:
    """Return the traces from some edit of some trace on, and then from the first."""
    first = draw.randrange(len(traces))
    turned = [*traces[first:], *traces[:first]]
    skipped = draw.randrange(len(turned[0].edits))
    return [replace(turned[0], edits=turned[0].edits[skipped:]), *turned[1:]]


def _type(editor: HttpEditor, traces: Sequence[TypingTrace], late_s: float) -> None:
    with suppress(Over):
        editor.rest(late_s)
        for trace in itertools.cycle(traces):
            replay(trace, editor)
    editor.close()
