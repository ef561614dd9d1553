"""Holes by picture: what a kind may hide is what stands between ├ and ┤."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.compare.holes import KINDS, Cutter, Span, pieces
from fim_lsp.languages import LANGUAGES

PYTHON = LANGUAGES["python"]
TEXT = '''\
import math


def area(width, height):
    """Give the area — of a rectangle."""
    if width < 0:
        raise ValueError("négatif")
    return width * height


class Box:
    def volume(self, depth):
        total = area(self.width, self.height) * depth
        return math.floor(total)
'''


def cuts(kind: str, text: str = TEXT, count: int = 200) -> set[str]:
    cutter = Cutter(text, PYTHON)
    spans = [span for n in range(count) for span in cutter.spans(random.Random(n), {kind: 1.0})]
    return {text[span.start : span.end] for span in spans}


@pytest.mark.parametrize(
    ("kind", "some", "never"),
    [
        ("identifier", {"width", "math", "self"}, {"return", "0", "négatif"}),
        ("arguments", {"width, height", "self.width, self.height", "total", '"négatif"'}, {"(total)", "math"}),
        ("expression", {"width < 0", "width * height", "math.floor(total)"}, {"return width * height"}),
        ("whole_line", {"import math", "    return width * height", "return width * height"}, {"", "    "}),
        ("function_body", {"total = area(self.width, self.height) * depth\n        return math.floor(total)"}, {""}),
    ],
)
def test_a_kind_hides_what_it_says(kind, some, never):
    found = cuts(kind)
    assert some <= found
    assert not never & found


def test_a_body_is_hidden_with_its_indentation_half_of_the_time():
    bodies = cuts("function_body")
    assert any(body.startswith("        total") for body in bodies)
    assert any(body.startswith("total") for body in bodies)


def test_the_rest_of_a_line_begins_behind_code_and_ends_with_it():
    lines = TEXT.split("\n")
    for rest in cuts("rest_of_line"):
        assert any(line.endswith(rest) and line[: -len(rest)].strip() for line in lines)


def test_a_block_is_of_several_lines():
    assert all(block.strip().count("\n") >= 1 for block in cuts("block"))


def test_nothing_is_hidden_by_an_empty_hole():
    assert cuts("empty") == {""}


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 6), low=st.integers(0, 150), width=st.integers(40, 200))
def test_holes_lie_apart_within_their_window_and_weave_back(seed, count, low, width):
    window = (low, min(low + width, len(TEXT)))
    cutter, mix = Cutter(TEXT, PYTHON), dict.fromkeys(KINDS, 1.0)
    spans = cutter.spans(random.Random(seed), mix, count, window)
    assert spans == Cutter(TEXT, PYTHON).spans(random.Random(seed), mix, count, window)
    assert len(spans) <= count
    for span, following in zip(spans, [*spans[1:], Span(window[1] + 2, window[1] + 2)], strict=True):
        assert window[0] <= span.start <= span.end <= window[1]
        assert span.end + 1 < following.start
    cut = pieces(TEXT, spans, window)
    assert len(cut) == 2 * len(spans) + 1
    assert "".join(cut) == TEXT[window[0] : window[1]]


@pytest.mark.parametrize("text", ["", "x", "\n\n\n", "def broken(:\n  ((", "x = '\ud7ff😀'\n"])
def test_any_text_can_be_asked(text):
    for kind in KINDS:
        for span in Cutter(text, PYTHON).spans(random.Random(0), {kind: 1.0}):
            assert 0 <= span.start <= span.end <= len(text)
