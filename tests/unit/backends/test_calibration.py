"""From log-probabilities to a probability: monotone, honest about what was cut short, and silent without a table."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.calibration import Calibration, features
from fim_lsp.domain import AcceptanceCurve, Suggestion

CURVE = Calibration(2.0, {"mean": 1.0, "least": 0.5, "first": 0.3, "total": 0.1, "length": -0.4}, {"string": -3.0})
LOGS = st.lists(st.floats(-20, 0), min_size=1, max_size=30)


def said(*log_probs: float, text: str = "x", finish="stop") -> Suggestion:
    return Suggestion((text,), finish=finish, log_probs=log_probs)


@given(LOGS, st.data(), st.floats(0, 5))
def test_a_likelier_token_never_makes_the_suggestion_less_likely(logs, data, more):
    at = data.draw(st.integers(0, len(logs) - 1))
    raised = [*logs[:at], min(logs[at] + more, 0.0), *logs[at + 1 :]]
    before, after = (CURVE.judge(said(*some), "end of line", ()).confidence for some in (logs, raised))
    assert 0 <= before <= after + 1e-12 <= 1 + 1e-12


def test_the_kind_of_place_counts():
    assert CURVE.judge(said(-0.1), "string", ()).confidence < CURVE.judge(said(-0.1), "end of line", ()).confidence


def test_features():
    of = features(said(-1.0, -3.0, text="width * 3 + depth"), ("def area(width, height):", "return width"))
    assert of == {
        "mean": -2.0, "least": -3.0, "first": -1.0, "total": -4.0, "known": 0.5,
        "length": pytest.approx(1.585, abs=1e-3),
    }  # fmt: skip
    assert features(said(-1.0, text=") * 3"), ())["known"] == 1


@pytest.mark.parametrize("finish", ["deadline", "length", "cancelled"])
def test_a_line_cut_short_is_not_the_line_but_the_first_line_of_a_block_may_be(finish):
    assert CURVE.judge(said(-0.1, finish=finish), "", ()).confidence == 0
    assert CURVE.judge(said(-0.1, text="x\ny", finish=finish), "", ()).confidence > 0.5


def test_without_log_probabilities_or_without_a_table_the_confidence_stays(tmp_path):
    several = Suggestion(("x", "y"), confidence=0.7)
    assert CURVE.judge(several, "several holes", ()) == several
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert Calibration.read(tmp_path) is None


@pytest.mark.parametrize("by_kind", ["cursor_kinds", "places"])  # as earlier models have it
def test_what_was_fitted_is_read(by_kind, tmp_path):
    table = {"bias": 1.0, "weights": {}, by_kind: {"string": 2.0}, "shown": 0.2}
    (tmp_path / "config.json").write_text(json.dumps({"confidence": table}))
    assert Calibration.read(tmp_path) == Calibration(1.0, {}, {"string": 2.0}, 0.2)


def test_the_limit_follows_a_person_within_bounds():
    fitted = replace(CURVE, shown=0.06)
    assert fitted.limit == 0.06
    assert replace(fitted, curve=AcceptanceCurve()).limit == pytest.approx(0.06)
    assert replace(fitted, curve=AcceptanceCurve(-1.0, 1.0)).limit == pytest.approx(0.148, abs=1e-3)
    assert replace(fitted, curve=AcceptanceCurve(-9.0, 1.0)).limit == 0.5  # never silent where it is likely right
    assert replace(fitted, curve=AcceptanceCurve(9.0, 1.0)).limit == 0.015
    assert replace(CURVE, curve=AcceptanceCurve(-9.0, 1.0)).limit == 0.0  # no limit was fitted


@given(st.floats(-3, 3), st.floats(0.5, 2), st.floats(0.01, 0.99))
def test_a_curve_is_undone(shift, scale, share):
    curve = AcceptanceCurve(shift, scale)
    assert curve.confidence(curve.taken(share)) == pytest.approx(share, abs=1e-3)
