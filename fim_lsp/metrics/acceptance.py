"""Learn from a person's own acceptances how sure a family must be, where the setting `learn` allows it.

shown, 0.50 sure, taken ┐
shown, 0.20 sure, left  ├─▶ logit(taken) = shift + scale · logit(confidence) ─▶ a curve per family, in a file
shown, 0.70 sure, taken ┘   Platt 1999, with a prior that holds it near the identity
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fim_lsp.domain import AcceptanceCurve, logit
from fim_lsp.metrics import store

FEWEST = 100  # suggestions of a family before anything is learnt
MOST = 2000  # the latest count
SETTLED_S = 60.0  # a suggestion younger than that may still be taken
PRIOR_SHIFT, PRIOR_SCALE = 1.0, 0.25  # deviations from the identity that are usual
SCALES = (0.5, 2.0)
NEWTON_STEPS = 25


@dataclass(frozen=True)
class FamilyAcceptance:
    """What was learnt of a family: its curve, and the suggestions it is drawn from."""

    curve: AcceptanceCurve
    shown: int
    taken: float  # share of their characters, 0..1


@dataclass(frozen=True)
class Acceptance:
    """What was learnt by family; only suggestions shown after `since`, in seconds of time.time(), count."""

    since: float = 0.0
    families: Mapping[str, FamilyAcceptance] = field(default_factory=dict)


def learnt_in() -> Path:
    """Return the file that holds what was learnt."""
    return store.kept_in().with_name("acceptance.json")


def read() -> Acceptance:
    """Return what was learnt, nothing where there is no file or one that is not ours."""
    try:
        raw = json.loads(learnt_in().read_text(encoding="utf-8"))
        families = {
            str(family): FamilyAcceptance(AcceptanceCurve(**one["curve"]), int(one["shown"]), float(one["taken"]))
            for family, one in raw["families"].items()
        }
        return Acceptance(float(raw["since"]), families)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Acceptance()


def learn(now: float | None = None) -> Acceptance:
    """Fit a curve to each family's suggestions, and keep them; raises InputError and OSError."""
    until = (time.time() if now is None else now) - SETTLED_S
    since = read().since
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in store.read()[0]:
        if row.get("confidence") is not None and since < row["at"] < until and row["chars"]:
            pairs[row["backend"]].append((row["confidence"], min(row["accepted"] / row["chars"], 1.0)))
    found = Acceptance(since, {name: _fitted(rows[-MOST:]) for name, rows in pairs.items() if len(rows) >= FEWEST})
    _write(found)
    return found


def take_back(now: float | None = None) -> None:
    """Forget what was learnt; what was shown until now is not learnt from again. Raises OSError."""
    _write(Acceptance(time.time() if now is None else now))


def fit(pairs: Iterable[tuple[float, float]]) -> AcceptanceCurve:
    """Return the likeliest curve through (confidence, share taken), both 0..1, under the prior: Newton's method."""
    points = [(logit(confidence), taken) for confidence, taken in pairs]
    shift, scale = 0.0, 1.0
    for _ in range(NEWTON_STEPS):
        by_shift, by_scale = -shift / PRIOR_SHIFT**2, (1 - scale) / PRIOR_SCALE**2
        twice, mixed, twice_scale = 1 / PRIOR_SHIFT**2, 0.0, 1 / PRIOR_SCALE**2
        for x, taken in points:
            likely = 1 / (1 + math.exp(-(shift + scale * x)))
            weight = likely * (1 - likely)
            by_shift, by_scale = by_shift + taken - likely, by_scale + (taken - likely) * x
            twice, mixed, twice_scale = twice + weight, mixed + weight * x, twice_scale + weight * x * x
        spread = twice * twice_scale - mixed * mixed
        shift += (twice_scale * by_shift - mixed * by_scale) / spread
        scale += (twice * by_scale - mixed * by_shift) / spread
        scale = min(max(scale, SCALES[0]), SCALES[1])
    return AcceptanceCurve(round(shift, 4), round(scale, 4))


def _fitted(pairs: Sequence[tuple[float, float]]) -> FamilyAcceptance:
    taken = sum(share for _, share in pairs) / len(pairs)
    return FamilyAcceptance(fit(pairs), len(pairs), round(taken, 4))


def _write(found: Acceptance) -> None:
    raw: dict[str, Any] = {"since": found.since, "families": {k: asdict(one) for k, one in found.families.items()}}
    file = learnt_in()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = file.with_suffix(f".{os.getpid()}")  # another server may begin at the same time
    half.write_text(json.dumps(raw, indent=1), encoding="utf-8")
    half.replace(file)
