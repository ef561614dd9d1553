"""The architecture study as it ships: found when asked for, of one size, and small."""

from __future__ import annotations

import json

import pytest

from fim_lsp import backends
from fim_lsp.checkpoints.catalogue import STUDY_FAMILIES, find_model, models_folder
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import InputError, ModelMismatch
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import load_tensors

pytestmark = pytest.mark.model

ADD = FimRequest(
    ("def add(first, second):\n    return first", "\n\nprint(add(1, 2))\n"), GenerationLimits(max_tokens=12)
)


def parameters(name: str) -> int:
    return sum(tensor.numel() for tensor in dense(load_tensors(find_model(name, ""))).values())


def test_the_five_are_of_one_size_within_two_percent():
    counts = {name: parameters(name) for name in STUDY_FAMILIES}
    assert max(counts.values()) < 1.02 * min(counts.values()), counts
    for name, count in counts.items():
        assert json.loads((find_model(name, "") / "config.json").read_text())["parameters"] == count


@pytest.mark.parametrize("name", STUDY_FAMILIES)
def test_each_is_at_most_three_megabytes(name):
    files = list(find_model(name, "").iterdir())
    assert {"config.json", "curve.json", "model.safetensors"} == {file.name for file in files}
    assert sum(file.stat().st_size for file in files) < 3e6


def test_they_were_trained_on_the_same_rows():
    curves = [json.loads((find_model(name, "") / "curve.json").read_text()) for name in STUDY_FAMILIES]
    assert len({tuple(point["tokens"] for point in curve) for curve in curves}) == 1
    assert all(curve[-1]["span_loss"] < curve[0]["span_loss"] for curve in curves)
    assert (models_folder() / "study" / "recipe.toml").is_file()


@pytest.mark.parametrize("name", STUDY_FAMILIES)
def test_each_answers_behind_the_seam(name):
    backend = backends.create(name)
    meter = Meter()
    answers = [list(drafts)[-1] for drafts in backend.generate(ADD, Cancel(), meter)]
    assert backend.name == name
    assert len(answers) == 1
    assert 0 < answers[0].confidence <= 1
    assert meter.tokens["prefilled"] > 20


@pytest.mark.parametrize("name", STUDY_FAMILIES)
@pytest.mark.parametrize("holes", [2, 3])
def test_each_fills_several_holes_of_a_text_longer_than_it_reads(name, holes):
    line = "total = add(first, second) + subtract(first, second)\n"
    segments = (line * 40, *[line * 10] * (holes - 1), line * 40)
    drafts = backends.create(name).generate(FimRequest(segments, GenerationLimits(max_tokens=12)), Cancel(), Meter())
    assert [len(answer.fills) for one in drafts for answer in one][-1:] == [holes]


def test_more_holes_than_there_are_positions_are_told():
    with pytest.raises(InputError, match="small-bert has positions for 5 holes"):
        list(backends.create("small-bert").generate(FimRequest(("x",) * 8, GenerationLimits()), Cancel(), Meter()))


def test_none_is_loaded_under_another_name():
    with pytest.raises(ModelMismatch, match="no backend named 'mamba'"):
        backends.create("mamba", backends.ModelRequest(str(models_folder())))
