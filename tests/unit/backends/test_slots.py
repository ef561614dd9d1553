"""The slots on the shipped weights: the same seam as the decoder, asked the same things."""

from __future__ import annotations

import math
import time

import pytest

from fim_lsp import backends
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter, TokenEstimate
from fim_lsp.languages import LANGUAGES
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

pytestmark = pytest.mark.model

ADD = FimRequest(
    ("def add(first, second):\n    return first", "\n\nprint(add(1, 2))\n"), GenerationLimits(max_tokens=12)
)
TEXTS = (
    "def calculate_[MASK]_stats(data): return data.[MASK]([MASK])",
    "def process_data[MASK]transform[MASK]return results",
)


@pytest.fixture(scope="module")
def bert():
    return backends.create("bert")


def run(bert, request: FimRequest = ADD, cancel: Cancel | None = None):
    meter = Meter()
    return [list(drafts)[-1] for drafts in bert.generate(request, cancel or Cancel(), meter)], meter


def test_it_fills_in_and_says_how_sure_it_is(bert):
    (answer,), meter = run(bert)
    assert answer.text.strip() == "+ second"
    assert 0 < answer.confidence <= 1
    assert answer.finish == "stop"
    assert set(meter.timings) == {"tokenize", "prefill", "fill"}
    assert 1 <= meter.tokens["passes"] <= bert.policy.passes


def test_the_text_on_the_right_is_seen(bert):
    """Another suffix gives other log-probabilities: the context is read both ways."""
    (one,), _ = run(bert)
    (other,), _ = run(bert, FimRequest((ADD.segments[0], "\n\nclass Colour(enum.Enum):\n    RED = 1\n"), ADD.limits))
    assert one.confidence != other.confidence


def test_what_is_kept_changes_no_answer(bert):
    first, read = run(bert)
    again, warm = run(bert)
    assert again == first
    assert warm.tokens["prefilled"] <= 1 < read.tokens["prefilled"] + read.tokens["reused"]


def test_the_decoder_goes_on_from_what_the_slots_read_and_says_what_it_says_alone(bert):
    gpt = backends.create("gpt")
    assert gpt.reader is bert.reader
    bert.forget()
    alone = run(gpt)[0]
    bert.forget()
    run(bert)
    after, meter = run(gpt)
    assert after == alone
    assert meter.tokens["prefilled"] == 1


def test_candidates_differ(bert):
    answers, _ = run(bert, FimRequest(ADD.segments, GenerationLimits(candidates=3)))
    assert len({answer.text for answer in answers}) == len(answers) >= 2
    assert answers[0].confidence >= answers[-1].confidence


def test_a_cancel_and_a_deadline_are_seen_between_passes(bert):
    raised = Cancel()
    raised.raise_for("cancelled")
    assert run(bert, cancel=raised)[0] == []
    assert run(bert, FimRequest(ADD.segments, GenerationLimits(deadline=time.monotonic() - 1)))[0] == []

    class AtFirstCanvas(Meter):
        def count(self, name: str, tokens: int) -> None:
            if name == "passes":
                cancel.raise_for("cancelled")
            super().count(name, tokens)

    block = FimRequest(ADD.segments, GenerationLimits(multiline=True, max_tokens=40))
    cancel, meter = Cancel(), AtFirstCanvas()
    (said,) = (list(drafts) for drafts in bert.generate(block, cancel, meter))
    assert (said[-1].finish, len(said) <= 2) == ("cancelled", True)


@pytest.mark.parametrize("family", ["bert", "gpt"])
@pytest.mark.parametrize("text", TEXTS)
def test_several_holes_are_filled_and_the_text_parses(family, text):
    completer = Completer(Config(backend=family, deadline_ms=60_000), backends.create)
    segments = tuple(text.split("[MASK]"))
    outcome = completer.fill(segments, "python", Cancel())
    fills = outcome.suggestions[0].fills
    assert outcome.backend == family
    assert len(fills) == text.count("[MASK]")
    assert all(fill.strip() for fill in fills)
    filled = segments[0] + "".join(fill + after for fill, after in zip(fills, segments[1:], strict=True))
    assert not LANGUAGES["python"].parse(filled.encode()).root_node.has_error, filled


def test_every_token_of_an_answer_has_its_log_probability(bert):
    (answer,), meter = run(bert)
    assert len(answer.log_probs) == meter.tokens["decoded"]
    assert math.exp(sum(answer.log_probs) / len(answer.log_probs)) == pytest.approx(answer.confidence)


def test_the_estimate_is_the_context(bert):
    bert.forget()
    _, meter = run(bert)
    assert bert.estimate(ADD) == TokenEstimate(meter.tokens["prefilled"], meter.tokens["prefilled"] - 1)
