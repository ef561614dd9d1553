"""The counts added up: by language and backend, by day, and how much of what was typed came from suggestions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from fim_lsp.metrics.events import KEPT_AFTER_S


@dataclass
class Counts:
    """What became of some suggestions."""

    shown: int = 0
    whole: int = 0  # accepted to the end
    partly: int = 0
    chars: int = 0  # accepted
    looked: dict[int, int] = field(default_factory=lambda: dict.fromkeys(KEPT_AFTER_S, 0))  # accepted, asked after s
    kept: dict[int, int] = field(default_factory=lambda: dict.fromkeys(KEPT_AFTER_S, 0))

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a suggestion."""
        self.shown += 1
        self.whole += row["is_whole"]
        self.partly += row["accepted"] > 0 and not row["is_whole"]
        self.chars += row["accepted"]
        for after_s, is_kept in json.loads(row["kept"]).items():
            self.looked[int(after_s)] += 1
            self.kept[int(after_s)] += is_kept

    @property
    def accepted_percent(self) -> float | None:
        return percent(self.whole + self.partly, self.shown)

    def kept_percent(self, after_s: int) -> float | None:
        return percent(self.kept[after_s], self.looked[after_s])


@dataclass(frozen=True)
class MetricsSummary:
    """What `fim-lsp stats` tells."""

    total: Counts
    by_kind: Mapping[tuple[str, str], Counts]  # language and backend, the most shown first
    by_day: Mapping[str, Counts]
    written: Mapping[str, int]  # characters by language, typed and accepted
    accepted: Mapping[str, int]

    def share_percent(self, language: str = "") -> float | None:
        """Return what part of the characters written came from suggestions, in a language or in all."""
        names = [language] if language else [*self.written]
        written = sum(self.written.get(name, 0) for name in names)
        taken = sum(min(self.accepted.get(name, 0), self.written.get(name, 0)) for name in names)
        return percent(taken, written)


def percent(part: int, whole: int) -> float | None:
    """Return a share in %; None of nothing."""
    return 100 * part / whole if whole else None


def added_up(suggestions: Iterable[Mapping[str, Any]], typed: Iterable[Mapping[str, Any]]) -> MetricsSummary:
    """Add up rows of a store."""
    total = Counts()
    by_kind: dict[tuple[str, str], Counts] = defaultdict(Counts)
    by_day: dict[str, Counts] = defaultdict(Counts)
    written: dict[str, int] = defaultdict(int)
    accepted: dict[str, int] = defaultdict(int)
    for row in suggestions:
        day = date.fromtimestamp(row["at"]).isoformat()
        for counts in (total, by_kind[row["language"], row["backend"]], by_day[day]):
            counts.add(row)
        accepted[row["language"]] += row["accepted"]
    for row in typed:
        written[row["language"]] += row["chars"]
    ordered = dict(sorted(by_kind.items(), key=lambda pair: (-pair[1].shown, pair[0])))
    return MetricsSummary(total, ordered, dict(sorted(by_day.items())), written, accepted)
