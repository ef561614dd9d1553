"""What is made of answers: requests that were overtaken, ratios, and percentiles nobody was waited for."""

from __future__ import annotations

from fim_lsp.lab.bench.latency import figures, show
from fim_lsp.lab.bench.latency.editor import Ask


def ask(answered=None, given_up=None, text="", reached=None) -> Ask:
    return Ask("t", "key", 0, 0, answered, given_up, text, reached)


def test_an_empty_answer_is_not_an_answer_without_the_model():
    asks = [ask(1.0, text="a", reached=False), ask(1.0, reached=False), ask(50.0, text="b", reached=True), ask(None, 9)]
    entry = figures.sum_up("x", asks, [], {})
    assert (entry["without_model_percent"], entry["text_without_model_percent"]) == (25.0, 50.0)
    assert (entry["answered"], entry["answered_with_text"], entry["superseded_percent"]) == (3, 2, 25.0)
    assert entry["reached_model_ms"]["p50"] == 50.0
    assert entry["cpu_s_per_accepted_char"] is None


def test_overtaken_requests_count_as_taking_longer_than_they_were_waited_for():
    quick = [ask(float(ms)) for ms in range(1, 101)]
    assert figures.estimate(quick)["p50"] == 50.0
    overtaken = [*quick, *(ask(None, 10.0) for _ in range(100))]
    found = figures.estimate(overtaken)
    assert found["p50"] > 50 > figures.estimate(quick)["p50"] - 1
    untold = figures.estimate([ask(None, 10.0), ask(5.0)])
    assert (untold["p95"], untold["longest"]) == (None, 10.0)


def test_ratios_are_ours_over_theirs():
    one = figures.sum_up("a", [ask(10.0, text="x", reached=True)], [], {"prefilled": 5, "decoded": 2})
    two = figures.sum_up("b", [ask(40.0, text="x", reached=True)], [], {"prefilled": 10, "decoded": 4})
    found = figures.ratios(one, two)
    assert (found["p50_all"], found["prefilled"], found["steps"]) == (0.25, 0.5, 0.5)


def test_a_percentile_nobody_was_waited_for_bounds_the_ratio():
    own = figures.sum_up("a", [ask(10.0, text="x", reached=True)], [], {})
    peer = figures.sum_up("b", [ask(5.0), ask(None, 40.0)], [], {})
    found = figures.ratios(own, peer)
    assert (found["p95_estimated"], found["p95_estimated_at_most"]) == (None, 0.25)
    assert show._ratio(found, "p95_estimated") == "< 0.25"
    assert show._estimated(peer, "p95") == "> 40"
    assert found["accepted_chars"] is None
