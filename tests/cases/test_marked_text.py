"""A text with masks, as `fim-lsp complete --text` takes it: one mask costs no more than a cursor."""

from __future__ import annotations

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.pipeline.completer import Completer
from fim_lsp.pipeline.multi_hole import fill_holes
from fim_lsp.settings import Config


@pytest.mark.parametrize(
    ("segments", "language"),
    [
        (("def f():\n    ", ""), "python"),
        (("x = ", "\n"), "python"),
        (("package p\n\nfunc f() int {\n\treturn ", "\n}\n"), "go"),
        (("let x = ", ";\n"), "javascript"),
        (("", ""), "python"),
    ],
)
def test_one_mask_is_filled_and_tried_no_more_often_than_a_cursor(segments, language):
    backend = FakeBackend(*[f"a{n}" for n in range(100)])
    outcome = Completer(Config(backend="gpt"), lambda family, model: backend).fill(segments, language, Cancel())
    tried = [fill_holes(segments, (text,)) for text in ("a0", "a1", "a2")]
    assert fill_holes(segments, outcome.suggestions[0].fills) in tried
    assert backend.steps <= 3
