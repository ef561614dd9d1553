"""The fit on made-up recordings whose truth is known, and the replay of the rule against sums done by hand."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from fim_lsp.backends.calibration import PROBABILITIES
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.compare import quality, stats
from fim_lsp.compare.quality import Hole
from fim_lsp.domain import Suggestion
from fim_lsp.errors import InputError
from fim_lsp.lab.calibrate import curve, recordings
from fim_lsp.lab.calibrate import fit as calibrate
from fim_lsp.lab.calibrate import measure as route
from fim_lsp.lab.calibrate import plots as route_plots
from fim_lsp.lab.calibrate.curve import Case
from fim_lsp.lab.calibrate.recordings import CALIBRATED, Recording
from fim_lsp.routing.rule import RoutingTable


def recording(
    family: str, is_first_line_match: bool, cold_ms: float, warm_ms: float, tokens: dict[str, int]
) -> Recording:
    return Recording("m", family, "h", "x", "stop", (-0.5,), is_first_line_match, cold_ms, warm_ms, {}, tokens)


def noisy(count: int, seed: int, cursor_kind: str = "string") -> list[Case]:
    """Suggestions that are right as often as exp(their whole log-probability)."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        log_probs = tuple(-draw.expovariate(2) for _ in range(draw.randint(1, 6)))
        is_first_line_match = draw.random() < math.exp(sum(log_probs))
        made.append(Case(Suggestion(("x",), log_probs=log_probs), cursor_kind, ("x = ", ""), is_first_line_match))
    return made


def test_the_curve_is_calibrated_and_ranks_on_suggestions_it_did_not_see():
    fitted, unseen = curve.fit(noisy(800, seed=1)), noisy(800, seed=2)
    found = stats.calibration([one.judged(fitted) for one in unseen], [one.is_first_line_match for one in unseen])
    assert found["ece"] < 0.06
    assert found["auroc"] > 0.75
    assert found["brier"] < found["base_brier"]
    means = [math.exp(sum(one.suggestion.log_probs) / len(one.suggestion.log_probs)) for one in unseen]
    assert stats.calibration(means, [one.is_first_line_match for one in unseen])["ece"] > 2 * found["ece"]


def test_no_weight_of_a_probability_is_negative_even_where_the_data_say_so():
    perverse = [replace(one, is_first_line_match=not one.is_first_line_match) for one in noisy(400, seed=3)]
    assert all(curve.fit(perverse).weights[name] >= 0 for name in PROBABILITIES)


def test_places_and_known_words_count_where_they_make_a_difference():
    made = noisy(400, seed=4)
    fitted = curve.fit([replace(one, cursor_kind="string" if one.is_first_line_match else "comment") for one in made])
    assert fitted.cursor_kinds["string"] > 1 > -1 > fitted.cursor_kinds["comment"]
    fitted = curve.fit([replace(one, around=("x",) if one.is_first_line_match else ("y",)) for one in made])
    assert fitted.weights["known"] > 1


def test_out_of_fold_nothing_of_the_own_package_is_seen():
    made = noisy(200, seed=5)
    groups = [f"p{n % 10}" for n in range(200)]
    sure = curve.out_of_fold(made, groups)
    mine = [at for at, group in enumerate(groups) if group == "p0"]
    for at in mine:
        made[at] = replace(made[at], is_first_line_match=not made[at].is_first_line_match)
    again = curve.out_of_fold(made, groups)
    assert [again[at] for at in mine] == [sure[at] for at in mine]
    assert again != sure


def test_calibration_figures_by_hand():
    found = stats.calibration([0.95, 0.95, 0.05, 0.05], [True, False, False, False])
    assert found["ece"] == pytest.approx((2 * 0.45 + 2 * 0.05) / 4)
    assert found["auroc"] == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-4)
    assert found["base_brier"] == pytest.approx(0.25 * 0.75)


def pair(gpt: tuple[float, bool], bert: tuple[float, bool], cursor_kind="string") -> route.Judged:
    said = {"gpt": gpt, "bert": bert}
    made = {
        "gpt": recording("gpt", gpt[1], 600.0, 100.0, {"prefilled": 400, "reused": 0}),
        "bert": recording("bert", bert[1], 200.0, 200.0, {"prefilled": 400}),
    }
    return route.Judged(cursor_kind, made, {family: sure or None for family, (sure, _) in said.items()})


TABLES = {
    "gpt": RoutingTable({"string": 0.5}, {"string": 10}, token_ms=1.0, step_ms=20.0),
    "bert": RoutingTable({"string": 0.4}, {"string": 2}, token_ms=0.25, step_ms=50.0),
}


def penalised(latency_penalty: float, gpt: float = 0.0, bert: float = 0.0) -> dict[str, RoutingTable]:
    limits = {"gpt": gpt, "bert": bert}
    return {
        family: replace(table, latency_penalty=latency_penalty, cascade_below=limits[family])
        for family, table in TABLES.items()
    }


def test_the_replay_adds_up_whom_the_rule_would_have_asked():
    holes = [pair((0.8, True), (0.1, False)), pair((0.1, False), (0.6, True)), pair((0, False), (0.2, False))]
    cold = route.RuleReplay(holes, "cold")
    assert cold.alone("gpt").first_line_match == cold.alone("bert").first_line_match == pytest.approx(33.33)
    careful = cold.rule(penalised(0.0, gpt=0.3))
    assert (careful.first_line_match, careful.cascaded) == (pytest.approx(66.67), pytest.approx(66.7))
    assert careful.mean_ms == pytest.approx((600 + 800 + 800) / 3, abs=0.1)
    quick = cold.rule(penalised(0.9999))
    assert (quick.median_ms, quick.first) == (200.0, {"gpt": 0.0, "bert": 100.0})
    assert cold.hindsight().first_line_match == pytest.approx(66.67)
    assert cold.hindsight().mean_ms == pytest.approx((600 + 200 + 200) / 3, abs=0.1)


