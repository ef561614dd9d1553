"""Typists and decoders as a queue: each ask waits at its session's decoder, and the next key takes it back.

typist    ─gap─ key ──gap── key ──────────gap── key
decoder          └wait┄┄✗   └wait┄┄busy▓▓▓▓▶ answered     one core, first come first served; full: the next on the ring
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from fim_lsp.cluster.plan import FALLBACKS, MOST_AT_ONE
from fim_lsp.compare.stats import summary
from fim_lsp.lab.bench.latency.figures import answered_within
from fim_lsp.lab.cluster.demand import Demand

VIRTUAL_NODES = 100  # of a decoder on Ray's ring: how evenly sessions are spread
STEP_S = 0.02  # until a decoder looks at Cancel again: docs/architecture.md
WARM_ASKS = 20  # for so many of one's asks a decoder still has what it read of the place
WARM_UP_S = 5.0
MOST_SUMMED = 4_000  # waits; percentiles of more are no better

Steps = Generator[Any, Any, None]


@dataclass(frozen=True)
class Scene:
    """How many of each, and how fast they are beside what was recorded."""

    typists: int
    decoders: int
    seconds: float = 60.0
    overhead_ms: float = 0.0  # of network, proxy and gateway
    slowness: float = 1.0  # of a core beside the one that was recorded
    seed: int = 0
    most_at_one: int = MOST_AT_ONE


@dataclass
class _Told:
    waits: list[tuple[float, bool]] = field(default_factory=list)  # milliseconds, and whether an answer came then
    asks: int = 0
    moved: int = 0  # to another decoder, because one's own was full
    busy_s: float = 0.0
    shareable_s: float = 0.0  # decoding of asks that found another at their decoder


class World:
    """Decoders, and all who ask them."""

    def __init__(self, scene: Scene, demands: Sequence[Sequence[Demand]]):
        self.scene, self.demands, self.told = scene, demands, _Told()
        self.draw, self.env = random.Random(scene.seed), simpy.Environment()
        self.decoders = [simpy.Resource(self.env) for _ in range(scene.decoders)]
        self.shares = [self.draw.gammavariate(VIRTUAL_NODES, 1) for _ in self.decoders]

    def run(self) -> dict[str, Any]:
        """Let everybody type; return what they waited for, and how busy the decoders were."""
        for _ in range(self.scene.typists):
            self.env.process(self._type(self._ring()))
        self.env.run(until=WARM_UP_S + self.scene.seconds)
        told, scene = self.told, self.scene
        answered = [ms for ms, is_answered in told.waits if is_answered]
        return {
            "typists": scene.typists,
            "decoders": scene.decoders,
            "asks": told.asks,
            "answered": len(answered),
            "moved": told.moved,
            "busy": round(told.busy_s / scene.seconds / scene.decoders, 3),
            "shareable": round(told.shareable_s / max(told.busy_s, 1e-9), 3),
            "answered_ms": summary(self._some(answered)),
            "estimated_ms": _estimate(self._some(told.waits)),
        }

    def _some(self, values: Sequence[Any]) -> Sequence[Any]:
        return self.draw.sample(values, min(len(values), MOST_SUMMED))

    @property
    def _counts(self) -> bool:
        return bool(self.env.now >= WARM_UP_S)

    def _ring(self) -> list[simpy.Resource]:
        """Return one's own decoder and those after it."""
        own = self.draw.choices(self.decoders, self.shares)[0]
        others = self.draw.sample(self.decoders, min(FALLBACKS + 1, len(self.decoders)))
        return [own, *(one for one in others if one is not own)][: FALLBACKS + 1]

    def _type(self, ring: Sequence[simpy.Resource]) -> Steps:
        """Ask as somebody did in some trace, from anywhere in it on; the next key takes an unanswered ask back."""
        trace = self.draw.randrange(len(self.demands))
        gaps = [one.gap_s for one in self.demands[trace]]
        at = self.draw.choices(range(len(gaps)), gaps)[0]  # a moment is in a long pause more likely than in a short one
        yield self.env.timeout(self.draw.random() * gaps[at])
        asks, seen = 0, dict[simpy.Resource, int]()
        while True:
            decoder = self._choose(ring)
            is_cold = asks - seen.get(decoder, -WARM_ASKS if decoder is not ring[0] else asks) >= WARM_ASKS
            seen[decoder] = asks = asks + 1
            asked = self.env.process(self._ask(self.demands[trace][at], decoder, is_cold))
            self.told.moved += self._counts and decoder is not ring[0]
            self.told.asks += self._counts
            at += 1
            if at == len(self.demands[trace]):
                trace, at = (trace + 1) % len(self.demands), 0
            yield self.env.timeout(self.demands[trace][at].gap_s)
            if asked.is_alive:
                asked.interrupt()

    def _choose(self, ring: Sequence[simpy.Resource]) -> simpy.Resource:
        """Return one's own decoder, or the next that is not full where it is."""
        most = self.scene.most_at_one
        return next((one for one in ring if one.count + len(one.queue) < most), ring[0])

    def _ask(self, demand: Demand, decoder: simpy.Resource, is_cold: bool) -> Steps:
        """Go there, wait, be computed, and come back; who takes it back is heard on the way, or at the next step."""
        came, way_s, is_answered = self.env.now, self.scene.overhead_ms / 2e3, True
        try:
            yield self.env.timeout(way_s)
            has_company = bool(decoder.count)
            with decoder.request() as turn:
                yield turn
                yield from self._compute(demand, is_cold, has_company)
            yield self.env.timeout(way_s)
        except simpy.Interrupt:
            is_answered = False
        if self._counts:
            self.told.waits.append(((self.env.now - came) * 1e3, is_answered))

    def _compute(self, demand: Demand, is_cold: bool, has_company: bool) -> Steps:
        busy_s = self.scene.slowness * (demand.cold_ms if is_cold else demand.busy_ms) / 1e3
        began = self.env.now
        try:
            yield self.env.timeout(busy_s)
        except simpy.Interrupt:
            heard_s = STEP_S / 2 + self.scene.overhead_ms / 2e3
            yield self.env.timeout(min(heard_s, busy_s - (self.env.now - began)))
            raise
        finally:
            if self._counts:
                self.told.busy_s += self.env.now - began
                if has_company and demand.busy_ms:
                    self.told.shareable_s += (self.env.now - began) * demand.decode_ms / demand.busy_ms


def _estimate(waits: Sequence[tuple[float, bool]]) -> dict[str, float | None]:
    """Return percentiles of all asks, those overtaken among them; None where too few were answered to tell."""
    curve = answered_within(waits)
    return {f"p{q}": next((round(ms, 2) for ms, share in curve if share >= q / 100), None) for q in (50, 95)}
