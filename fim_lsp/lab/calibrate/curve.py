"""Fit the curve from what is known of a suggestion to the probability that it is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fim_lsp.backends.calibration import FEATURES, PROBABILITIES, Calibration, features
from fim_lsp.compare.stats import Doubles
from fim_lsp.domain import Suggestion
from fim_lsp.routing.rule import CURSOR_KINDS

PENALTY = 1.0  # of squared standardised weights, as many samples' worth
ROUNDS, STEP = 4000, 0.2  # of gradient descent; convex, and some fifteen weights
FOLDS = 5


@dataclass(frozen=True)
class Case:
    """A suggestion made somewhere, and whether it was right; one without log-probabilities says nothing."""

    suggestion: Suggestion
    cursor_kind: str
    around: tuple[str, ...]
    is_first_line_match: bool

    def judged(self, curve: Calibration) -> float:
        return curve.judge(self.suggestion, self.cursor_kind, self.around).confidence


def fit(cases: Sequence[Case]) -> Calibration:
    """Fit P(first-line match): penalised logistic regression, no negative weight on a probability (Platt 1999)."""
    said = [case for case in cases if case.suggestion.log_probs]
    table = [features(case.suggestion, case.around) for case in said]
    own = np.array([[row[name] for name in FEATURES] for row in table])
    middle, width = own.mean(0), np.maximum(own.std(0), 1e-6)
    stood = np.array([[float(case.cursor_kind == name) for name in CURSOR_KINDS] for case in said])
    hits = np.array([float(case.is_first_line_match) for case in said])
    design = np.hstack([(own - middle) / width, stood, np.ones((len(said), 1))])
    found = _descend(design, hits, [name in PROBABILITIES for name in FEATURES])
    weights = found[: len(FEATURES)] / width
    bias = float(found[-1] - weights @ middle)
    by_kind = dict(zip(CURSOR_KINDS, found[len(FEATURES) : -1].round(4).tolist(), strict=True))
    return Calibration(round(bias, 4), dict(zip(FEATURES, weights.round(4).tolist(), strict=True)), by_kind)


def out_of_fold(cases: Sequence[Case], groups: Sequence[str]) -> list[float]:
    """Return the probability of each case by a curve that saw nothing of its group, 0 of one that said nothing."""
    fold = {name: number % FOLDS for number, name in enumerate(sorted(set(groups)))}
    sure = [0.0] * len(cases)
    for number in range(FOLDS):
        curve = fit([case for case, group in zip(cases, groups, strict=True) if fold[group] != number])
        for at, group in enumerate(groups):
            if fold[group] == number:
                sure[at] = cases[at].judged(curve)
    return sure


def _descend(design: Doubles, hits: Doubles, is_positive: list[bool]) -> Doubles:
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
