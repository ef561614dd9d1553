"""Both families at one cursor: in turns, through the whole pipeline, leaving no trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion
from fim_lsp.errors import ModelMissing
from fim_lsp.pipeline import compare_at_cursor
from fim_lsp.pipeline.compare_at_cursor import ROUNDS, compare
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.rule import RoutingTable
from fim_lsp.settings import Config
from tests.picture import draw

HERE = draw("def f(a, b):\n    x = ║\n    return x\n")


class Noted(FakeBackend):
    """A backend that writes into a shared log when it is asked and when it is made to forget."""

    def __init__(self, log: list[str], family: str, *texts: str, has_prefix_cache: bool = False):
        super().__init__(*texts)
        self.log, self.family, self.has_prefix_cache, self.asked = log, family, has_prefix_cache, []
        self.is_warm = False

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        self.asked.append(request)
        self.log.append(self.family + ("*" if self.is_warm else ""))
        if self.has_prefix_cache:
            meter.count("reused", 9 if self.is_warm else 0)
            self.is_warm = True
        return super().generate(request, cancel, meter)

    def forget(self) -> None:
        self.is_warm = False


class Pair:
    """A completer whose decoder keeps something between requests and whose infiller does not."""

    def __init__(
        self,
        config: Config | None = None,
        gpt: str = "a + b",
        bert: str = "a",
        tables: dict[str, RoutingTable] | None = None,
    ):
        self.log: list[str] = []
        self.loaded: list[str] = []
        self.gpt = Noted(self.log, "gpt", gpt, has_prefix_cache=True)
        self.bert = Noted(self.log, "bert", bert)
        self.completer = Completer(config or Config(), self.create, lambda family, model: (tables or {}).get(family))

    def create(self, family: str, model: str) -> Noted:
        self.loaded.append(family)
        return {"gpt": self.gpt, "bert": self.bert}[family]


def texts(found) -> dict[str, list[str]]:
    return {side.family: [s.text for s in side.runs["cold"].answer.kept] for side in found.sides}


def test_each_family_is_cut_and_filtered_as_in_a_completion():
    pair = Pair(gpt="a + b\nprint(x)\n", bert="x\n    return x\n")
    found = compare(pair.completer, HERE, Cancel())
    for side in found.sides:
        alone = Completer(Config(backend=side.family), pair.create).complete(HERE, Cancel())
        assert side.runs["cold"].answer.kept == alone.suggestions
    assert texts(found) == {"gpt": ["a + b"], "bert": ["x"]}


def test_both_get_the_same_request_and_a_deadline_of_their_own():
    pair = Pair()
    compare(pair.completer, HERE, Cancel())
    requests = pair.gpt.asked + pair.bert.asked
    assert len({replace(one, limits=replace(one.limits, deadline=0.0)) for one in requests}) == 1
    assert len({one.limits.deadline for one in requests}) == len(requests)


def test_they_take_turns_and_the_decoder_is_also_run_warm():
    pair = Pair()
    found = compare(pair.completer, HERE, Cancel())
    one, other = ["gpt", "gpt*", "bert"], ["bert", "gpt", "gpt*"]
    assert pair.log == (one + other) * 2
    assert (found.rounds, len(pair.log)) == (ROUNDS, 3 * (ROUNDS + 1))
    gpt, bert = found.sides
    assert [set(side.runs) for side in (gpt, bert)] == [{"cold", "warm"}, {"cold"}]
    assert gpt.runs["warm"].answer.meter.tokens["reused"] == 9
    assert gpt.runs["cold"].answer.meter.tokens["reused"] == 0
    assert pair.loaded == ["gpt", "bert"]


def test_a_slow_machine_is_measured_once(monkeypatch):
    monkeypatch.setattr(compare_at_cursor, "ENOUGH_S", 0.0)
    pair = Pair()
    found = compare(pair.completer, HERE, Cancel())
    assert (found.rounds, len(pair.log)) == (1, 3 * 2)
    assert texts(found) == {"gpt": ["a + b"], "bert": ["a"]}


def test_a_run_takes_at_least_as_long_as_its_stages():
    found = compare(Pair().completer, HERE, Cancel())
    for side in found.sides:
        for run in side.runs.values():
            assert run.total_ms >= sum(run.answer.meter.timings.values()) > 0


def test_what_the_completer_remembers_stays_as_it_was():
    pair = Pair()
    elsewhere = draw("y = ║\n")
    pair.completer.complete(elsewhere, Cancel())
    compare(pair.completer, HERE, Cancel())
    assert pair.completer.look_up(elsewhere).suggestions
    assert pair.completer.look_up(HERE) is None


def test_one_that_cannot_be_loaded_is_told_and_the_other_compared():
    pair = Pair()

    def create(family: str, model: str) -> Noted:
        if family == "bert":
            raise ModelMissing("no weights there: put some")
        return pair.create(family, model)

    gpt, bert = compare(Completer(Config(), create), HERE, Cancel()).sides
    assert gpt.runs["cold"].answer.kept[0].text == "a + b"
    assert (bert.error, dict(bert.runs)) == ("no weights there: put some", {})


def test_a_side_with_nothing_to_say_says_why():
    gpt, bert = compare(Pair(bert="   ").completer, HERE, Cancel()).sides
    assert bert.runs["cold"].reason == "filter drop_blank"
    assert gpt.runs["cold"].reason == ""


def test_a_cancelled_comparison_stops_where_it_is():
    pair, cancel = Pair(), Cancel()
    ask = pair.bert.generate
    pair.bert.generate = lambda *given: (cancel.raise_for("superseded"), ask(*given))[1]
    found = compare(pair.completer, HERE, cancel)
    assert (found.sides, found.reason) == ((), "superseded")
    assert pair.log == ["gpt", "gpt*", "bert"]
    assert compare(pair.completer, HERE, cancel).reason == "superseded"
    assert len(pair.log) == 3


@pytest.mark.parametrize("manual", [False, True])
def test_where_typing_gets_no_suggestion_there_is_nothing_to_compare(manual):
    pair = Pair()
    found = compare(pair.completer, draw("fo║o = 1\n", manual=manual), Cancel())
    assert (found.sides, found.reason) == ((), "the cursor is inside a word")
    assert not pair.loaded


def test_it_is_asked_for_by_hand_whatever_the_trigger_says():
    assert texts(compare(Pair(Config(trigger="manual")).completer, HERE, Cancel()))["bert"] == ["a"]


@pytest.mark.parametrize("backend", ["auto", "gpt", "bert"])
def test_the_choice_is_the_one_a_request_would_meet(backend):
    pair = Pair(Config(backend=backend))
    found = compare(pair.completer, HERE, Cancel())
    outcome = pair.completer.complete(HERE, Cancel())
    assert found.choice.family == outcome.choice.family == found.taken
    assert texts(found)[found.taken] == [s.text for s in outcome.suggestions]


@pytest.mark.parametrize(("bert_sure", "taken"), [(0.5, "bert"), (0.1, "gpt")])
def test_an_unsure_first_one_hands_over_as_in_a_completion(bert_sure, taken):
    pair = Pair(
        tables={
            "gpt": RoutingTable({"end of line": 0.9}, cascade_below=0.4),
            "bert": RoutingTable({"end of line": 0.1}),
        }
    )
    pair.gpt.confidence, pair.bert.confidence = 0.3, bert_sure
    found = compare(pair.completer, HERE, Cancel())
    outcome = pair.completer.complete(HERE, Cancel())
    assert found.choice.family == outcome.choice.family == "gpt"
    assert found.taken == taken
    assert texts(found)[taken] == [s.text for s in outcome.suggestions]


def test_nothing_is_taken_where_the_settings_insist_on_the_broken_one():
    def create(family: str, model: str) -> FakeBackend:
        if family == "bert":
            raise ModelMissing("no weights there: put some")
        return FakeBackend("a + b")

    found = compare(Completer(Config(backend="bert"), create), HERE, Cancel())
    assert (found.choice.family, found.taken) == ("bert", "")
    assert found.sides[0].runs["cold"].answer.kept[0].text == "a + b"


def test_without_any_weights_there_are_only_errors():
    def create(family: str, model: str) -> FakeBackend:
        raise ModelMissing(f"no {family}")

    found = compare(Completer(Config(), create), HERE, Cancel())
    assert [(side.family, side.error) for side in found.sides] == [("gpt", "no gpt"), ("bert", "no bert")]
    assert found.choice is None
