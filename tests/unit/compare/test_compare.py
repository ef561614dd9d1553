"""The comparison with scripted contenders."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import jsonschema
import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.compare import change, cut, page, plots
from fim_lsp.compare import run as compare
from fim_lsp.compare.at_cursor import ask
from fim_lsp.compare.contenders import CONTENDER_FAMILIES, Contender, Family, contend
from fim_lsp.compare.quality import Hole
from fim_lsp.errors import InputError
from fim_lsp.lab.calibrate.choose import choose, draw
from tests.unit.compare import scripted


@pytest.fixture
def report(monkeypatch):
    return json.loads(json.dumps(scripted.report(monkeypatch)))


def test_the_report_says_who_was_right(report):
    gpt, bert = report["contenders"]
    assert (report["n"], report["n_several"]) == (12, 2)
    assert (gpt["n"], gpt["exact_match"], bert["exact_match"]) == (12, 100.0, 0.0)
    assert gpt["exact_match_interval"] == [100.0, 100.0]
    assert gpt["latency_ms"]["p50"] <= gpt["latency_ms"]["p95"] <= gpt["latency_ms"]["p99"]
    assert {kind: row["n"] for kind, row in gpt["by_kind"].items()} == {
        "rest_of_line": 6, "function_body": 6, "several_holes": 2,
    }  # fmt: skip
    assert gpt["by_kind"]["several_holes"]["exact_match"] == 100.0
    assert bert["by_kind"]["several_holes"]["exact_match"] == 0.0
    assert report["machine"]["threads"] >= 1


def test_the_report_keeps_to_its_schema(report):
    schema = json.loads((files("fim_lsp.compare") / "data/compare.schema.json").read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator(schema)
    checker.check_schema(schema)
    checker.validate(report)
    for broken in ({"n": "many"}, {"claims": [{"claim": "x", "verdict": "perhaps", "because": "", "numbers": {}}]}):
        assert not checker.is_valid({**report, **broken})
    assert not checker.is_valid({**report, "contenders": [{"name": "gpt"}]})


def test_contenders_take_turns_hole_by_hole(report):
    order = [(t["hole"], t["contender"]) for t in report["trials"] if t["condition"] == "cold"]
    assert sorted(order, key=lambda one: one[0]) == order
    assert len(order) == 2 * 14
    assert {names for names in zip(order[::2], order[1::2], strict=True) if names[0][1] == "bert"}, "turns are drawn"
    assert all({a[1], b[1]} == {"gpt", "bert"} for a, b in zip(order[::2], order[1::2], strict=True))


def test_only_one_that_keeps_something_is_tried_warm(report):
    warm = {trial["contender"] for trial in report["trials"] if trial["condition"] == "warm"}
    assert warm == {one.name for one in scripted.contenders() if one.has_prefix_cache} == {"gpt"}
    several = [trial for trial in report["trials"] if trial["kind"] == "several_holes"]
    assert {trial["condition"] for trial in several} == {"cold"}


def test_every_tick_is_a_hole(monkeypatch):
    monkeypatch.setattr(compare.footprint, "measure", lambda *_: {"loaded_mb": 1.0, "peak_mb": 2.0, "load_s": 0.1})
    ticks: list[int] = []
    compare.compare([scripted.at_cursor(1), scripted.several(1)], scripted.contenders(), tick=lambda: ticks.append(1))
    assert len(ticks) == 2


def test_the_page_asks_nothing_of_any_other_place(report):
    html = page.render(report)
    assert not re.search(r"""(src|href|url\()\s*=?\s*["']?\s*https?:""", html)
    assert "<script" not in html
    assert html.count("<svg") == len(plots.PLOTS)
    assert scripted.GOLD in html
    assert "f ⋯ a" in html
    for claim in report["claims"]:
        assert claim["claim"].split("'")[0] in html


def test_code_cannot_become_markup(monkeypatch, report):
    report["trials"][0]["shown"] = "<img src=x>"
    report["holes"][0]["before"] = "<b>"
    html = page.render(report)
    assert "<img src=x>" not in html
    assert "&lt;b&gt;" in html


def test_the_poster_is_one_picture_with_its_machine(report):
    svg = plots.poster(report)
    assert svg.count("<svg") == 1
    assert report["machine"]["processor"] in svg
    assert "var(" not in svg


def test_an_older_report_is_compared_on_the_same_holes(report, tmp_path):
    (row, _) = change.against(report, report)
    assert (row["n"], row["exact_match_change"], row["p50_ratio"]) == (14, 0.0, 1.0)
    older = json.loads(json.dumps(report))
    for trial in older["trials"]:
        trial["is_exact"] = False
        trial["hole"] += 1  # another order of holes is no matter
    older["trials"] = older["trials"][:-8]
    (row, _) = change.against(report, older)
    assert row["exact_match_change"] == 100.0
    assert 0 < row["n"] < 14
    older["trials"] = []
    assert change.against(report, older)[0]["n"] == 0
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match=r"other\.json"):
        change.read(tmp_path / "other.json")


