"""Where accepted text stands: an edit of the document, drawn, and whether the text is still there."""

from __future__ import annotations

import pytest

from fim_lsp.metrics.placed import PlacedText


@pytest.mark.parametrize(
    ("before", "after", "stands"),
    [
        ("x = [a + b]", "import y\nx = a + b", True),  # typed above
        ("x = [a + b]", "x = a + b + c", True),  # typed behind
        ("f([a + b])", "f(a + b", True),  # what followed is gone
        ("x = [a + b]", "x = a + c", False),
        ("x = [a + b]", "x = a * (a + b)", True),  # across its start, the whole is still there
        ("x = [a + b]", "x = ", False),
        ("x = [a + b]\na + b\n", "x = 1\na + b\n", False),  # the same elsewhere is not it
    ],
)
def test_a_place_follows_edits(before, after, stands):
    start, end = before.index("["), before.index("]") - 1
    text = before.replace("[", "").replace("]", "")
    placed = PlacedText(text[start:end], start, end)
    left = 0
    while left < min(len(text), len(after)) and text[left] == after[left]:
        left += 1
    right = 0
    while right < min(len(text), len(after)) - left and text[-1 - right] == after[-1 - right]:
        right += 1
    placed.move(left, len(text) - right, len(after) - right - left)
    assert placed.stands_in(after) == stands
