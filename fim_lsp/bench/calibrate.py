"""Fit what `auto` and the shown confidence go by: a logistic curve for each family, rates by place, and the limits.

Everything is fitted on one set of holes (`data/fitting.jsonl`) and measured on another, of other files: the shipped
ones (`bench/route.py`). Limits are chosen on probabilities of models fitted without the package in question.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fim_lsp import context
from fim_lsp.backends.calibration import FEATURES, PROBABILITIES, Calibration, features
from fim_lsp.backends.models import find_model
from fim_lsp.backends.routing import PLACES, Table, kind_of_place
from fim_lsp.bench import route
from fim_lsp.bench.quality import Hole
from fim_lsp.bench.shots import FAMILIES, Shot
from fim_lsp.config import Config
from fim_lsp.domain import Suggestion
from fim_lsp.errors import InputError
from fim_lsp.nn.checkpoint import read_raw_config
from fim_lsp.pipeline import gate
from fim_lsp.syntax import LANGUAGES, Trees, describe

PENALTY = 1.0  # of squared standardised weights, as many samples' worth
ROUNDS, STEP = 4000, 0.2  # of gradient descent; convex, and some fifteen weights
FOLDS = 5
BORROWED = 10  # holes' worth of the family's overall rate in each place's, which may have been seen seldom
LOST = 0.02  # of the right answers may stay unshown; with them go the many that are almost never right
MARGIN = 0.5  # points of exact match that `auto` may cost on these holes; twice that is the bar on others

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """The two tables of a model's config.json, `confidence` and `routing`."""

    calibration: Calibration
    table: Table


def fitting_holes() -> Path:
    """Return the file of holes to fit on."""
    with as_file(files("fim_lsp.bench") / "data" / "fitting.jsonl") as path:
        return path


def fit(holes: Sequence[Hole], shots: Sequence[Mapping[str, Shot]]) -> dict[str, Fitted]:
    """Return the tables of both families from what they said in the holes."""
    places = [place_of(hole) for hole in holes]
    packages = [hole.package for hole in holes]
    fitted, unseen = {}, {}
    for family in FAMILIES:
        mine = [shot[family] for shot in shots]
        sure = out_of_fold(mine, places, packages)
        curve = replace(fit_curve(mine, places), shown=_shown(sure, mine))
        unseen[family] = sure
        fitted[family] = Fitted(curve, _rates(mine, places))
    shown = {family: one.calibration.shown for family, one in fitted.items()}
    judged = route.judge(shots, places, unseen, shown)
    tables = route.choose(judged, {family: one.table for family, one in fitted.items()}, MARGIN)
    return {family: replace(one, table=tables[family]) for family, one in fitted.items()}


