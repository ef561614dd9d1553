"""Every branch of the rule, on candidates made up for it; and the costs it goes by."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import inf

import pytest

from fim_lsp.backends.costs import Cost
from fim_lsp.context import build
from fim_lsp.domain import FimRequest, GenerationLimits, Meter, TokenEstimate
from fim_lsp.errors import ModelCorrupt
from fim_lsp.languages import LANGUAGES, Trees, describe
from fim_lsp.pipeline import eligibility
from fim_lsp.routing.rule import CURSOR_KINDS, Candidate, RoutingTable, cascades, decide, kind_of_cursor
from fim_lsp.settings import Config
from tests.picture import draw

SLOW_BUT_RIGHT, QUICK = Candidate("gpt", 0.24, 600), Candidate("bert", 0.20, 200)


@pytest.mark.parametrize(
    ("latency_penalty", "left_ms", "family", "said"),
    [
        (0.05, inf, "gpt", "worth more"),  # 0.24 · 0.97 > 0.20 · 0.99
        (0.5, inf, "bert", "worth more"),  # 0.24 · 0.66 < 0.20 · 0.87
        (0.05, 300, "bert", "in time, 300 ms are left"),  # 0.24 · 300/600 < 0.20
        (
            0.05,
            550,
            "gpt",
            "worth more, a second costing 5%, 550 ms are left",
        ),  # a prompt a little shorter costs little
        (0.05, 100, "bert", "100 ms are left"),
    ],
)
def test_the_candidate_that_is_worth_most_in_time(latency_penalty, left_ms, family, said):
    choice = decide("end of line", [SLOW_BUT_RIGHT, QUICK], latency_penalty, left_ms)
    assert choice.family == family
    assert said in choice.why
    assert "gpt 24% right in 600 ms" in choice.why
    assert "bert 20% right in 200 ms" in choice.why
    assert choice.expected_ms == {"gpt": 600, "bert": 200}
    assert choice.cursor_kind == "end of line"


def test_without_rates_the_first_named_in_time_goes_and_else_the_quicker():
    slow, quick = Candidate("gpt", None, 600), Candidate("bert", 0.2, 200)
    for left_ms, family, said in (
        (inf, "gpt", "want of rates"),
        (300, "bert", "in time, 300"),
        (100, "bert", "quicker"),
    ):
        choice = decide("", [slow, quick], 0.3, left_ms)
        assert (choice.family, said in choice.why) == (family, True)


def test_soon_and_wrong_is_never_worth_more_than_late_and_right():
    useless = Candidate("bert", 0.007, 60)
    for ms in (600, 1400, 4000):
        assert decide("", [Candidate("gpt", 0.24, ms), useless], 0.3, 1500).family == "gpt"


def test_a_warm_decoder_is_worth_more_than_a_cold_one():
    assert decide("", [Candidate("gpt", 0.24, 100), QUICK], 0.15, inf).family == "gpt"


@pytest.mark.parametrize("unrated", [0, 1])
def test_without_rates_the_first_named_goes_first_if_there_is_time(unrated):
    candidates = [SLOW_BUT_RIGHT, QUICK]
    candidates[unrated] = replace(candidates[unrated], hits=None)
    assert decide("", candidates, 9.0, inf).family == "gpt"
    assert "want of rates" in decide("", candidates, 9.0, inf).why
    assert decide("", candidates, 9.0, 300).family == "bert"


@pytest.mark.parametrize(
    ("confidence", "limit", "handed"), [(0.1, 0.2, True), (0.2, 0.2, False), (0, 0.1, True), (0, 0, False)]
)
def test_handing_over(confidence, limit, handed):
    assert cascades(confidence, limit) == handed


@pytest.mark.parametrize(
    ("picture", "cursor_kind"),
    [
        ("x = 'a║'\n", "string"),
        ("x = 1  # say ║\n", "comment"),
        ("def f():\n    ║\n", "empty block"),
        ("f(a, ║), b\n", "before a closer"),
        ("f(a, ║)\n", "end of line"),  # that the editor closed
        ("x = ║ + 1\n", "before text"),
        ("def f():\n    ║\n    return 1\n", "blank line"),
        ("os.║\n", "after a name"),
        ("x = val║\n", "after a name"),
        ("x = ║\n", "end of line"),
    ],
)
def test_kinds_of_place(picture, cursor_kind):
    snap = draw(picture)
    site = describe(snap, Trees().tree(snap, LANGUAGES["python"]))
    request = build(snap, site, eligibility.limits(snap, Config(), site), 1000, 1000)
    assert kind_of_cursor(request, site.zone) == cursor_kind
    assert cursor_kind in CURSOR_KINDS


def test_several_holes_are_a_place_of_their_own():
    assert kind_of_cursor(FimRequest(("a", "b", "c"), GenerationLimits()), "code") == "several holes"


def run(**of) -> Meter:
    meter = Meter()
    meter.timings = {name: value for name, value in of.items() if name in ("prefill", "decode", "read", "fill")}
    meter.tokens = {name: value for name, value in of.items() if name in ("prefilled", "decoded", "passes")}
    return meter


def test_a_cost_is_learnt_from_the_guess_to_what_is_measured():
    cost = Cost(token_ms=1.0, step_ms=20.0).learn(run(read=300.0, prefilled=100, fill=80.0, passes=2, decoded=7))
    assert (cost.token_ms, cost.step_ms) == (3.0, 40.0)  # the guess is gone; an infiller's step is a pass
    cost = cost.learn(run(read=100.0, prefilled=100, fill=20.0, passes=1))
    assert (cost.token_ms, cost.step_ms) == (2.0, 30.0)
    for _ in range(40):
        cost = cost.learn(run(prefill=200.0, prefilled=100, decode=500.0, decoded=10))
    assert (cost.token_ms, cost.step_ms) == (pytest.approx(2.0, abs=0.01), pytest.approx(50.0, abs=0.1))


def test_a_guess_keeps_pace_with_the_family_that_was_measured():
    guess, measured = Cost(1.0, 20.0), Cost(1.0, 20.0).learn(run(decode=600.0, decoded=10))
    assert Cost(0.5, 50.0).at_pace_of(measured, guess) == Cost(1.5, 150.0)
    assert Cost(0.5, 50.0).at_pace_of(guess, guess) == Cost(0.5, 50.0)
    assert measured.at_pace_of(guess, guess) == measured


def test_a_short_prefill_says_nothing_about_the_cost_of_a_token():
    assert Cost(1.0, 20.0).learn(run(prefill=15.0, prefilled=2)) == Cost(1.0, 20.0)


def test_what_is_reused_costs_nothing():
    cost = Cost(token_ms=2.0, step_ms=10.0)
    assert cost.expect(TokenEstimate(100), 5) == 250
    assert cost.expect(TokenEstimate(100, reused=95), 5) == 60
    assert cost.expect(TokenEstimate(100, reused=95, answers=3), 5) == 160


def test_a_table_is_read_as_it_was_written(tmp_path):
    table = RoutingTable({"string": 0.2}, {"string": 3.0}, 0.5, 12.0, 0.1, 0.05)
    (tmp_path / "config.json").write_text(json.dumps({"routing": vars(table)}))
    assert RoutingTable.read(tmp_path) == table
    (tmp_path / "config.json").write_text("{}")
    assert RoutingTable.read(tmp_path) is None


@pytest.mark.parametrize(
    "table",
    [[1], {"hits": 1}, {"hits": {"string": "x"}}, {"step_ms": 0}, {"token_ms": "1"}, {"steps": {"string": 1e300}}],
)
def test_a_table_that_lies_is_told_with_its_file(tmp_path, table):
    (tmp_path / "config.json").write_text(json.dumps({"routing": table}))
    with pytest.raises(ModelCorrupt, match=re.escape(str(tmp_path / "config.json"))):
        RoutingTable.read(tmp_path)
