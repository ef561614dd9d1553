"""What a longer token may begin with is said again: in tokens, `len(matches` does not begin with `len(ma`."""

from __future__ import annotations

import re
from itertools import cycle

import pytest

from fim_lsp.compare.quality import read_holes
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from tests.unit.backends.scripted import scripted

LINE = "größe = naïve.matrix(матрица, request.params['漢字']) + __doc__ + self._loader2"


def said(backend, before: str, most: int = 99) -> str:
    """Return the last draft of what is said after `before`."""
    (drafts,) = backend.generate(FimRequest((before, "\n"), GenerationLimits(max_tokens=most)), Cancel(), Meter())
    *_, last = drafts
    return last.text


@pytest.mark.parametrize("at", range(1, len(LINE)))
def test_wherever_a_line_is_cut_its_rest_is_said(at):
    reader = scripted("").reader
    typed = reader.prompt(LINE[:at], "\n", FimRequest((LINE[:at], "\n"), GenerationLimits())).typed
    assert said(scripted(LINE[at - typed :]), LINE[:at]) == LINE[at:]


@pytest.mark.parametrize(("before", "typed"), [
    ("elif len(ma", 3), ("x = merge(requ", 5), ("    re", 3), ("x = 12", 0), ("", 0),
    ("x = ", 1), ("f(a) ", 1), ("x =", 2), ("f(a)", 1), ("if x:", 1), ("'.", 2), ("say('hello'", 1),
    ("print(", 0), ("a[", 0), ("self.", 0), ("say('", 0), ("x\n    ", 0), ("\t", 0),
])  # fmt: skip
def test_what_a_longer_token_may_begin_with_is_left_out_with_the_token_it_is_part_of(before, typed):
    reader = scripted("").reader
    prompt = reader.prompt(before, "\n", FimRequest((before, "\n"), GenerationLimits()))
    assert prompt.typed == typed
    assert reader.tokenizer.decode(prompt.prefix) == before[: len(before) - typed]
    is_said_again = reader.prompt(before, "\n", FimRequest((before, "\n"), GenerationLimits()), is_said_again=False)
    assert reader.tokenizer.decode(is_said_again.prefix) == before


def test_what_goes_on_otherwise_has_no_chance():
    backend = scripted("(request)")
    assert "request" not in "len(resp" + said(backend, "len(resp")


def test_the_probability_is_that_among_what_was_typed():
    request = FimRequest(("elif len(ma", "\n"), GenerationLimits())
    backend = scripted("(matches)")
    likely = next(next(backend.generate(request, Cancel(), Meter())))
    unlikely = next(next(scripted("(other)").generate(request, Cancel(), Meter())))
    assert likely.confidence > 0.99
    assert unlikely.confidence < 0.1


@pytest.mark.parametrize("spelt", ["re", " re", "(ma", "_", "self", "漢", "zzzzqq"])
def test_longer_and_shorter_tokens_are_those_that_a_look_at_all_of_them_finds(spelt):
    tokenizer = scripted("").tokenizer
    spelt = tokenizer.spell(tokenizer.encode(spelt))
    added = tokenizer.inner.get_added_tokens_decoder()
    every = {one: tokenizer.spell([one]) for one in range(tokenizer.inner.get_vocab_size()) if one not in added}
    assert set(tokenizer.beginning_with(spelt)) == {one for one, text in every.items() if text.startswith(spelt)}
    assert set(tokenizer.within(spelt)) == {
        one for one, text in every.items() if spelt.startswith(text) and text != spelt
    }


@pytest.mark.model
def test_what_is_tried_in_the_same_pass_changes_no_answer(decoder, monkeypatch):
    backend = decoder.router.ready()
    texts = [hole.segments[0][-900:] for hole in read_holes(None)[::30]]
    words = [re.sub(r"[^a-z]+\Z", "", text) for text in texts]
    cuts = [text[: len(text) - back] for text, back in zip(words, cycle(range(3)), strict=False)]
    quick = [said(backend, text, 12) for text in cuts]
    prompt = backend.reader.prompt
    monkeypatch.setattr(backend.reader, "prompt", lambda *args: prompt(*args)._replace(left_out=()))
    slow = [said(backend, text, 12) for text in cuts]  # the last token of what was typed is one of the twelve
    assert all(one.startswith(other) for one, other in zip(quick, slow, strict=True))
    assert sum(map(len, slow)) > 0.8 * sum(map(len, quick))
    assert sum(prompt(text, "\n", FimRequest((text, "\n"), GenerationLimits())).typed > 0 for text in cuts) > 5


@pytest.mark.model
@pytest.mark.parametrize(("before", "rest"), [
    ("def first(matches):\n    if len(matches) == 1:\n        return matches[0]\n    elif len(ma", "tches)"),
    ("def send(request):\n    check(request)\n    return merge(requ", "est"),
    ("def ready(loaded):\n    if loaded:\n        retu", "rn"),
    ("def same(a, b):\n    return a =", "= b"),
    ("from flask import Flask\nfrom flask ", "import "),
    ("def run():\n    work()\n\n\nif __name__ =", '= "__main__"'),
])  # fmt: skip
def test_the_shipped_decoder_finishes_a_word_or_an_operator(decoder, before, rest):
    assert said(decoder.router.ready(), before).startswith(rest)
