"""Recall probes are what they say; the measurement and its picture hold every model of the set."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict

import pytest
from rich.console import Console
from safetensors.torch import save_file

from fim_lsp.compare.quality import read_holes
from fim_lsp.lab.study import attention as study
from fim_lsp.lab.study import plot as study_plot
from fim_lsp.lab.study import recall
from fim_lsp.lab.study import vocabulary as made
from fim_lsp.nn.study.folder import build
from fim_lsp.nn.study.network import StudyShape
from tests.unit.nn.test_study import SHAPES

TEXTS = study.texts_of(read_holes()[::6])


@pytest.fixture(scope="module")
def tokenizer():
    return made.train(TEXTS, 600)


def test_a_probe_is_a_name_that_stands_once_more_so_many_tokens_before(tokenizer):
    found = recall.probes(TEXTS, tokenizer.encode, 5)
    assert list(found) == list(recall.BUCKETS)
    for (low, high), probes in found.items():
        assert 0 < len(probes) <= 5
        for one in probes:
            name = tokenizer.decode(one.fill)
            before, absent = tokenizer.decode(one.before), tokenizer.decode(one.absent)
            assert low <= one.distance <= high
            assert (before.count(name), absent.count(name)) == (1, 0)
            assert absent.endswith(before[before.index(name) + len(name) :])
            assert len(one.before) + len(one.fill) + len(one.after) <= 256
            assert name not in tokenizer.decode(one.after)


def test_the_same_seed_draws_the_same_probes(tokenizer):
    once, again, other = (recall.probes(TEXTS, tokenizer.encode, 4, seed) for seed in (0, 0, 1))
    assert once == again != other


def test_half_of_the_pairs_are_foreign(tokenizer):
    pairs = list(recall.foreign_pairs(TEXTS, tokenizer.encode, 20))
    assert [is_own for is_own, _ in pairs] == [True, False] * 10
    whole = "\n".join(TEXTS)
    for is_own, pair in pairs:
        seam = tokenizer.decode(pair.before)[-30:] + tokenizer.decode(pair.after)[:30]
        assert (seam in whole) == is_own


@pytest.fixture(scope="module")
def report(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    tokenizer.inner.save(str(folder / "tokenizer.json"))
    for name, tiny in SHAPES.items():
        shape = StudyShape(**asdict(tiny) | {"vocab": 600, "positions": 352})
        (folder / name).mkdir()
        save_file(dict(build(shape).state_dict()), folder / name / "model.safetensors")
        config = {"study": asdict(shape), "parameters": 1}
        (folder / name / "config.json").write_text(json.dumps(config))
        points = [{"tokens": n * 1000, "span_loss": 5.0 - n, "exact_match": 0.1} for n in (0, 1)]
        (folder / name / "curve.json").write_text(json.dumps(points))
    (folder / "recall.json").write_text(json.dumps({name: [[4, 90.0], [224, 10.0]] for name in SHAPES}))
    return study.measure(folder, list(SHAPES), TEXTS, 2)


def test_all_five_are_measured(report):
    assert list(report["models"]) == list(SHAPES)
    for name, one in report["models"].items():
        assert [length for length, _ in one["read_ms"]] == list(study.LENGTHS)
        assert all(ms > 0 for key in ("read_ms", "step_ms") for _, ms in one[key])
        assert [row["tokens"] for row in one["recall"]] == [list(bucket) for bucket in recall.BUCKETS]
        assert ("follows" in one) == (name == "small-bert")
    json.dumps(report)


def test_the_picture_names_every_model_and_the_tables_too(report):
    svg = study_plot.draw(report)
    words = {node.text for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert set(SHAPES) <= words
    assert {"Recall of a name in code", "Recall, trained for nothing else", "Time to read a context"} <= words
    console = Console(width=200, record=True)
    study.show(console, report)
    said = console.export_text()
    assert all(said.count(name) >= 5 for name in SHAPES)
