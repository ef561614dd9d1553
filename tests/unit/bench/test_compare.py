"""The comparison with scripted contenders: who is right where is known beforehand, so are the verdicts."""

from __future__ import annotations

import json
import re

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.bench import claims, compare, footprint, page, stats
from fim_lsp.bench.quality import Hole
from fim_lsp.bench.trials import Contender
from fim_lsp.errors import InputError


@pytest.fixture
def report(monkeypatch):
    monkeypatch.setattr(footprint, "measure", lambda family, folder: {"loaded_mb": 1.0, "peak_mb": 2.0, "load_s": 0.1})
    from fim_lsp.backends.models import models_folder

    folder = models_folder() / "gpt"
    right, wrong = FakeBackend("first + second", step_s=0.004), FakeBackend("other", step_s=0.0, confidence=0.2)
    holes = [
        Hole("p", f"f{n}.py", 2, kind, "def add(first, second):\n    return ", "\n", "first + second")
        for n, kind in enumerate(["rest_of_line", "whole_line"] * 6)
    ]
    contenders = [Contender("gpt", "gpt", folder, right), Contender("bert", "bert", folder, wrong)]
    ticks: list[int] = []
    made = compare.compare(holes, contenders, seed=1, tick=lambda: ticks.append(1))
    assert len(ticks) == len(holes)
    return made


def test_the_report_says_who_was_right(report):
    gpt, bert = report["contenders"]
    assert report["n"] == 12
    assert (gpt["exact_match"]["percent"], bert["exact_match"]["percent"]) == (100.0, 0.0)
    assert gpt["latency_ms"]["p50"] <= gpt["latency_ms"]["p95"] <= gpt["latency_ms"]["p99"]
    assert {"rest_of_line", "whole_line"} == set(gpt["by_kind"])
    assert report["machine"]["threads"] >= 1
    verdicts = {claim["claim"]: claim["verdict"] for claim in report["claims"]}
    assert verdicts["the encoder is quicker on spans of at most 16 tokens"] == "holds"
    assert verdicts["seeing the text right of the cursor helps gpt"] == "not shown"
    json.dumps(report)


def test_contenders_take_turns_hole_by_hole(report):
    order = [(t["hole"], t["contender"]) for t in report["trials"] if t["condition"] == "cold"]
    assert sorted(order, key=lambda one: one[0]) == order
    assert {name for hole, name in order if hole == 0} == {"gpt", "bert"}


def test_the_page_asks_nothing_of_any_other_place(report):
    html = page.render(report)
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?\s*https?:""", html)
    assert html.count("<svg") >= 4
    assert "first + second" in html


def test_an_older_report_is_compared_hole_by_hole(report, tmp_path):
    (row, _) = compare.against(report, json.loads(json.dumps(report)))
    assert row["exact_match_change"] == [0.0, 0.0]
    assert row["p50_ratio"] == 1.0
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other\.json"):
        compare.read(tmp_path / "other.json")


@pytest.mark.parametrize("spec", ["llama", "gpt=/nowhere"])
def test_contenders_that_cannot_be_had_are_named(spec):
    with pytest.raises(Exception, match=re.escape(spec.partition("=")[2] or spec)):
        compare.contend([spec])


def test_holes_are_drawn_evenly_over_their_kinds():
    holes = [Hole("p", str(n), 1, "a" if n < 90 else "b", "", "", "x") for n in range(100)]
    drawn = compare.draw(holes, 20, seed=0)
    assert sum(hole.kind == "b" for hole in drawn) == 10
    assert compare.draw(holes, 20, seed=0) == drawn


def test_verdicts():
    assert [claims.verdict(*ends) for ends in ((0.1, 0.5), (-0.5, -0.1), (-0.1, 0.1))] == [
        "holds", "does not hold", "not shown",
    ]  # fmt: skip
    low, high = stats.interval([1.0] * 20 + [0.0] * 20)
    assert 0.3 < low < 0.5 < high < 0.7
