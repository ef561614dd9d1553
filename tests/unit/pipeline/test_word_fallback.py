"""Words of the document that go on as the one at the cursor, drawn."""

from __future__ import annotations

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.pipeline import look_ahead, word_fallback
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        ("parenthesize(x)\npar║\n", "enthesize"),
        ("par║\n# parenthesize\n", "enthesize"),
        ("parenthesize(x)\nself.par║\n", "enthesize"),
        ("parent = parenthesize\npar║\n", "ent"),  # as far as all agree
        ("parse = parent\npar║\n", None),  # they agree on nothing
        ("par = parenthesize\npar║\n", None),  # it may be whole
        ("parenthesize(x)\npar║ent\n", None),  # within a word
        ("parenthesize(x)\np║\n", None),  # hardly begun
        ("pare\npar║\n", None),  # hardly any left
        ("parenthesize(x)\n2par║\n", None),
        ("überlauf = 1\nüb║\n", "erlauf"),
        ("unpar.parenthesize\nx = ║\n", None),
        ("compar\npar║\n", None),
    ],
)
def test_the_rest_of_a_word(picture, text):
    found = word_fallback.rest(draw(picture))
    assert (found.text if found else None) == text


def test_after_one_more_character():
    snap = draw("parent = parents\nprinter\np║\n")
    assert sorted(found.text for found in word_fallback.others(snap, but="")) == ["arent", "rinter"]
    assert [found.text for found in word_fallback.others(snap, but="a")] == ["rinter"]
    assert not list(word_fallback.others(draw("path = parent\np║\n"), but=""))  # `pa` goes on in two ways
    assert not list(word_fallback.others(draw("parent\n║\n"), but=""))


def test_it_is_said_where_the_model_says_nothing():
    it = Completer(Config(), lambda family, model: FakeBackend("\n"))
    here = draw("parenthesize(x)\npar║\n")
    outcome = it.complete(here, Cancel())
    assert shown(here, outcome.suggestions[0]) == "parenthesize(x)\npar├enthesize┤\n"
    assert outcome.why.endswith("the rest of a word of this document")
    assert outcome.reason


def test_a_model_that_says_something_is_not_overruled():
    it = Completer(Config(), lambda family, model: FakeBackend("tition()"))
    assert it.complete(draw("parenthesize(x)\npar║\n"), Cancel()).suggestions[0].text == "tition()"


def test_it_can_be_left_out():
    it = Completer(Config(word_fallback=False), lambda family, model: FakeBackend("\n"))
    assert not it.complete(draw("parenthesize(x)\npar║\n"), Cancel()).suggestions


def test_a_key_nobody_expected_is_answered_from_the_words():
    it = Completer(Config(), lambda family, model: FakeBackend("alse", alternatives=("rue",)))
    it.warm_up()
    here = draw("fibre = fibonacci = trunk\ntr║\n")
    outcome = it.complete(here, Cancel())
    look_ahead.find_alternatives(it, here, outcome, Cancel())
    typed = it.look_up(draw("fibre = fibonacci = trunk\ntru║\n"))
    assert typed is not None
    assert [one.text for one in typed.suggestions] == ["nk"]
