"""What `auto` would have done in recorded holes: first-line match against latency, beside either family alone.

Both families' recordings are there, so the rule itself is run (routing/rule.py) and its time added up: that of the
first family, and of the second where the first cascades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fim_lsp import __version__, machine
from fim_lsp.backends.costs import Cost
from fim_lsp.compare import stats
from fim_lsp.compare.stats import Doubles
from fim_lsp.domain import TokenEstimate
from fim_lsp.lab.calibrate.recordings import CALIBRATED, Recording
from fim_lsp.pipeline.compare_at_cursor import CacheState
from fim_lsp.routing.rule import Candidate, RoutingTable, cascades, decide

CONDITIONS: tuple[CacheState, ...] = ("cold", "warm")
TYPED_TOKENS = 3  # read again when a key was typed since the last request
LATENCY_PENALTIES = (
    0.0,
    0.02,
    0.05,
    0.1,
    0.15,
    0.2,
    0.3,
    0.5,
    0.8,
    0.95,
    0.9999,
)  # share of its worth that a second costs an answer
LIMITS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)  # under which the other family is asked too
BAR_POINTS, BAR_SHARE = 1.0, 0.75  # first-line match under the better family at most, of its median latency at most


@dataclass(frozen=True)
class Judged:
    """A hole with what each family said there, and how sure it was; None where nothing would be shown."""

    cursor_kind: str
    recordings: Mapping[str, Recording]
    sure: Mapping[str, float | None]


@dataclass(frozen=True)
class Point:
    """A way of answering all holes; first-line match and shares in %, limits by family."""

    name: str
    first_line_match: float
    median_ms: float
    mean_ms: float
    first: Mapping[str, float]  # share of holes in which a family went first
    cascaded: float
    latency_penalty: float = 0.0
    limits: tuple[float, ...] = ()


class RuleReplay:
    """Holes as arrays [families, holes] under one condition, to answer them in many ways."""

    def __init__(self, holes: Sequence[Judged], condition: CacheState):
        self.holes, self.condition = holes, condition
        self.sure: Doubles = np.array([[-1.0 if (p := h.sure[f]) is None else p for h in holes] for f in CALIBRATED])
        self.hits: Doubles = np.array(
            [[h.sure[f] is not None and h.recordings[f].is_first_line_match for h in holes] for f in CALIBRATED]
        )
        self.ms: Doubles = np.array([[getattr(h.recordings[f], f"{condition}_ms") for h in holes] for f in CALIBRATED])

    def alone(self, family: str) -> Point:
        """Let one family answer every hole."""
        at = CALIBRATED.index(family)
        return self._point(family, self.hits[at], self.ms[at], np.full(len(self.holes), at), np.zeros(1))

    def hindsight(self) -> Point:
        """Let the quicker family that is right answer, the quicker one where none is: more than any rule can do."""
        worth = self.hits * 1e9 - self.ms
        best, every = worth.argmax(0), np.arange(len(self.holes))
        return self._point("hindsight", self.hits[best, every], self.ms[best, every], best, np.zeros(1))

    def rule(self, tables: Mapping[str, RoutingTable], name: str = "auto") -> Point:
        """Let `auto` answer."""
        return self._answer(self._first(tables), tables, name)

    def sweep(self, tables: Mapping[str, RoutingTable]) -> list[Point]:
        """Let `auto` answer under every latency penalty and all limits."""
        points: list[Point] = []
        for latency_penalty in LATENCY_PENALTIES:
            first = self._first(_with(tables, latency_penalty, LIMITS[:1] * len(CALIBRATED)))
            ways = [_with(tables, latency_penalty, limits) for limits in product(LIMITS, repeat=len(CALIBRATED))]
            points.extend(self._answer(first, way, "auto") for way in ways)
        return points

    def _answer(self, first: NDArray[np.int64], tables: Mapping[str, RoutingTable], name: str) -> Point:
        every, second = np.arange(len(self.holes)), 1 - first
        limits = tuple(tables[family].cascade_below for family in CALIBRATED)
        handed = np.array([cascades(p, limits[at]) for p, at in zip(self.sure[first, every], first, strict=True)])
        is_second = handed & (self.sure[second, every] > self.sure[first, every])
        answers = np.where(is_second, second, first)
        spent = self.ms[first, every] + handed * self.ms[second, every]
        point = self._point(name, self.hits[answers, every], spent, first, handed)
        return replace(point, latency_penalty=tables[CALIBRATED[0]].latency_penalty, limits=limits)

    def _first(self, tables: Mapping[str, RoutingTable]) -> NDArray[np.int64]:
        """Return who goes first in each hole, by the tables' costs, not by what this run happened to take."""
        chosen = []
        for hole in self.holes:
            candidates = []
            for family in CALIBRATED:
                table, tokens = tables[family], hole.recordings[family].tokens
                read = tokens.get("prefilled", 0)
                is_kept = self.condition == "warm" and "reused" in tokens
                work = TokenEstimate(read, max(read - TYPED_TOKENS, 0) if is_kept else 0)
                expected = Cost(table.token_ms, table.step_ms).expect(work, table.steps.get(hole.cursor_kind, 0.0))
                candidates.append(Candidate(family, table.hits.get(hole.cursor_kind), expected))
            choice = decide(hole.cursor_kind, candidates, tables[CALIBRATED[0]].latency_penalty, float("inf"))
            chosen.append(CALIBRATED.index(choice.family))
        return np.array(chosen)

    def _point(self, name: str, hits: Doubles, spent: Doubles, first: NDArray[np.int64], handed: Doubles) -> Point:
        return Point(
            name,
            round(100 * float(hits.mean()), 2),
            round(float(np.median(spent)), 1),
            round(float(spent.mean()), 1),
            {family: round(100 * float((first == at).mean()), 1) for at, family in enumerate(CALIBRATED)},
            round(100 * float(handed.mean()), 1),
        )


