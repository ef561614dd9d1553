"""Verdicts, from trials whose outcome is known."""

from __future__ import annotations

import pytest

from fim_lsp.compare import claims, stats, trials
from fim_lsp.compare.contenders import Contender
from fim_lsp.compare.summary import LENGTHS
from fim_lsp.compare.trials import Trial
from tests.unit.compare import scripted

FAMILIES = {"gpt": "gpt", "bert": "bert"}
MEMORY = {"gpt": {"peak_mb": 100.0}, "bert": {"peak_mb": 50.0}}


def trial(hole: int, contender: str, condition: str = "cold", **given) -> Trial:
    plain = {
        "shown": "x", "is_answered": True, "is_exact": False, "is_first_line": False, "is_valid": True,
        "similarity": 0.5, "stutter": 0.0, "key": str(hole), "kind": "whole_line", "gold_tokens": 4,
        "confidence": 0.5, "latency_ms": 100.0, "cpu_ms": 100.0,
    }  # fmt: skip
    return Trial(**plain | {"hole": hole, "contender": contender, "condition": condition} | given)


def verdict_of(words: str, of: list[Trial]) -> claims.Claim:
    (claim,) = [one for one in claims.judge(of, FAMILIES, MEMORY) if words in one["claim"]]
    return claims.Claim(**claim)


def both(count: int, gpt: dict, bert: dict) -> list[Trial]:
    return [trial(n, name, **given) for n in range(count) for name, given in (("gpt", gpt), ("bert", bert))]


def test_every_claim_has_a_verdict_and_numbers():
    for claim in claims.judge(both(3, {}, {}), FAMILIES, MEMORY):
        assert claim["verdict"] in ("holds", "does not hold", "not shown")
        assert claim["because"]
        assert claim["numbers"]


@pytest.mark.parametrize(
    ("gpt", "bert", "said"),
    [(100.0, 40.0, "holds"), (40.0, 100.0, "does not hold"), (50.0, 50.0, "not shown")],
)
def test_quicker_on_short_spans(gpt, bert, said):
    of = both(20, {"latency_ms": gpt}, {"latency_ms": bert})
    assert verdict_of("from cold", of).verdict == said
    assert verdict_of("as one types", of).verdict == "not shown", "nothing was tried warm"


def test_an_encoder_that_keeps_what_it_has_read_is_warm_as_one_types():
    cold = both(20, {"latency_ms": 900.0}, {"latency_ms": 900.0})
    warm = both(20, *({"condition": "warm", "latency_ms": ms, "cpu_ms": ms} for ms in (100.0, 50.0)))
    said = verdict_of("as one types", cold + warm)
    assert (said.verdict, said.numbers["p50_ms"]) == ("holds", {"gpt": 100.0, "bert": 50.0})
    assert "K/V of both" in said.claim
    assert verdict_of("processor", cold + warm).numbers["warm"]["difference"] == 50.0


def test_long_spans_do_not_count_among_short_ones():
    long = both(20, {"latency_ms": 1.0, "gold_tokens": 60}, {"latency_ms": 900.0, "gold_tokens": 60})
    claim = verdict_of("from cold", both(0, {}, {}) + long)
    assert claim.numbers["n"] == 0


@pytest.mark.parametrize(
    ("bert", "crossings"),
    [((50, 50, 60, 120, 130), [17]), ((50, 150, 60, 120, 130), [5, 9, 17]), ((1, 2, 3, 4, 5), [])],
)
def test_the_curves_cross_where_the_quicker_one_changes(bert, crossings):
    of = []
    for number, (low, _) in enumerate(LENGTHS):
        for name, ms in (("gpt", 100.0), ("bert", bert[number])):
            of += [trial(10 * number + n, name, gold_tokens=low, latency_ms=ms) for n in range(3)]
    assert verdict_of("from cold", of).numbers["curves_cross_at_tokens"] == crossings


@pytest.mark.parametrize(
    ("bert", "said"), [(0.52, "holds"), (0.47, "holds"), (0.30, "does not hold")], ids=["better", "margin", "worse"]
)
def test_as_good_as_has_a_margin(bert, said):
    of = both(20, {"kind": "function_body"}, {"kind": "function_body", "similarity": bert})
    assert verdict_of("function bodies", of).verdict == said


@pytest.mark.parametrize(
    ("bert", "said"),
    [
        ({"is_valid": False, "similarity": 0.1}, "holds"),
        ({"is_valid": False, "similarity": 0.5}, "not shown"),
        ({"is_valid": False, "similarity": 0.9}, "does not hold"),
        ({"is_valid": False, "similarity": 0.1, "is_answered": False}, "not shown"),
    ],
    ids=["both measures", "one measure", "they disagree", "silence is not bad language"],
)
def test_fluent_takes_syntax_and_nearness(bert, said):
    long = {"gold_tokens": 40}
    assert verdict_of("fluent", both(20, long, {**long, **bert})).verdict == said


def test_memory_needs_more_than_a_margin():
    said = [
        claims.judge(both(2, {}, {}), FAMILIES, {**MEMORY, "bert": {"peak_mb": mb}})[-1]["verdict"]
        for mb in (50.0, 98.0, 120.0)
    ]
    assert said == ["holds", "not shown", "does not hold"]


def test_hiding_the_suffix_is_told_from_seeing_it():
    reader = scripted.SuffixReader()
    one = Contender("gpt", "gpt", scripted.find_model("gpt", ""), reader)
    holes = [scripted.at_cursor(n) for n in range(30)]
    ran = list(trials.run(holes, [one], lambda text: 3))
    claim = verdict_of("helps gpt", ran)
    assert claim.verdict == "holds"
    assert claim.numbers["exact_match"]["difference"] == 100.0
    assert 5 < claim.numbers["exact_match"]["n"] < 25, "on about half of the holes"


def test_intervals_narrow_with_more_values():
    low, high = stats.interval([1.0] * 20 + [0.0] * 20)
    assert 0.3 < low < 0.5 < high < 0.7
    more = stats.interval([1.0] * 200 + [0.0] * 200)
    assert more[1] - more[0] < high - low
