"""Suggestions as they are printed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fim_lsp.cli.terminal import show_at_cursor
from fim_lsp.domain import Outcome, Snapshot, Suggestion

TEXT = "def add(a, b):\n    return \n"


@pytest.mark.parametrize(("width", "is_beside"), [(160, True), (70, False)])
def test_answers_stand_beside_each_other_where_there_is_room(width, is_beside):
    console = Console(width=width, file=io.StringIO())
    said = Outcome((Suggestion(("a + b",)),), backend="gpt", timings={"decode": 12.0})
    answers = [("gpt", said, 300.0, 80.0), ("bert", Outcome(reason="filter blank"), 90.0, None)]
    show_at_cursor(console, Snapshot("u", 0, "python", TEXT, len(TEXT) - 1), "a.py:2:12", answers)
    lines = console.file.getvalue().splitlines()
    assert any("return a + b" in line for line in lines)
    assert any("nothing shown: filter blank" in line for line in lines)
    assert any("80 ms warm" in line for line in lines)
    assert any("gpt" in line and "bert" in line for line in lines) == is_beside
