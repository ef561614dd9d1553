"""The confident prefix of what is unsure as a whole."""

from __future__ import annotations

import math

import pytest

from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Suggestion
from fim_lsp.languages import DEFAULT, get
from fim_lsp.pipeline import confident_prefix
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw


def drafts(*tokens: tuple[str, float]):
    text, log_probs = "", ()
    for token, probability in tokens:
        text, log_probs = text + token, (*log_probs, math.log(probability))
        yield Suggestion((text,), log_probs=log_probs)


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        ([("self", 0.9), (".", 0.9), ("width", 0.5), (" *", 0.2), (" 2", 0.1)], "self.width"),
        ([("self", 0.9), (".wi", 0.9), ("dth", 0.01)], "self"),  # never within a word
        ([("self", 0.1), (".", 0.9)], None),
        ([("(", 0.9), ("x", 0.1)], None),  # a single character is typed as quickly
        ([("a = ", 0.9), ("b", 0.1)], "a ="),
        ([("# -", 0.9), ("a", 0.1)], None),  # nor is there anything to read in a mark
    ],
)
def test_it_ends_with_a_word_while_it_is_sure(tokens, shown):
    ends: list[confident_prefix.DraftEnd] = []
    *_, last = confident_prefix.noting_ends(drafts(*tokens), ends)
    cut = confident_prefix.truncate(last, ends, get(DEFAULT))
    assert (cut.text if cut else None) == shown
    assert cut is None or not cut.is_whole


def test_closing_it_closes_the_decoding():
    closed = []

    def endless():
        try:
            while True:
                yield Suggestion(("x",), log_probs=(0.0,))
        finally:
            closed.append(True)

    stream = confident_prefix.noting_ends(endless(), [])
    next(stream)
    stream.close()
    assert closed


class Cut(FakeBackend):
    """Say what the budget cut short."""

    def _drafts(self, text, request, cancel, meter):
        for end in (4, len(text)):
            yield Suggestion((text[:end],), finish="length", log_probs=self.log_probs)


@pytest.mark.parametrize(("surprise", "shown"), [(0.0, ["1, 2"]), (-9.0, [])])
def test_what_the_budget_cut_short_is_asked_too_how_sure_it_is(surprise, shown):
    backend = Cut("1, 2, 3, 45", log_probs=(surprise,) * 3)
    backend.calibration = Calibration(9.0, {"mean": 2.0}, {}, shown=0.1)
    outcome = Completer(Config(), lambda family, model: backend).complete(draw("x = [║\n"), Cancel())
    assert [one.text for one in outcome.suggestions] == shown
