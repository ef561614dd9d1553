"""The infiller backend on the shipped weights: the same seam as the decoder, asked the same things."""

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
    assert 0 < answer.confidence <= 1
    assert answer.finish == "stop"
    assert set(meter.timings) == {"tokenize", "read", "fill"}
    assert 1 <= meter.tokens["passes"] <= bert.recipe.passes


def test_the_text_on_the_right_is_seen(bert):
    """Another suffix gives other log-probabilities: the context is read both ways."""
    (one,), _ = run(bert)
    (other,), _ = run(bert, FimRequest((ADD.segments[0], "\n\nclass Colour(enum.Enum):\n    RED = 1\n"), ADD.limits))
    assert one.confidence != other.confidence


def test_nothing_is_kept_between_requests(bert):
    first = run(bert)[0]
    run(bert, FimRequest(("import os\n", "\n"), GenerationLimits()))
    assert run(bert)[0] == first


def test_candidates_differ(bert):
    answers, _ = run(bert, FimRequest(ADD.segments, GenerationLimits(candidates=3)))
    assert len({answer.text for answer in answers}) == len(answers) >= 2
    assert answers[0].confidence >= answers[-1].confidence


def test_sentinel_names_in_the_document_are_text(bert):
    text = 'MARK = "<gh_stars>" + "<|endoftext|>" + "<issue_start>"\n'
    ids = bert._layout((text, text)).ids
    assert not set(ids[1:]) & {bert.marks.begin, *bert.marks.own}


def test_a_cancel_and_a_deadline_are_seen_between_passes(bert):
    raised = Cancel()
    raised.raise_for("cancelled")
    assert run(bert, cancel=raised)[0] == []
    assert run(bert, FimRequest(ADD.segments, GenerationLimits(deadline=time.monotonic() - 1)))[0] == []

    class AtFirstPass(Meter):
        def count(self, name: str, tokens: int) -> None:
            if name == "passes":
                cancel.raise_for("cancelled")
            super().count(name, tokens)

    cancel, meter = Cancel(), AtFirstPass()
    (answer,) = [list(drafts)[-1] for drafts in bert.generate(ADD, cancel, meter)]
    assert (meter.tokens["passes"], answer.finish) == (1, "cancelled")


def test_a_context_beyond_the_window_is_cut_at_its_far_ends(bert):
    layout = bert._layout(("value = other\n" * 900, "y\n" * 900))
    assert len(layout.ids) <= bert.recipe.prefix_tokens + bert.recipe.suffix_tokens + 1
    assert run(bert, FimRequest(("", ""), GenerationLimits()))


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
    assert len(answer.log_probs) in (meter.tokens["decoded"], meter.tokens["decoded"] + 1)  # its end, where it says one
    assert math.exp(sum(answer.log_probs) / len(answer.log_probs)) == pytest.approx(answer.confidence)


def test_the_outlook_is_the_context(bert):
    _, meter = run(bert)
    assert bert.estimate(ADD) == TokenEstimate(meter.tokens["prefilled"])


def test_a_context_that_is_being_read_is_let_go_before_the_next_layer(bert, monkeypatch):
    """The longest part of a request: a cancel waits for one layer of it, not for all."""
    cancel, meter, asked = Cancel(), Meter(), []

    def is_set() -> bool:
        asked.append(1)
        return len(asked) > 3

    monkeypatch.setattr(cancel, "is_set", is_set)
    assert list(bert.generate(ADD, cancel, meter)) == []
    assert "prefilled" not in meter.tokens
    assert len(asked) == 4 < bert.model.config.layers
