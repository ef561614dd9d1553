"""What a run wrote down of itself, read without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def log_of(run: Path) -> Sequence[Mapping[str, Any]]:
    """Return the lines of a run's log, the last one maybe half written left out."""
    try:
        lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines if line.endswith("}")]


def best_of(run: Path) -> float:
    """Return the least loss of a run so far."""
    losses = [line["validation_loss"] for line in log_of(run) if "validation_loss" in line]
    return min(losses, default=float("inf"))
