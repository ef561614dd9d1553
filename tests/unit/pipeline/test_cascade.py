"""One family answers, the other is asked too where the first is unsure and there is time; the surer one is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import AcceptanceCurve, Cancel, Outcome
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.rule import RoutingTable
from fim_lsp.settings import Config
from tests.picture import draw

CURSOR_KIND = "end of line"
SNAP = draw("first = second = 0\nx = ║\n")
TABLES = {
    "gpt": RoutingTable({CURSOR_KIND: 0.4}, cascade_below=0.3),
    "bert": RoutingTable({CURSOR_KIND: 0.2}, cascade_below=0.3),
}


def completer(gpt: FakeBackend, bert: FakeBackend, tables=TABLES, **settings) -> Completer:
    backends = {"gpt": gpt, "bert": bert}
    for name, backend in backends.items():
        backend.name = name
    it = Completer(
        Config(**{"deadline_ms": 60_000, **settings}),
        lambda family, model: backends[family],
        lambda family, model: tables.get(family),
    )
    for family in backends:
        it.router.loader.get(family)
    return it


def shown(outcome: Outcome) -> tuple[str, str]:
    return outcome.backend, outcome.suggestions[0].text if outcome.suggestions else outcome.reason


def test_a_sure_answer_is_shown_and_nobody_else_is_asked():
    gpt, bert = FakeBackend("first", confidence=0.5), FakeBackend("second")
    outcome = completer(gpt, bert).complete(SNAP, Cancel())
    assert shown(outcome) == ("gpt", "first")
    assert bert.requests == []
    assert (outcome.choice.family, outcome.choice.cursor_kind) == ("gpt", CURSOR_KIND)
    assert set(outcome.choice.expected_ms) == {"gpt", "bert"}


@pytest.mark.parametrize(("second", "answer"), [(0.6, ("bert", "second")), (0.05, ("gpt", "first"))])
def test_an_unsure_answer_cascades_and_the_surer_one_shown(second, answer):
    gpt, bert = FakeBackend("first", confidence=0.1), FakeBackend("second", confidence=second)
    outcome = completer(gpt, bert).complete(SNAP, Cancel())
    assert shown(outcome) == answer
    assert "gpt 10% sure, so bert was asked too" in outcome.why
    assert outcome.choice.family == "gpt"
    assert (len(gpt.requests), len(bert.requests)) == (1, 1)


@pytest.mark.parametrize("nothing", [FakeBackend(), FakeBackend("   ")], ids=["abstains", "is filtered"])
def test_no_answer_cascades_too(nothing):
    outcome = completer(nothing, FakeBackend("second")).complete(SNAP, Cancel())
    assert shown(outcome) == ("bert", "second")
    assert "gpt nothing to say" in outcome.why


def test_when_neither_says_anything_the_first_ones_reason_is_given():
    outcome = completer(FakeBackend("   "), FakeBackend()).complete(SNAP, Cancel())
    assert shown(outcome) == ("gpt", "filter drop_blank")


def test_it_goes_the_other_way_too():
    tables = {"gpt": RoutingTable({CURSOR_KIND: 0.1}), "bert": RoutingTable({CURSOR_KIND: 0.4}, cascade_below=0.3)}
    gpt, bert = FakeBackend("first"), FakeBackend("second", confidence=0.1)
    assert shown(completer(gpt, bert, tables).complete(SNAP, Cancel())) == ("gpt", "first")


def test_without_time_for_the_other_the_unsure_answer_stands():
    slow = {**TABLES, "bert": RoutingTable({CURSOR_KIND: 0.2}, step_ms=1e6)}
    gpt, bert = FakeBackend("first", confidence=0.1), FakeBackend("second")
    assert shown(completer(gpt, bert, slow).complete(SNAP, Cancel())) == ("gpt", "first")
    assert bert.requests == []


@pytest.mark.parametrize("settings", [{"backend": "gpt"}, {"backend_by_language": {"python": "gpt"}}])
def test_a_family_asked_for_by_name_answers_alone(settings):
    gpt, bert = FakeBackend("first", confidence=0.1), FakeBackend("second")
    assert shown(completer(gpt, bert, **settings).complete(SNAP, Cancel())) == ("gpt", "first")
    assert bert.requests == []


def test_without_tables_nothing_cascades():
    gpt, bert = FakeBackend("first", confidence=0.1), FakeBackend("second")
    assert shown(completer(gpt, bert, {}).complete(SNAP, Cancel())) == ("gpt", "first")
    assert bert.requests == []


def test_a_cancelled_request_does_not_cascade():
    cancel = Cancel()

    class Cancels(FakeBackend):
        def generate(self, request, cancel, meter):
            cancel.raise_for("superseded")
            yield from super().generate(request, cancel, meter)

    bert = FakeBackend("second")
    outcome = completer(Cancels("first", confidence=0.1), bert).complete(SNAP, cancel)
    assert outcome.reason == "superseded"
    assert bert.requests == []


def test_the_shown_confidence_is_the_tables_and_without_one_the_mean():
    plain, fitted = FakeBackend("first", confidence=0.9), FakeBackend("first", confidence=0.9, log_probs=(-0.1, -0.1))
    fitted.calibration = Calibration(-1.0, {"mean": 1.0}, {})
    assert completer(plain, FakeBackend()).complete(SNAP, Cancel()).suggestions[0].confidence == 0.9
    confidence = completer(fitted, FakeBackend(), {}).complete(SNAP, Cancel()).suggestions[0].confidence
    assert confidence == pytest.approx(0.2497, abs=1e-3)


def test_what_is_too_unlikely_is_shown_only_to_who_asks_for_it():
    shy = FakeBackend("first", log_probs=(-0.1,))
    shy.calibration = Calibration(-3.0, {}, {}, shown=0.2)
    it = completer(shy, FakeBackend(), {})
    assert shown(it.complete(SNAP, Cancel())) == ("gpt", "too unlikely, 4.7%")
    assert shown(it.complete(replace(SNAP, manual=True), Cancel())) == ("gpt", "first")


@pytest.mark.parametrize(("shift", "limit"), [(-0.5, "29.2%"), (2.0, "5.0%")])
def test_what_a_person_takes_is_named_where_it_holds_something_back(shift, limit):
    shy = FakeBackend("first", log_probs=(-0.1,))
    shy.calibration = Calibration(-3.0, {}, {}, shown=0.2)
    it = completer(shy, FakeBackend(), {})
    it.router.follow({"gpt": AcceptanceCurve(shift)})
    assert shown(it.complete(SNAP, Cancel())) == ("gpt", f"too unlikely, 4.7%; what you take asks for {limit}")


def test_both_runs_are_in_the_timings():
    gpt, bert = FakeBackend("first", confidence=0.1), FakeBackend("second")
    it = completer(gpt, bert)
    outcome = it.complete(SNAP, Cancel())
    assert outcome.tokens["decoded"] == len("first") // 3 + 1 + len("second") // 3
    assert {"context", "choose", "filters"} <= set(outcome.timings)
