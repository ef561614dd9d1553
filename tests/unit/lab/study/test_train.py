"""The architecture study at toy size: the same rows for all, a stopped run goes on, what is learnt is written."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch
import zstandard

from fim_lsp.backends import ModelRequest, create
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import ConfigError, ModelCorrupt, ModelMismatch
from fim_lsp.lab.study import recall_task
from fim_lsp.lab.study import rows as study_rows
from fim_lsp.lab.study import train as study
from fim_lsp.lab.study.pairs import PairObjective
from fim_lsp.lab.study.seq2seq import Seq2SeqObjective
from fim_lsp.lab.train import corpus
from fim_lsp.lab.train.batch import CONTEXT, PAD, Batch
from fim_lsp.lab.train.head import score
from fim_lsp.lab.train.shards import ShardReader
from fim_lsp.nn.study import vocabulary as v
from fim_lsp.nn.study.folder import build, load
from fim_lsp.nn.study.network import StudyShape

VOCABULARY = 320
ROWS = study_rows.RowSettings(6000, aside=8, vocabulary=VOCABULARY, cut=corpus.CorpusSettings(tokens=48, holes=1))
PACE = replace(study.PACE, rate=3e-3, validate_steps=10, checkpoint_s=0.0, dtype="float32")
SHAPES = tuple(
    replace(shape, hidden=32, heads=2, layers=1, inner=inner, vocab=VOCABULARY)
    for shape, inner in zip(study.SHAPES, (64, 40, 64, 64, 64), strict=True)
)
KINDS = [shape.kind for shape in SHAPES]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Texts as `fim-lsp train corpus` collects them."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(0)
    lines = []
    for number in range(60):
        names = draw.sample(["width", "height", "total", "count", "left", "right", "value", "other"], 4)
        body = "".join(
            f"def {a}_{b}({a}, {b}):\n    {c} = {a} * {b}\n    return {c} + {n}\n\n\n"
            for n, (a, b, c) in enumerate(draw.sample(names, 3) for _ in range(8))
        )
        lines.append(json.dumps(["toy", f"{number}.py", body]))
    (folder / corpus.TEXTS).write_bytes(zstandard.compress("\n".join(lines).encode() + b"\n"))
    return folder


def quiet(line, done, kind) -> None:
    pass


@pytest.fixture(scope="module")
def run(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    study.train(source, folder, ROWS, quiet, PACE, SHAPES)
    return folder


@pytest.fixture(scope="module")
def models(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "study"
    report = study.write(run, folder)
    return folder, report


def log(run, kind):
    return [json.loads(line) for line in (run / kind / "log.jsonl").read_text().splitlines()]


def test_all_five_see_the_same_rows_in_the_same_order(run):
    seen = {
        kind: [(line["step"], line["rows"], line["rate"]) for line in log(run, kind) if "loss" in line]
        for kind in KINDS
    }
    assert len(seen["rnn"]) > 10
    assert all(steps == seen["rnn"] for steps in seen.values())
    made = json.loads((run / "rows/manifest.json").read_text())
    rows = list(islice(ShardReader(run / "rows").rows(8), made["rows"]))
    assert sum(len(piece) for row in rows for piece in row) == made["row_tokens"] >= 6000
    assert all(len(row) == 3 for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls(run, kind):
    curve = [line["loss"] for line in log(run, kind) if "loss" in line]
    assert sum(curve[-3:]) < 0.9 * sum(curve[:3])


def test_a_set_that_was_stopped_goes_on_as_if_it_had_not_been(source, run, tmp_path):
    class Stopped(Exception):
        pass

    def stop(line, done, kind):
        if (kind, line["step"]) in {("rnn", 7), ("encoder-decoder", 4), ("small-bert", 9)}:
            stops.append(kind)
            if stops.count(kind) == 1:
                raise Stopped

    stops: list[str] = []
    for _ in range(3):
        with pytest.raises(Stopped):
            study.train(source, tmp_path, ROWS, stop, PACE, SHAPES)
    study.train(source, tmp_path, ROWS, stop, PACE, SHAPES)
    for kind in KINDS:
        curves = [
            [(line["step"], line["loss"]) for line in log(one, kind) if "loss" in line] for one in (run, tmp_path)
        ]
        assert curves[0] == curves[1], kind


def test_another_pace_or_other_rows_are_another_set(source, run):
    with pytest.raises(ConfigError, match="another --out"):
        study.train(source, run, ROWS, quiet, replace(PACE, rate=1.0), SHAPES)
    with pytest.raises(ConfigError, match="another --out"):
        study.train(source, run, replace(ROWS, tokens=7000), quiet, PACE, SHAPES)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_back_but_for_the_rounding_to_int8(run, models, kind):
    folder, report = models
    member = next(m for m in study.members([[]], SHAPES) if m.shape.kind == kind)
    trainer = study._trainer(run / kind, member, ShardReader(run / "rows"), PACE)
    trainer.resume()
    trained, read = dict(trainer.trunk.named_parameters()), dict(load(folder / kind).named_parameters())
    assert trained.keys() == read.keys()
    for name, parameter in trained.items():
        coarse = parameter.detach().abs().max().item() / 64
        torch.testing.assert_close(read[name], parameter, atol=max(coarse, 1e-6), rtol=0.0)
    assert report[kind]["parameters"] == sum(p.numel() for p in read.values())
    assert abs(report[kind]["validation_loss"] - report[kind]["packed_validation_loss"]) < 0.1
    points = json.loads((folder / kind / "curve.json").read_text())
    tokens = json.loads((run / "rows/manifest.json").read_text())["row_tokens"]
    assert tokens <= points[-1]["tokens"] < 1.05 * tokens  # the last step takes a whole batch


@pytest.mark.parametrize("kind", KINDS)
def test_behind_the_seam_it_answers_and_stops_when_told_to(models, kind):
    backend = create(kind, ModelRequest(str(models[0] / kind)))
    assert backend.name == kind
    request = FimRequest(
        ("def left_right(left, right):\n    total = ", "\n    return total\n"), GenerationLimits(max_tokens=6)
    )
    meter = Meter()
    (drafts,) = [list(stream) for stream in backend.generate(request, Cancel(), meter)]
    assert 0 <= drafts[-1].confidence <= 1
    assert meter.tokens["prefilled"] > 10
    again = [list(stream) for stream in backend.generate(request, Cancel(), Meter())]
    assert again == [drafts]
    raised = Cancel()
    raised.raise_for("cancelled")
    assert [d for stream in backend.generate(request, raised, Meter()) for d in stream if d.finish != "cancelled"] == []
    late = replace(request, limits=GenerationLimits(deadline=0.0))
    assert [d.text for stream in backend.generate(late, Cancel(), Meter()) for d in stream if d.text] == []
    holes = FimRequest(("def left(", "):\n    return ", "\n"), GenerationLimits(max_tokens=4, candidates=1))
    for stream in backend.generate(holes, Cancel(), Meter()):
        assert all(len(draft.fills) == 2 for draft in stream)


def test_a_cancel_between_two_tokens_ends_the_answer(models):
    backend = create("small-gpt", ModelRequest(str(models[0] / "small-gpt")))
    backend.model.following = lambda hidden: torch.nn.functional.one_hot(torch.tensor(300), VOCABULARY).float().numpy()
    cancel = Cancel()
    request = FimRequest(("x = ", "\n"), GenerationLimits(max_tokens=20))
    (stream,) = backend.generate(request, cancel, Meter())
    drafts = [next(stream), next(stream)]
    cancel.raise_for("superseded")
    drafts += list(stream)
    assert drafts[-1].finish == "cancelled"
    assert len(drafts) <= 4


def test_folders_of_another_kind_are_named(models, tmp_path):
    folder = models[0] / "rnn"
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelMismatch, match="architecture study"):
        load(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["controlled"] = config.pop("study")  # as earlier models have it
    config["controlled"]["places"] = config["controlled"].pop("positions")
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert type(load(tmp_path)) is type(load(folder))
    config["controlled"]["inner"] += 1
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ModelCorrupt, match="other weights"):
        load(tmp_path)


def test_what_the_encoder_decoder_is_shown_and_asked():
    objective = Seq2SeqObjective(context=10, length=24, hidden=0.9)
    example = objective.example([[20, 21, 22, 23, 24, 25], [30, 31], [40, 41]], (0, 0))
    shown = [token for token, group in zip(example.ids, example.groups, strict=True) if group == CONTEXT]
    assert shown.count(v.MIDDLE) == 1
    assert len(example.ids[: objective.context]) == 10
    assert set(example.groups[len(shown) : 10]) <= {PAD}
    asked = {at: token for at, token, _, _ in example.targets}
    hole = shown.index(v.MIDDLE)
    assert (example.ids[10:13], example.positions[10:13]) == ([v.MIDDLE, 30, 31], [hole, hole + 1, hole + 2])
    assert [asked[10], asked[11], asked[12]] == [30, 31, v.END]
    for at in range(13, len(example.ids)):
        if example.ids[at] == v.MASK:
            assert example.ids[example.positions[at]] == v.MASK  # a span stands where its mark does
            assert asked[at] >= 20
    hidden = [token for token in example.ids[13:] if token != v.MASK]
    assert sorted(hidden + [t for t in shown if t not in (v.MASK, v.MIDDLE)]) == [20, 21, 22, 23, 24, 25, 40, 41]


def test_who_sees_whom_in_the_encoder_decoder():
    C, P, D = CONTEXT, PAD, CONTEXT + 1  # noqa: N806 - drawn as in a table
    seen = Seq2SeqObjective(3, 6).mask(torch.tensor([[C, C, P, D, D, P]]))[0].int().tolist()
    assert seen == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 0, 0],
        [1, 1, 0, 1, 1, 0],
        [1, 1, 0, 1, 1, 1],
    ]


def test_half_of_the_suffixes_are_foreign_and_the_head_is_asked():
    objective = PairObjective.sized(32, 60, [[90, 91]])
    answers = []
    for number in range(200):
        example = objective.example([[20, 21, 22], [30], [40, 41]], (1, number))
        at = example.ids.index(v.SEPARATOR)
        shown = example.ids[at + 1 : at + 3]
        answer = next(token for place, token, _, _ in example.targets if place == 0)
        assert answer == (v.FOREIGN if any(token in (90, 91) for token in shown) else answer)
        answers.append(answer)
    assert 70 < answers.count(v.FOREIGN) < 130
    assert set(answers) == {v.FOREIGN, v.FOLLOWS}
    plain = objective.plain().example([[20, 21, 22], [30], [40, 41]], (1, 0))
    assert plain.ids[:7] == [v.END, 20, 21, 22, v.SEPARATOR, 40, 41]


def test_the_second_head_learns_whether_a_suffix_follows():
    """A suffix follows when it is of its prefix's kind, one of four: neither side alone gives it away."""
    torch.manual_seed(0)
    draw = random.Random(0)
    rows = [
        [[kind + draw.randrange(6) for _ in range(6)], [kind + 3], [kind + draw.randrange(6) for _ in range(6)]]
        for kind in (20, 39, 58, 77) * 50
    ]
    objective = PairObjective.sized(16, 24, [row[2] for row in rows])
    model = build(StudyShape("small-bert", 64, 2, hidden=32, heads=2, positions=96, vocab=96))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for step in range(400):
        examples = [objective.example(row, (step, n)) for n, row in enumerate(draw.sample(rows, 32))]
        batch = Batch.stack(examples, objective, torch.device("cpu"))
        score(model, model(batch.ids, batch.positions, batch.mask), batch, 1 / float(batch.weights.sum()))
        optimizer.step()
        optimizer.zero_grad()
    own = [model.follows(row[0], row[2]) for row in rows[:40]]
    foreign = [model.follows(row[0], other[2]) for row, other in pairwise(rows[:41])]
    assert sum(own) / 40 > 0.6 > 0.2 > sum(foreign) / 40


def test_a_row_of_the_recall_task_asks_for_the_one_name_in_it():
    for row in islice(recall_task.RecallRows().rows(3), 200):
        (before, (name,), after) = row
        assert [token for token in before if token in recall_task.NAMES] == [name]
        assert recall_task.NEAREST <= len(before) - 1 - before.index(name) <= recall_task.FARTHEST
        assert (len(before) <= recall_task.LONGEST, after) == (True, [])
    once, again = (list(islice(recall_task.RecallRows().rows(start), 2)) for start in (5, 6))
    assert once[1] == again[0]


def test_recall_is_trained_and_measured_for_each(tmp_path):
    pace = replace(PACE, rows=64, batch=16, validation_rows=16, validate_steps=100)
    recall_task.train(tmp_path, quiet, pace, SHAPES)
    found = recall_task.write(tmp_path, tmp_path, pace, SHAPES, rows=4)
    assert json.loads((tmp_path / recall_task.FILE).read_text()) == found
    assert list(found) == KINDS
    for rows in found.values():
        assert [distance for distance, _ in rows] == list(recall_task.DISTANCES)
        assert all(0 <= share <= 100 for _, share in rows)
