"""The simulation, held to what is known of queues."""

from __future__ import annotations

import random

import pytest

from fim_lsp.lab.cluster import demand
from fim_lsp.lab.cluster.demand import Demand
from fim_lsp.lab.cluster.simulate import Scene, World

BUSY_MS = 50.0


def typing(gap_s: float, busy_ms: float = BUSY_MS, decode_ms: float = 0.0) -> list[list[Demand]]:
    return [[Demand(gap_s, busy_ms, decode_ms, 4 * busy_ms)] * 20]


def test_alone_one_waits_for_ones_own_answer_only():
    told = World(Scene(1, 1, overhead_ms=10), typing(0.2)).run()
    assert told["answered_ms"]["p95"] == pytest.approx(BUSY_MS + 10)
    assert told["busy"] == pytest.approx(0.25, rel=0.05)
    assert told["shareable"] == 0


def test_strangers_wait_as_queueing_theory_says():
    """Poisson arrivals, one service time, half the capacity: Pollaczek and Khinchine's mean."""
    draw = random.Random(1)
    demands = [[Demand(draw.expovariate(1 / 20), BUSY_MS, 0, BUSY_MS) for _ in range(200)] for _ in range(40)]
    world = World(Scene(200, 1, seconds=600), demands)
    load = world.run()["busy"]
    waits = [ms - BUSY_MS for ms, is_answered in world.told.waits if is_answered]
    assert load == pytest.approx(0.5, rel=0.1)
    assert sum(waits) / len(waits) == pytest.approx(load * BUSY_MS / (2 * (1 - load)), rel=0.2)


def test_the_next_key_takes_an_ask_back():
    told = World(Scene(1, 1), typing(0.1, busy_ms=500)).run()
    assert told["asks"] > 500
    assert (told["answered"], told["estimated_ms"]["p50"]) == (0, None)
    assert told["busy"] == pytest.approx(1, rel=0.05)


def test_two_decoders_share_what_one_had():
    one, two = (World(Scene(12, many), typing(1.0)).run() for many in (1, 2))
    assert two["busy"] == pytest.approx(one["busy"] / 2, rel=0.1)


def test_a_full_decoder_passes_asks_on_and_they_begin_cold():
    demands = typing(0.5, busy_ms=90)
    told = World(Scene(9, 2, seed=3), demands).run()
    assert told["moved"] > 100
    alone = World(Scene(9, 1, seed=3), demands).run()
    assert alone["moved"] == 0


def test_a_slower_core_is_busier():
    quick, slow = (World(Scene(4, 1, slowness=slowness), typing(1.0)).run()["busy"] for slowness in (1, 2))
    assert slow == pytest.approx(2 * quick, rel=0.1)


def test_decoding_beside_another_could_be_shared():
    told = World(Scene(20, 1), typing(1.5, decode_ms=BUSY_MS / 2)).run()
    assert 0.1 < told["shareable"] <= 0.5


def test_demands_are_read_as_they_were_written(tmp_path):
    path, known = tmp_path / "demand.jsonl", [[Demand(0, 1.5, 0.5, 3), Demand(0.25, 2, 0, 2)], [Demand(0, 1, 1, 1)]]
    path.write_text(demand.dump(known), encoding="utf-8")
    assert demand.read(path) == known
