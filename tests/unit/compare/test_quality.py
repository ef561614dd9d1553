"""What `fim-lsp eval` makes of recorded holes."""

from __future__ import annotations

import json

import pytest

from fim_lsp.compare.quality import Hole, Score, read_holes, summarise, within_word
from fim_lsp.domain import Outcome, Suggestion


def score(prefix: str, suffix: str, said: str, gold: str = "1", replaces: int = 0) -> Score:
    suggestions = (Suggestion((said,), replaces),) if said else ()
    return Score(Hole("p", "a.py", 1, "expression", prefix, suffix, gold), Outcome(suggestions), 1.0)


@pytest.mark.parametrize(
    ("prefix", "suffix", "said", "is_error"),
    [
        ("f(", ")\n", "a, b", False),
        ("f(", ")\n", "a, b)", True),
        ("f(", ")\n", "a +", True),
        ("x = ", "\n", ")", False),  # no worse than it was
        ("f(", ")\n", "", False),
    ],
)
def test_a_shown_error_is_one_that_was_not_there(prefix, suffix, said, is_error):
    assert score(prefix, suffix, said).is_error is is_error


def test_what_a_suggestion_covers_is_no_error():
    assert not score("f(", ")\n", "a)", replaces=1).is_error


def test_the_share_of_holes_with_a_suggestion_and_of_those_it_breaks():
    row = summarise([score("f(", ")\n", said) for said in ("1", "1", "1 +", "")])["all"]
    assert (row["answered"], row["first_line_match"]) == (75.0, 50.0)
    assert row["shown_errors"] == pytest.approx(100 / 3)


def test_a_hole_may_hold_what_only_python_takes_for_a_line_break(tmp_path):
    row = {"package": "p", "path": "a.py", "line": 1, "kind": "expression", "gold": "1"}
    text = json.dumps(row | {"prefix": "x = '\u2028\x85' + ", "suffix": "\n"}, ensure_ascii=False)
    (tmp_path / "holes.jsonl").write_text(f"{text}\n{text}\n", encoding="utf-8")
    assert [hole.prefix for hole in read_holes(tmp_path / "holes.jsonl")] == ["x = '\u2028\x85' + "] * 2


def test_a_hole_within_a_word_is_the_same_text_a_few_letters_further():
    holes = read_holes(None)
    cut = [(hole, within) for hole in holes if (within := within_word(hole))]
    assert len(cut) > 0.9 * len(holes)
    for hole, within in cut:
        typed = within.prefix.removeprefix(hole.prefix)
        assert hole.prefix + typed == within.prefix
        assert typed + within.gold == hole.gold
        assert f"{typed[-1]}{within.gold[0]}".replace("_", "a").isalnum()
    assert [within_word(hole) for hole in holes] == [within_word(hole) for hole in read_holes(None)]


def test_a_hole_without_a_word_cannot_begin_within_one():
    assert within_word(Hole("p", "a.py", 1, "arguments", "f(", ")", "1, x, '-'")) is None


def test_the_slowest_of_one_hole_is_that_hole():
    (hole, *_) = read_holes(None)
    rows = summarise([Score(hole, Outcome(), 12.0)], len)
    assert {row["latency_p95_ms"] for row in rows.values()} == {12.0}
