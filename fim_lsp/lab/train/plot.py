"""The curve of a run: loss, exact match and throughput over tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CURVES = (  # what a panel shows: title, log keys
    ("loss, nats a token", ("loss", "validation_loss")),
    ("exact match of spans", ("exact_match", "validation_exact_match")),
    ("tokens a second", ("tokens_per_s",)),
)


def draw(run: Path) -> Path:
    """Draw run/log.jsonl into run/curve.svg and return its path."""
    from matplotlib.figure import Figure  # half a second, and only wanted at the end

    lines: list[dict[str, Any]] = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    for axes, (title, keys) in zip(figure.subplots(1, len(CURVES)), CURVES, strict=True):
        for key in keys:
            points = [(line["tokens"], line[key]) for line in lines if key in line]
            if points:
                at, values = zip(*points, strict=True)
                is_sparse = key.startswith("validation")
                axes.plot(
                    at, values if is_sparse else _smooth(values), "o-" if is_sparse else "-", ms=3, lw=1, label=key
                )
        axes.set(title=title, xlabel="tokens")
        axes.legend(frameon=False)
    path = run / "curve.svg"
    figure.savefig(path)
    return path


def _smooth(values: tuple[float, ...], weight: float = 0.9) -> list[float]:
    out, mean = [], values[0]
    for value in values:
        mean = weight * mean + (1 - weight) * value
        out.append(mean)
    return out
