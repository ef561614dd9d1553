"""What is learnt of a person who takes more, or less, than a model expects."""

from __future__ import annotations

import random
import sqlite3

import pytest

from fim_lsp.domain import AcceptanceCurve, expit, logit
from fim_lsp.metrics import acceptance, store
from fim_lsp.metrics.events import Accepted, Shown

NOW = 1_767_355_200.0
OLD = """create table suggestion (id text primary key, at real, language text, backend text, chars integer,
    accepted integer not null default 0, is_whole integer not null default 0)"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path))
    return tmp_path


def drawn(count: int, curve: AcceptanceCurve, seed: int = 0) -> list[tuple[float, float]]:
    draw = random.Random(seed)
    sure = [draw.uniform(0.05, 0.95) for _ in range(count)]
    return [(one, float(draw.random() < curve.taken(one))) for one in sure]


def count(pairs, backend: str = "gpt", at: float = NOW - 3600) -> None:
    file = store.MetricsStore(store.kept_in())
    for number, (sure, taken) in enumerate(pairs):
        name = f"{backend}{at}{number}"
        file.put(
            [Shown(name, at + number / 100, "python", backend, 10, sure), Accepted(name, int(10 * taken), taken == 1)]
        )
    file.close()


@pytest.mark.parametrize("curve", [AcceptanceCurve(-1.5, 1.0), AcceptanceCurve(0.8, 0.7), AcceptanceCurve()])
def test_a_curve_is_found_again(curve):
    found = acceptance.fit(drawn(2000, curve))
    assert [found.taken(sure) for sure in (0.1, 0.5, 0.9)] == pytest.approx(
        [curve.taken(sure) for sure in (0.1, 0.5, 0.9)], abs=0.05
    )


def test_where_there_is_little_to_go_by_little_moves():
    assert acceptance.fit([]) == AcceptanceCurve()
    assert acceptance.fit([(0.5, 0.0)] * 4).taken(0.5) > 0.25


@pytest.mark.parametrize("taken", [0.0, 1.0])
def test_who_takes_all_or_nothing_gets_a_curve_too(taken):
    found = acceptance.fit([(sure, taken) for sure in (0.1, 0.5, 0.9)] * 300)
    assert 0.5 <= found.scale <= 2 and abs(found.shift) < 12
    assert (found.taken(0.5) > 0.9) == bool(taken)


def test_it_is_learnt_by_family_from_enough_that_has_settled():
    count(drawn(300, AcceptanceCurve(-2.0)))
    count(drawn(99, AcceptanceCurve(-2.0)), "bert")
    count([(0.5, 1.0)] * 400, at=NOW - 30)  # may still be taken
    count([(None, 1.0)] * 400, at=NOW - 9999)  # beginnings and words, of which no model was sure
    found = acceptance.learn(NOW)
    assert list(found.families) == ["gpt"]
    assert found.families["gpt"].shown == 300 and found.families["gpt"].curve.shift < -1
    assert acceptance.read() == found


def test_what_is_taken_back_is_not_learnt_again():
    count(drawn(300, AcceptanceCurve(-2.0)))
    acceptance.learn(NOW)
    acceptance.take_back(NOW)
    assert acceptance.read().families == {}
    assert acceptance.learn(NOW + 100).families == {}
    count(drawn(200, AcceptanceCurve(-2.0)), at=NOW + 200)
    assert acceptance.learn(NOW + 9999).families["gpt"].shown == 200


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"since": "x", "families": {}}', '{"since": 0, "families": {"gpt": 1}}']
)
def test_a_file_that_is_not_ours_says_nothing(text):
    acceptance.learnt_in().write_text(text)
    assert acceptance.read() == acceptance.Acceptance()


def test_a_file_of_an_earlier_release_is_read_and_written():
    db = sqlite3.connect(store.kept_in())
    db.executescript(
        OLD + "; create table kept (id text, after_s integer, is_kept integer, primary key (id, after_s));"
        "create table typed (day text, language text, chars integer, primary key (day, language));"
        "insert into suggestion values ('a', 1.0, 'python', 'gpt', 10, 10, 1);"
    )
    db.close()
    assert acceptance.learn(NOW).families == {} and len(store.read()[0]) == 1
    count([(0.5, 1.0)])
    assert [row["confidence"] for row in store.read()[0]] == [None, 0.5]


def test_log_odds_are_undone():
    assert expit(logit(0.3)) == pytest.approx(0.3)
