"""The decoder's backend around a model without weights: drafts, places kept warm, what is counted."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fim_lsp.backends.costs import Cost
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from tests.unit.backends.scripted import scripted

LINE = "total = loader.get(family).count + loader.get(other).count"
ASK = FimRequest((f"{LINE}\n" * 4 + "total = ", "\nprint(total)\n"), GenerationLimits())


def run(backend, request: FimRequest = ASK, most: int = 99):
    """Return the answer and the meter, closing the stream after `most` drafts as a stop rule does."""
    meter = Meter()
    (drafts,) = backend.generate(request, Cancel(), meter)
    for _ in range(most):
        if (draft := next(drafts, None)) is None:
            break
        answer = draft
    drafts.close()
    return answer, meter.tokens


def test_what_repeats_the_context_takes_few_passes():
    backend = scripted(" loader.get(family).count + loader.get(other).count")  # with the blank that is said again
    answer, tokens = run(backend)
    assert answer.text == "loader.get(family).count + loader.get(other).count"
    assert tokens["decoded"] == len(answer.log_probs) > 10
    passes = [size for size in backend.model.sizes if size < 9]
    assert len(passes) < tokens["decoded"] * 0.7
    assert 0 < tokens["accepted"] <= tokens["drafted"]


def test_a_stream_that_is_closed_early_is_counted_too():
    _, tokens = run(scripted("loader.get(family).count"), most=3)
    assert tokens["decoded"] == 3
    assert "drafted" in tokens


def test_the_place_before_a_bracket_was_opened_is_warm_when_it_is_closed():
    backend = scripted("x")
    before, after = "value = 1\n" * 20 + "print", "\n" + "other = 2\n" * 20
    run(backend, FimRequest((before, after), GenerationLimits()))
    opened, inside = (FimRequest((f"{before}({typed}", f"){after}"), GenerationLimits()) for typed in ("", "value"))
    assert run(backend, opened)[1]["reused"] < 3
    assert run(backend, inside)[1]["reused"] > 100
    closed = FimRequest((f"{before}(value)", after), GenerationLimits())
    expected = backend.estimate(closed).reused
    assert run(backend, closed)[1]["reused"] == expected > 100


LONG = FimRequest(
    ("".join(f"value_{n} = other\n" for n in range(60)) + "total = ", "\nprint(total)\n" * 16), GenerationLimits()
)


@pytest.mark.parametrize(("token_ms", "chunk"), [(1.0, 48), (0.25, 192), (0.001, 256), (50.0, 16)])
def test_a_chunk_of_prefill_takes_some_fifty_milliseconds(token_ms, chunk):
    backend = scripted("x")
    backend.reader.cost = Cost(token_ms, 1.0)
    run(backend, LONG)
    assert backend.model.sizes[0] == chunk


def test_the_cost_of_a_token_is_learnt_from_every_prefill():
    backend = scripted("x")
    run(backend, LONG)
    assert backend.reader.cost.tokens_seen == 1
    run(backend, LONG)
    assert backend.reader.cost.tokens_seen == 1  # nothing was read


def within(seconds: float) -> FimRequest:
    return replace(LONG, limits=GenerationLimits(deadline=time.monotonic() + seconds))


def test_a_prompt_too_long_for_the_deadline_loses_the_far_end_of_its_prefix():
    backend = scripted("x")
    backend.reader.cost = Cost(token_ms=1000.0, step_ms=1.0)  # far more than passes in a test
    whole = backend.estimate(LONG).tokens
    hurried = backend.estimate(within(450)).tokens
    assert 180 < hurried <= 270 < whole
    assert whole - hurried in range(64, whole, 64)
    assert backend.estimate(within(1000)).tokens == whole
    assert backend.estimate(within(0)).tokens < 64 + 32 + 4  # what is next to the cursor is read in any case


def test_with_hardly_any_time_the_suffix_gives_way_before_the_text_next_to_the_cursor():
    backend = scripted("x")
    backend.reader.cost = Cost(token_ms=1000.0, step_ms=1.0)
    prompt = backend.reader.prompt(*LONG.segments, within(250)).ids
    after = prompt.index(backend.format.prefix) - 1
    assert after == 32
    assert len(prompt) - after > 64


def test_what_is_warm_costs_nothing_and_is_not_cut():
    backend = scripted("x")
    backend.reader.cost = Cost(token_ms=1000.0, step_ms=1.0)
    run(backend, LONG)
    backend.reader.cost = Cost(token_ms=1000.0, step_ms=1.0)
    assert backend.estimate(within(300)).tokens == backend.estimate(LONG).tokens


def test_a_shortened_prompt_stays_warm_while_typing():
    backend = scripted("x")
    read = []
    for typed in ("", "val", "value_1", "value_1 + ", "value_1 + oth"):
        backend.reader.cost = Cost(token_ms=1000.0, step_ms=1.0)
        request = replace(within(300), segments=(LONG.segments[0] + typed, LONG.segments[1]))
        read.append(run(backend, request)[1]["prefilled"])
    assert max(read[2:]) < 8, read  # the second one may read more: with the suffix there, there is time for it
    assert max(read) <= 180


def test_a_prefill_that_is_stopped_keeps_its_chunks():
    backend = scripted("x")
    cancel = Cancel()
    forward = backend.model.forward

    def forward_and_cancel(*args, **more):
        cancel.raise_for("superseded")
        return forward(*args, **more)

    backend.model.forward = forward_and_cancel
    assert list(backend.generate(LONG, cancel, Meter())) == []
    assert backend.estimate(LONG).reused == backend.model.sizes[0] > 0
