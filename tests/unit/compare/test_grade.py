"""What counts as right."""

from __future__ import annotations

import pytest

from fim_lsp.compare.grade import grade, stutter
from fim_lsp.compare.quality import SEVERAL, Hole
from fim_lsp.domain import Outcome, Suggestion

BODY = Hole("p", "f.py", 1, "function_body", "def f(a):\n", "\n\nx = 1\n", "    b = a\n    return b")
CALL = Hole("p", "f.py", 1, "arguments", "f(", ")\n", "a, b")
TWO = Hole("p", "f.py", 1, SEVERAL, "def ", "(a):\n    return ", "f", further=(("a", "\n"),))


def said(*fills: str, replaces: int = 0) -> Outcome:
    return Outcome((Suggestion(fills, replaces),))


@pytest.mark.parametrize(
    ("text", "is_exact", "is_first_line", "is_valid"),
    [
        ("    b = a\n    return b", True, True, True),
        ("b = a  \n    return b\n", True, True, True),
        ("    b = a", False, True, True),
        ("    b = (a", False, False, False),
    ],
)
def test_a_body_counts_whole_and_by_its_first_line(text, is_exact, is_first_line, is_valid):
    mark = grade(BODY, said(text))
    assert (mark.is_exact, mark.is_first_line, mark.is_valid) == (is_exact, is_first_line, is_valid)


def test_what_replaces_the_suffix_is_taken_off():
    mark = grade(CALL, said("a, b)", replaces=1))
    assert (mark.shown, mark.is_exact, mark.is_valid) == ("a, b", True, True)


def test_nothing_said_is_nothing_right():
    mark = grade(CALL, Outcome(reason="filter"))
    assert (mark.is_answered, mark.is_exact, mark.is_valid, mark.similarity) == (False, False, False, 0.0)


@pytest.mark.parametrize(
    ("fills", "is_exact", "similarity", "is_valid"),
    [(("f", "a"), True, 1.0, True), (("f", "b"), False, 0.5, True), (("f", "("), False, 0.5, False)],
)
def test_several_holes_are_right_only_together(fills, is_exact, similarity, is_valid):
    mark = grade(TWO, said(*fills))
    assert (mark.is_exact, mark.similarity, mark.is_valid) == (is_exact, similarity, is_valid)


def test_stutter_counts_pairs_said_before():
    assert stutter("a b c") == 0.0
    assert stutter("a b a b a b") == pytest.approx(3 / 5)
    assert stutter("a") == 0.0