def write(config: Path, fitted: Fitted) -> None:
    """Put the tables into a model's config.json; raises InputError."""
    tables = {"confidence": asdict(fitted.calibration), "routing": asdict(fitted.table)}
    try:
        config.write_text(json.dumps(read_raw_config(config.parent) | tables, indent=2) + "\n", encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{config} cannot be written: {problem.strerror}") from None


def read() -> dict[str, Fitted]:
    """Read the tables of the shipped models; raises InputError where they are not fitted yet."""
    found = {}
    for family in FAMILIES:
        folder = find_model(family, "")
        raw = read_raw_config(folder)
        calibration, table = Calibration.read(raw.get("confidence", {})), Table.read(raw.get("routing", {}))
        if calibration is None or table is None:
            raise InputError(f"{folder}/config.json has no fitted tables: run `fim-lsp router fit` first")
        found[family] = Fitted(calibration, table)
    return found


def judge(
    holes: Sequence[Hole], shots: Sequence[Mapping[str, Shot]], fitted: Mapping[str, Fitted]
) -> list[route.Judged]:
    """Say how sure each family is of what it said in holes it was not fitted on."""
    places = [place_of(hole) for hole in holes]
    sure = {
        family: [
            one.calibration.judge(suggestion_of(shot[family]), place).confidence
            for shot, place in zip(shots, places, strict=True)
        ]
        for family, one in fitted.items()
    }
    return route.judge(shots, places, sure, {family: one.calibration.shown for family, one in fitted.items()})


def place_of(hole: Hole) -> str:
    """Return the kind of place a hole's cursor stands at, as the completer sees it."""
    snap = hole.snapshot(0)
    site = describe(snap, Trees().tree(snap, LANGUAGES[snap.language]))
    plan = gate.plan(snap, Config(), site)
    return kind_of_place(context.build(snap, site, plan, len(hole.prefix), len(hole.suffix)), site.zone)


def suggestion_of(shot: Shot) -> Suggestion:
    """Return what the model said as the pipeline had it."""
    return Suggestion((shot.text,), finish=shot.finish, log_probs=shot.log_probs)


def fit_curve(shots: Sequence[Shot], places: Sequence[str]) -> Calibration:
    """Fit P(exact match) by penalised logistic regression with no negative weight on a probability (Platt 1999)."""
    rows = [(shot, place) for shot, place in zip(shots, places, strict=True) if shot.log_probs]
    table = [features(suggestion_of(shot)) for shot, _ in rows]
    own = np.array([[row[name] for name in FEATURES] for row in table])
    middle, width = own.mean(0), np.maximum(own.std(0), 1e-6)
    stood = np.array([[float(place == name) for name in PLACES] for _, place in rows])
    hits = np.array([float(shot.is_exact) for shot, _ in rows])
    design = np.hstack([(own - middle) / width, stood, np.ones((len(rows), 1))])
    found = _descend(design, hits, [name in PROBABILITIES for name in FEATURES])
    weights = found[: len(FEATURES)] / width
    bias = float(found[-1] - weights @ middle)
    by_place = dict(zip(PLACES, found[len(FEATURES) : -1].round(4).tolist(), strict=True))
    return Calibration(round(bias, 4), dict(zip(FEATURES, weights.round(4).tolist(), strict=True)), by_place)


def _descend(design: Floats, hits: Floats, is_positive: list[bool]) -> Floats:
    """Return weights [features] of least penalised log loss, the bias last and free of penalty; projected gradient."""
    count, width = design.shape
    at = np.zeros(width)
    penalty = np.append(np.full(width - 1, PENALTY), 0.0)
    held = np.array([*is_positive, *[False] * (width - len(is_positive))])
    for _ in range(ROUNDS):
        said = 1 / (1 + np.exp(-np.clip(design @ at, -40, 40)))
        at = at - STEP * (design.T @ (said - hits) + penalty * at) / count
        at[held] = np.maximum(at[held], 0)
    return at


def out_of_fold(shots: Sequence[Shot], places: Sequence[str], groups: Sequence[str]) -> list[float]:
    """Return the probability of each shot by a curve that saw nothing of its group, 0 of one that said nothing."""
    names = sorted(set(groups))
    fold = {name: number % FOLDS for number, name in enumerate(names)}
    sure = [0.0] * len(shots)
    for number in range(FOLDS):
        seen = [at for at, group in enumerate(groups) if fold[group] != number]
        curve = fit_curve([shots[at] for at in seen], [places[at] for at in seen])
        for at in set(range(len(shots))).difference(seen):
            sure[at] = curve.judge(suggestion_of(shots[at]), places[at]).confidence
    return sure


def _shown(sure: Sequence[float], shots: Sequence[Shot]) -> float:
    """Return the highest limit that leaves no more than the share LOST of the right answers unshown."""
    right = sorted(p for p, shot in zip(sure, shots, strict=True) if shot.is_exact)
    return round(right[int(LOST * len(right))] * 0.999, 4) if right else 0.0


def _rates(shots: Sequence[Shot], places: Sequence[str]) -> Table:
    overall = statistics.fmean(shot.is_exact for shot in shots)
    by_place = {name: [s for s, place in zip(shots, places, strict=True) if place == name] for name in PLACES}
    hits = {
        name: (sum(shot.is_exact for shot in some) + BORROWED * overall) / (len(some) + BORROWED)
        for name, some in by_place.items()
        if some
    }
    steps = {name: statistics.fmean(map(route.steps_of, some)) for name, some in by_place.items() if some}
    reading = [route.reading_ms(shot) / shot.tokens["prefilled"] for shot in shots if shot.tokens.get("prefilled")]
    stepping = [route.stepping_ms(shot) / route.steps_of(shot) for shot in shots if route.steps_of(shot)]
    return Table(
        {name: round(rate, 4) for name, rate in hits.items()},
        {name: round(count, 2) for name, count in steps.items()},
        token_ms=round(statistics.median(reading), 3),
        step_ms=round(statistics.median(stepping), 3),
    )
