"""Where a draft that goes in circles is cut."""

from __future__ import annotations

import pytest

from fim_lsp.domain import GenerationLimits
from fim_lsp.languages import LANGUAGES, Trees, describe
from fim_lsp.pipeline.stops import at_loop
from tests.picture import draw

HERE = draw("x = ║\n")
SITE = describe(HERE, Trees().tree(HERE, LANGUAGES["python"]))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('value.replace("-", "").replace("-", "").replace("-", "")', 'value.replace("-", "")'),
        ('value.replace("-", "").replace("-", "").replace("-", "").', 'value.replace("-", "")'),  # within a round
        ('value.replace("-", "").replace("-", "")', None),  # twice may be meant
        ("a + b + b + b + b + b", "a + b"),
        ("a + b + b + b", None),  # a short round takes more of them
        ("[0, 0, 0, 0, 0, 0, 0, 0", None),  # a bracket would be left open
        ("total += value\n    total += value\n    total += value\n    ", "total += value\n    "),
        ("# ------------------", None),
        ("                  ", None),
        ("self.width * self.height", None),
    ],
)
def test_a_loop_is_cut_after_its_first_round(text, kept):
    at = at_loop(text, HERE, GenerationLimits(), SITE)
    assert (text[:at] if at is not None else None) == kept
