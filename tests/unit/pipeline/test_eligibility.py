"""Where to complete, and how much."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.languages import LANGUAGES, Trees, describe
from fim_lsp.pipeline import eligibility
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw


def limits_of(picture: str, **more):
    snap = draw(picture, **more)
    return eligibility.limits(snap, Config(), describe(snap, Trees().tree(snap, LANGUAGES["python"])))


def test_what_passed_before_the_limits_were_set_counts_towards_the_deadline():
    snap = draw("x = ║\n")
    site = describe(snap, Trees().tree(snap, LANGUAGES["python"]))
    assert eligibility.limits(snap, Config(deadline_ms=100), site, time.monotonic() - 1).expired
    assert not eligibility.limits(snap, Config(deadline_ms=60_000), site).expired


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        ("def f():\n    ║\n", "empty block"),
        ("def f():║\n", "empty block"),
        ("def f():  # why\n    ║\n", "empty block"),
        ("class A:\n    def f(\n        self,\n        b,\n    ):\n        ║\n", "empty block"),
        ("if x:\n    ║\nelse:\n    pass\n", "empty block"),
        ("async def f():\n    async with a as b:\n        ║", "empty block"),
        ("try:\n    ║", "empty block"),
        ("match x:\n    case 1:\n        ║\n", "empty block"),
        ("def f():\n    ║\n    return 1\n", "blank line"),
        ("def f():\n║\n", "blank line"),
        ("x = {1:║\n", "end of line"),
        ("x = y[1:║\n", "end of line"),
        ("f = lambda:║\n", "end of line"),
        ("x: ║\n", "end of line"),
        ("x = ║\n", "end of line"),
        ("f(║)\n", "text right of the cursor"),
        ("x = 'a║'\n", "in a string"),
        ("x = 'a║\n", "in a string"),
        ('def f():\n    """Say ║\n', "in a string"),
        ('def f():\n    """Say ║\n    more."""\n', "in a string"),
        ("x = 1  # say ║\n", "in a comment"),
        ("x = f'{║}'\n", "text right of the cursor"),
        ("x = 'a'║\n", "end of line"),
        ("║", "blank line"),
    ],
)
def test_one_line_or_several(picture, why):
    limits = limits_of(picture)
    assert limits.why == why
    assert limits.multiline == (why == "empty block")


def test_manual_gets_several_candidates_and_more_time():
    assert limits_of("x = ║").candidates == 1
    assert limits_of("x = ║", manual=True).candidates > 1
    assert limits_of("x = ║", manual=True).deadline > limits_of("x = ║").deadline + 1


@pytest.mark.parametrize(
    ("picture", "reason"),
    [("  \n║", "empty"), ("fo║o = 1", "inside a word"), ("foo║ = 1", ""), ("x = ║y", "")],
)
def test_refusals_are_named(picture, reason):
    said = eligibility.refuse(draw(picture), Config())
    assert reason in said
    assert bool(said) == bool(reason)
    assert not eligibility.refuse(draw(picture, manual=True), Config())


def test_other_languages_are_refused_by_name():
    snap = replace(draw("x = ║"), language="klingon")
    assert "'klingon'" in eligibility.refuse(snap, Config())
    assert eligibility.refuse(snap, Config(languages=("klingon",))) == ""


def test_without_a_grammar_lines_and_brackets_decide():
    it = Completer(Config(languages=("klingon",)), lambda family, model: FakeBackend("a)\nb"))
    snap = replace(draw("block {\n    f(║)\n}\n"), language="klingon")
    outcome = it.complete(snap, Cancel())
    assert outcome.suggestions[0].text == "a"
    assert "no grammar for 'klingon'" in outcome.why
    empty = replace(draw("block {\n    ║\n}\n"), language="klingon")
    assert "empty block" in it.complete(empty, Cancel()).why
    assert "in a string" in it.complete(replace(draw('x = "a ║\n'), language="klingon"), Cancel()).why
    filled = it.fill(("x = ", ""), "klingon", Cancel())
    assert filled.suggestions
