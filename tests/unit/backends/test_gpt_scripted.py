"""The decoder's backend around a model without weights: drafts, places kept warm, what is counted."""

from __future__ import annotations

from fim_lsp.domain import Cancel, FimRequest, Meter, Plan
from tests.unit.backends.scripted import scripted

LINE = "total = shelf.get(family).count + shelf.get(other).count"
ASK = FimRequest((f"{LINE}\n" * 4 + "total = ", "\nprint(total)\n"), Plan())


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
    backend = scripted("shelf.get(family).count + shelf.get(other).count")
    answer, tokens = run(backend)
    assert answer.text == "shelf.get(family).count + shelf.get(other).count"
    assert tokens["decoded"] == len(answer.log_probs) > 10
    passes = [size for size in backend.model.sizes if size < 9]
    assert len(passes) < tokens["decoded"] * 0.7
    assert 0 < tokens["accepted"] <= tokens["drafted"]


def test_a_stream_that_is_closed_early_is_counted_too():
    _, tokens = run(scripted("shelf.get(family).count"), most=3)
    assert tokens["decoded"] == 3
    assert "drafted" in tokens


def test_the_place_before_a_bracket_was_opened_is_warm_when_it_is_closed():
    backend = scripted("x")
    before, after = "value = 1\n" * 20 + "print", "\n" + "other = 2\n" * 20
    run(backend, FimRequest((before, after), Plan()))
    opened, inside = (FimRequest((f"{before}({typed}", f"){after}"), Plan()) for typed in ("", "value"))
    assert run(backend, opened)[1]["reused"] < 3
    assert run(backend, inside)[1]["reused"] > 100
    closed = FimRequest((f"{before}(value)", after), Plan())
    expected = backend.outlook(closed).reused
    assert run(backend, closed)[1]["reused"] == expected > 100