def test_a_warm_decoder_goes_first_where_a_cold_one_would_not():
    holes = [pair((0.8, True), (0.5, True))]
    assert route.RuleReplay(holes, "cold").rule(penalised(0.5)).first["bert"] == 100
    assert route.RuleReplay(holes, "warm").rule(penalised(0.5)).first["gpt"] == 100
    assert route.RuleReplay(holes, "warm").rule(penalised(0.5)).median_ms == 100.0


def test_the_least_time_within_the_margin_is_chosen():
    agree = [pair((0.9, True), (0.9, True))] * 9 + [pair((0.9, True), (0.2, False))]
    strict = route.choose(agree, TABLES, margin=0.5)
    assert route.RuleReplay(agree, "cold").rule(strict).first_line_match == 100
    assert route.RuleReplay(agree, "cold").rule(strict).mean_ms == pytest.approx(260)  # the unsure one is handed over
    lax = route.choose(agree, TABLES, margin=10)
    assert route.RuleReplay(agree, "cold").rule(lax).mean_ms == 200
    useless = [pair((0.9, True), (0, False))] * 5
    assert route.RuleReplay(useless, "cold").rule(route.choose(useless, TABLES, 0.5)).mean_ms == 600


def test_no_point_of_the_frontier_is_beaten_by_another():
    holes = [pair((0.8, True), (0.1, False)), pair((0.1, False), (0.6, True)), pair((0.9, True), (0.9, True))]
    points = route.RuleReplay(holes, "cold").sweep(TABLES)
    found = route.frontier(points)
    assert {(p.median_ms, p.first_line_match) for p in found} <= {(p.median_ms, p.first_line_match) for p in points}
    for one in points:
        assert any(p.median_ms <= one.median_ms and p.first_line_match >= one.first_line_match for p in found)


def test_the_report_has_its_bar_its_figures_and_its_pictures():
    holes = [pair((0.9, True), (0.8, True)), pair((0.2, False), (0.3, False))] * 5
    report = route.report(holes, penalised(0.9999))
    cold = report["conditions"]["cold"]
    assert (cold["first_line_match_under_better"], cold["median_share"], cold["is_within_bar"]) == (0, 0.333, True)
    assert not report["conditions"]["warm"]["is_within_bar"]
    assert report["confidence"]["gpt"]["auroc"] == 1
    json.dumps(report)
    for picture in (route_plots.reliability(report), route_plots.frontier(report)):
        assert picture.startswith("<svg")
        assert "infiller" in picture


def test_tables_go_into_the_config_and_leave_the_rest(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "llama", "routing": {"old": 1}}')
    fitted = calibrate.Fitted(curve.fit(noisy(60, seed=6)), TABLES["gpt"])
    calibrate.write(config, fitted)
    raw = json.loads(config.read_text())
    assert raw["model_type"] == "llama"
    assert calibrate.Calibration.read(tmp_path) == fitted.calibration
    assert RoutingTable.read(tmp_path) == TABLES["gpt"]


@pytest.fixture
def two_fakes(monkeypatch, tmp_path):
    """Scripted models behind what is recorded."""
    monkeypatch.setattr(recordings, "fingerprint", lambda folder: f"print of {folder.name}")
    made = {family: FakeBackend("first + second", log_probs=(-0.1, -0.2)) for family in CALIBRATED}
    monkeypatch.setattr(recordings, "create", lambda family, folder: made[family])
    return made, tmp_path / "recordings.jsonl"


HOLES = [
    Hole("p", f"f{n}.py", 2, "rest_of_line", f"def add_{n}(first, second):\n    return ", "\n", "first + second")
    for n in range(4)
]


def test_recording_goes_on_where_it_stopped(two_fakes):
    fakes, record = two_fakes
    first = list(recordings.record(HOLES[:2], record, is_warm_wanted=False))
    assert all(one.is_first_line_match and one.log_probs == (-0.1, -0.2) for by in first for one in by.values())
    asked = {family: len(fake.requests) for family, fake in fakes.items()}
    ticks: list[int] = []
    again = list(recordings.record(HOLES[:2], record, False, lambda: ticks.append(1)))
    assert (again, len(ticks)) == (first, 2)
    assert {family: len(fake.requests) for family, fake in fakes.items()} == asked
    assert len(list(recordings.record(HOLES, record, is_warm_wanted=False))) == 4
    assert len(record.read_text().splitlines()) == 8


def test_other_weights_are_asked_anew(two_fakes, monkeypatch):
    _, record = two_fakes
    list(recordings.record(HOLES[:1], record, is_warm_wanted=False))
    monkeypatch.setattr(recordings, "fingerprint", lambda folder: f"other print of {folder.name}")
    list(recordings.record(HOLES[:1], record, is_warm_wanted=False))
    assert len(record.read_text().splitlines()) == 4


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "recordings.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"recordings\.jsonl"):
        recordings.read(tmp_path / "recordings.jsonl")


def test_the_holes_for_fitting_are_of_other_files_than_the_measured_ones():
    fitting, measured = quality.read_holes(calibrate.fitting_holes()), quality.read_holes()
    assert len(fitting) >= 500

    def files(holes: list[Hole]) -> set[tuple[str, str]]:
        return {(hole.package, hole.path.removeprefix(f"{hole.package}/")) for hole in holes}

    assert not files(fitting) & files(measured)
    assert not {(one.prefix[-80:], one.gold) for one in fitting} & {(one.prefix[-80:], one.gold) for one in measured}
