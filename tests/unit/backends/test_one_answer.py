"""Reuse, pieces, drafts and packing change no token: the engine against one token after another from nothing.

More holes than a test has time for: python -m tests.unit.backends.test_one_answer 200
"""

from __future__ import annotations

import sys

import pytest

from fim_lsp.backends.gpt import GptBackend
from fim_lsp.backends.reader import BEGUN
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.compare.quality import read_holes
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter

pytestmark = pytest.mark.model

TOKENS = 16


def plainly(gpt: GptBackend, request: FimRequest) -> list[int]:
    """Read the whole prompt in one pass into a new cache, then take the likeliest token, one pass each."""
    prompt = gpt.reader.prompt(*request.segments, request)
    cache, said = gpt.model.new_cache(len(prompt.ids) + TOKENS), []
    logits = gpt.model.forward(prompt.ids, cache)
    while len(said) < TOKENS and (token := int(logits[0].argmax())) not in gpt.format.ends:
        said.append(token)
        logits = gpt.model.forward([token], cache)
    return said


def whole(before: str) -> str:
    """Cut off what would be said again; what that changes is tested in test_said_again.py."""
    while BEGUN.search(before):
        before = before[:-1]
    return before


def check(gpt: GptBackend, count: int) -> tuple[int, int]:
    """Return how many holes were answered alike, and how many tokens came from accepted drafts."""
    holes = read_holes(None)
    alike = accepted = 0
    for hole in holes[:: max(1, len(holes) // count)][:count]:
        before, after = whole(hole.segments[0][-1200:]), hole.segments[1][:500]
        for typed in (whole(before[:-9]), before):  # the second goes on from what the first left
            request, meter = FimRequest((typed, after), GenerationLimits(max_tokens=TOKENS)), Meter()
            (drafts,) = gpt.generate(request, Cancel(), meter)
            *_, last = drafts
        alike += last.text == gpt.tokenizer.decode(plainly(gpt, request))
        accepted += meter.tokens["accepted"]
    return alike, accepted


def test_what_is_kept_and_drafted_changes_nothing(decoder, monkeypatch):
    model, sizes = decoder.router.ready().model, []
    forward = model.forward
    monkeypatch.setattr(
        model, "forward", lambda ids, *args, **more: sizes.append(len(ids)) or forward(ids, *args, **more)
    )
    monkeypatch.setattr("fim_lsp.backends.reader.CHUNKS", (32, 32))
    alike, accepted = check(decoder.router.ready(), 40)
    assert alike == 40
    assert accepted > 20
    assert sum(size > 8 for size in sizes) > 3 * 40  # prompts were read in pieces: whole, a hole takes three passes


if __name__ == "__main__":
    count = int(sys.argv[1])
    alike, accepted = check(GptBackend.from_folder(find_model("gpt", "")), count)
    print(f"{alike} of {count} holes answered alike; {accepted} tokens came from accepted drafts")