def choose(holes: Sequence[Judged], tables: Mapping[str, RoutingTable], margin: float) -> Mapping[str, RoutingTable]:
    """Return the tables with the latency penalty and limits that take the least time, no more than `margin` points
    under the better family alone."""
    replay = RuleReplay(holes, "cold")
    better = max(replay.alone(family).first_line_match for family in CALIBRATED)
    good = [point for point in replay.sweep(tables) if point.first_line_match >= better - margin]
    best = min(good, key=lambda point: (point.mean_ms, point.latency_penalty, point.limits))
    return _with(tables, best.latency_penalty, best.limits)


def frontier(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in both first-line match and median latency, the quickest first."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point.median_ms, -point.first_line_match)):
        if not found or point.first_line_match > found[-1].first_line_match:
            found.append(point)
    return found


def report(
    holes: Sequence[Judged], tables: Mapping[str, RoutingTable], measured: Sequence[CacheState] = CONDITIONS
) -> dict[str, Any]:
    """Return the measurement as plain data: the rule beside each family, its frontier, the bar, the calibration."""
    conditions: dict[str, Any] = {}
    for condition in measured:
        replay = RuleReplay(holes, condition)
        singles, ruled = [replay.alone(family) for family in CALIBRATED], replay.rule(tables)
        better = max(singles, key=lambda point: point.first_line_match)
        under, share = better.first_line_match - ruled.first_line_match, ruled.median_ms / better.median_ms
        conditions[condition] = {
            "points": [asdict(point) for point in (*singles, ruled, replay.hindsight())],
            "frontier": [asdict(point) for point in frontier(replay.sweep(tables))],
            "first_line_match_under_better": round(under, 2),
            "median_share": round(share, 3),
            "is_within_bar": under <= BAR_POINTS and share <= BAR_SHARE,
        }
    return {
        "fim_lsp": __version__,
        "n": len(holes),
        "machine": machine.describe(),
        "conditions": conditions,
        "confidence": {family: _confidence(holes, family) for family in CALIBRATED},
    }


def _with(
    tables: Mapping[str, RoutingTable], latency_penalty: float, limits: Sequence[float]
) -> dict[str, RoutingTable]:
    return {
        family: replace(tables[family], latency_penalty=latency_penalty, cascade_below=limit)
        for family, limit in zip(CALIBRATED, limits, strict=True)
    }


def _confidence(holes: Sequence[Judged], family: str) -> dict[str, Any]:
    shown = [(p, hole.recordings[family].is_first_line_match) for hole in holes if (p := hole.sure[family]) is not None]
    return stats.calibration([p for p, _ in shown], [hit for _, hit in shown])
