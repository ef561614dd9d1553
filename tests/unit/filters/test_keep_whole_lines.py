"""What was cut short ends with a whole line or word."""

from __future__ import annotations

import pytest

from fim_lsp.domain import Suggestion
from fim_lsp.filters import keep_whole_lines
from fim_lsp.languages import DEFAULT, SyntaxTree, get
from tests.picture import draw


@pytest.mark.parametrize(
    ("finish", "said", "kept"),
    [
        ("stop", "self.width", "self.width"),
        ("length", "self.width", "self."),
        ("length", "a = 1\nb = 2", "a = 1"),
        ("unsure", "self.width", "self.width"),  # it was cut where a word ends
        ("unsure", "a = 1\nb =", "a = 1"),
        ("cancelled", "self", None),
    ],
)
def test_what_is_left(finish, said, kept):
    snap = draw("x = ║\n")
    syntax = SyntaxTree.parse(snap.text, get(DEFAULT))
    left = keep_whole_lines.apply(Suggestion((said,), finish=finish), snap, syntax)
    assert (left and left.text) == kept
