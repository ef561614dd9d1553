"""How likely a suggestion is just what is wanted: from its log-probabilities, by a table fitted for these weights.

The table is `confidence` in the model's config.json, made by `fim-lsp router fit`. A logistic curve over a few features
(Platt 1999): monotone, since no weight of a log-probability is below zero, and the same scale for every family.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fim_lsp.checkpoints.fields import measured
from fim_lsp.domain import AcceptanceCurve, Suggestion, expit

PROBABILITIES = ("mean", "least", "first", "total")  # features whose weight is never negative
FEATURES = (*PROBABILITIES, "length", "known")
MOST = 1e6  # a weight further from zero was not fitted
MOST_RAISED = 0.5  # acceptances raise the limit to no more: what is likelier than not is shown
MOST_LOWERED = 4  # and lower it to no less than such a part of it
LOWEST = -12.0  # a log-probability below it says nothing more
WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Calibration:
    """Weights by feature and by kind of place, and the probability below which nothing is shown unasked."""

    bias: float
    weights: Mapping[str, float]
    cursor_kinds: Mapping[str, float]
    shown: float = 0.0
    curve: AcceptanceCurve | None = None  # of the person who works here

    @property
    def limit(self) -> float:
        """The probability below which nothing is shown unasked: the fitted one, or what is taken as often here."""
        if self.curve is None or not self.shown:
            return self.shown
        wanted = self.curve.confidence(self.shown)
        return min(max(wanted, self.shown / MOST_LOWERED), max(self.shown, MOST_RAISED))

    @classmethod
    def read(cls, folder: Path) -> Calibration | None:
        """Read the table of a folder's config.json; None without one. Raises ModelCorrupt."""
        table = measured(folder, "confidence")
        if not table.raw:
            return None
        by_kind = "places" if "places" in table.raw else "cursor_kinds"  # the first is what earlier models say
        weights, kinds = table.numbers("weights", MOST), table.numbers(by_kind, MOST)
        return cls(table.number("bias", -MOST, MOST), weights, kinds, table.number("shown", 0, 1, 0.0))

    def judge(self, suggestion: Suggestion, cursor_kind: str, around: Sequence[str]) -> Suggestion:
        """Return the suggestion with its probability; several holes, which have no log-probabilities, stay as they are.

        A line that deadline or budget cut short is not the line.
        """
        if not suggestion.log_probs:
            return suggestion
        is_cut = suggestion.finish != "stop" and "\n" not in suggestion.text.strip()
        sure = 0.0 if is_cut else self.probability(features(suggestion, around), cursor_kind)
        return replace(suggestion, confidence=sure)

    def probability(self, of: Mapping[str, float], cursor_kind: str) -> float:
        logit = self.bias + self.cursor_kinds.get(cursor_kind, 0.0)
        logit += sum(self.weights.get(name, 0.0) * value for name, value in of.items())
        return expit(logit)


def features(suggestion: Suggestion, around: Sequence[str]) -> dict[str, float]:
    """Return what is known of a suggestion by name of FEATURES: its log-probabilities, its length in tokens, and the
    share of its words that the text around it has too."""
    words, there = WORD.findall(suggestion.text), {word for text in around for word in WORD.findall(text)}
    log_probs = [max(p, LOWEST) for p in suggestion.log_probs]
    return {
        "mean": sum(log_probs) / len(log_probs),
        "least": min(log_probs),
        "first": log_probs[0],
        "total": max(sum(log_probs), 2 * LOWEST),
        "length": math.log2(1 + len(log_probs)),
        "known": sum(word in there for word in words) / len(words) if words else 1.0,
    }