@pytest.mark.parametrize("spec", ["llama", "gpt=/nowhere"])
def test_contenders_that_cannot_be_had_are_named(spec):
    with pytest.raises(Exception, match=re.escape(spec.partition("=")[2] or spec)):
        contend([spec])


@pytest.mark.model
def test_an_infiller_takes_part_with_several_numbers_of_passes_on_one_trunk():
    plain, four, once = contend(["bert"], [4, 1, 4])
    assert [one.name for one in (plain, four, once)] == ["bert", "bert, 4 passes", "bert, 1 pass"]
    assert plain.backend.reader is four.backend.reader is once.backend.reader
    assert [one.backend.policy.passes for one in (plain, four, once)] == [2, 4, 1]


@pytest.mark.model
def test_a_decoder_takes_no_passes():
    with pytest.raises(InputError, match="--passes"):
        contend(["gpt"], [2])


def test_holes_are_drawn_evenly_over_their_kinds():
    holes = [Hole("p", str(n), 1, "a" if n < 90 else "b", "", "", "x") for n in range(100)]
    drawn = draw(holes, 20, seed=0)
    assert sum(hole.kind == "b" for hole in drawn) == 10
    assert draw(holes, 20, seed=0) == drawn
    assert draw(holes, 20, seed=1) != drawn


def test_at_one_place_each_says_its_own():
    hole = scripted.at_cursor(1)
    gpt, bert = ask(hole.snapshot(0), scripted.contenders())
    assert [gpt.record()["text"], bert.record()["text"]] == [scripted.GOLD, "other"]
    assert gpt.warm_ms is not None
    assert bert.warm_ms is None
    assert json.loads(json.dumps(gpt.record()))["outcome"]["suggestions"]


def test_many_contenders_have_room(report):
    report["contenders"] = [{**one, "name": f"{one['name']} {n}"} for n in range(3) for one in report["contenders"]]
    for trial in list(report["trials"]):
        report["trials"] += [{**trial, "contender": f"{trial['contender']} {n}"} for n in range(3)]
    html = page.render(report)
    assert "6 model families compared" in html
    assert all(one["name"] in html for one in report["contenders"])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_holes_are_enough_for_every_picture(monkeypatch, count):
    report = json.loads(json.dumps(scripted.report(monkeypatch, count)))
    assert page.render(report).count("<svg") == len(plots.PLOTS)
    assert "<svg" in plots.poster(report)


def test_only_texts_with_several_holes_are_nothing_to_compare(tmp_path):
    cut.write(tmp_path / "h.jsonl", [scripted.several(1)])
    with pytest.raises(InputError, match="one cursor"):
        choose(tmp_path / "h.jsonl", None, 10, 0)


def test_a_family_of_ones_own_is_one_line(monkeypatch):
    monkeypatch.setitem(CONTENDER_FAMILIES, "parrot", Family("parrot"))
    parrot = Contender("parrot", "parrot", scripted.find_model("gpt", ""), FakeBackend("polly"))
    (answer,) = ask(scripted.at_cursor(1).snapshot(0), [parrot])
    assert answer.record()["text"] == "polly"


def test_what_is_chosen_has_one_text_with_several_for_twenty_holes():
    chosen = choose(None, None, 40, 0)
    assert [bool(hole.further) for hole in chosen] == [False] * 40 + [True] * 2
    assert len({hole.kind for hole in chosen}) == 8
    assert len(choose(None, None, 0, 0)) > 600
