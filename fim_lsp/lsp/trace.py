"""`--trace FILE`: one JSON line per request, without source text unless asked."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.errors import ConfigError
from fim_lsp.privacy.secrets import mask

logger = logging.getLogger(__name__)


class Trace:
    """Append records to a file; does nothing without one. Safe to call from any thread."""

    def __init__(self, path: Path | None, with_text: bool = False):
        self.with_text = with_text
        self.lock = threading.Lock()
        try:
            self.file = path.open("a", encoding="utf-8", buffering=1) if path else None
        except OSError as problem:
            raise ConfigError(f"--trace {path}: cannot be written: {problem}") from None

    def write(self, method: str, snap: Snapshot, outcome: Outcome, cancel: Cancel, **timings: float) -> None:
        """Record a finished request; `idle_ms` is the time from its cancel to the decode thread's rest."""
        if self.file is None:
            return
        record: dict[str, Any] = {
            "time": round(time.time(), 3),
            "method": method,
            "uri": snap.uri,
            "version": snap.version,
            "offset": snap.offset,
            "manual": snap.manual,
            "outcome": "shown" if outcome.suggestions else "empty",
            "suggestions": len(outcome.suggestions),
            "reason": outcome.reason,
            "backend": outcome.backend,
            "why": outcome.why,
            "confidence": [suggestion.confidence for suggestion in outcome.suggestions],
            "expected_ms": dict(outcome.choice.expected_ms) if outcome.choice else {},
            "timings": {**{name: round(ms, 3) for name, ms in timings.items()}, **outcome.timings},
            "tokens": dict(outcome.tokens),
            "sent": dict(outcome.sent),
        }
        if cancel.is_set():
            record["cancelled"] = cancel.reason
            record["idle_ms"] = round((time.monotonic() - cancel.at) * 1e3, 3)
        if self.with_text:
            record["line_prefix"] = mask(snap.line_prefix)
            record["texts"] = [mask(suggestion.text) for suggestion in outcome.suggestions]
        with self.lock:
            try:
                if self.file is not None:
                    self.file.write(json.dumps(record) + "\n")
            except OSError as problem:  # a full disk costs the trace, not the completion
                logger.error("the trace ends here: %s", problem)
                self.file = None
