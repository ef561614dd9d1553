"""The architecture study with random weights: what is kept changes nothing; each piece is what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fim_lsp.errors import ModelMismatch
from fim_lsp.lab.study.pairs import PairObjective
from fim_lsp.lab.study.seq2seq import Seq2SeqObjective
from fim_lsp.lab.train.batch import Batch
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.nn.canvas import lay_out
from fim_lsp.nn.study import vocabulary as v
from fim_lsp.nn.study.blocks import sinusoids
from fim_lsp.nn.study.folder import build
from fim_lsp.nn.study.network import StudyShape, write
from fim_lsp.nn.study.probe import judge

BEFORE, FILL, AFTER = list(range(20, 51)), [61, 62, 63, 64], list(range(70, 82))
TINY = {"hidden": 32, "heads": 4, "vocab": 128}
SHAPES = {
    "rnn": StudyShape("rnn", 40, 2, **TINY),
    "lstm": StudyShape("lstm", 24, 2, **TINY),
    "encoder-decoder": StudyShape("encoder-decoder", 48, 2, positions=60, **TINY),
    "small-gpt": StudyShape("small-gpt", 48, 2, positions=96, **TINY),
    "small-bert": StudyShape("small-bert", 48, 2, positions=160, **TINY),
}
WRITERS = ["rnn", "lstm", "encoder-decoder", "small-gpt"]


def network(kind: str):
    torch.manual_seed(0)
    made = build(SHAPES[kind]).eval()
    for name, parameter in made.named_parameters():  # larger than at the start of training, so that a mistake shows
        if "weight_hh" not in name:  # a recurrence that grows what it is given would grow its rounding too
            parameter.data.mul_(2.0)
    return made


def never() -> bool:
    return False


@torch.no_grad()
def slowly(kind: str, model, written: list[int]) -> torch.Tensor:
    """Logits of the next token, all of it computed again by the forward pass of training."""
    causal = GptObjective(v.PREFIX, v.SUFFIX, v.MIDDLE, v.END, 96)
    objective = Seq2SeqObjective(60, 96, hidden=0.0) if kind == "encoder-decoder" else causal
    example = objective.example([BEFORE, written, AFTER], (0, 0))
    last = [place for place, _, _, span in example.targets if span == 0][-1]
    batch = Batch.stack([example], objective, torch.device("cpu"))
    return model.following(model(batch.ids, batch.positions, batch.mask)[0, last])


@pytest.mark.parametrize("kind", WRITERS)
def test_writing_with_what_is_kept_equals_computing_all_of_it_again(kind):
    model = network(kind)
    written: list[int] = []
    at = model.begin(BEFORE, AFTER, never)
    for _ in range(8):
        np.testing.assert_allclose(at.logits, slowly(kind, model, written), atol=1e-4, rtol=1e-4)
        written.append(int(at.logits.argmax()))
        at = model.advance(at, written[-1])
    slow: list[int] = []
    for _ in range(8):
        slow.append(int(slowly(kind, model, slow).argmax()))
    assert written == slow


@pytest.mark.parametrize("kind", WRITERS)
def test_a_prefill_in_chunks_is_one_prefill(kind, monkeypatch):
    model = network(kind)
    whole = model.begin(BEFORE, AFTER, never).logits
    monkeypatch.setattr("fim_lsp.nn.study.recurrent.CHUNK", 7)
    np.testing.assert_allclose(model.begin(BEFORE, AFTER, never).logits, whole, atol=1e-5, rtol=1e-5)
    assert model.begin(BEFORE, AFTER, lambda: True) is None


@pytest.mark.parametrize("kind", WRITERS)
def test_both_sides_are_read(kind):
    model = network(kind)
    seen = model.begin(BEFORE, AFTER, never).logits
    for before, after in (([*BEFORE[:-1], 99], AFTER), (BEFORE, [*AFTER[:-1], 99])):
        assert not np.allclose(model.begin(before, after, never).logits, seen)


def test_canvases_beside_each_other_equal_one_alone_computed_anew():
    model = network("small-bert")
    layout = lay_out([BEFORE, [v.SEPARATOR, *AFTER]], v.MARKS)
    reading = model.read(layout)
    canvases = [[[v.MASK] * 3], [[v.MASK, 61, v.MASK, 62, v.MASK]]]
    fast = model.score_canvases(reading, canvases, v.MASK, (v.DELETE,))
    slow = []
    for (contents,) in canvases:
        ids = torch.tensor([layout.ids + contents])
        first = layout.holes[0].start
        positions = torch.tensor([[*layout.positions, *range(first, first + len(contents))]])
        mask = torch.zeros(1, 1, ids.shape[1], ids.shape[1])
        mask[..., : len(layout.ids), len(layout.ids) :] = -torch.inf  # the context does not see the canvas
        with torch.no_grad():
            logits = model.logits(model(ids, positions, mask)[0])
        logits[:, [v.DELETE, v.SEPARATOR, v.FOLLOWS, v.FOREIGN]] = -torch.inf
        slow += [logits[len(layout.ids) + n].log_softmax(-1) for n, token in enumerate(contents) if token == v.MASK]
    np.testing.assert_allclose(fast, torch.stack(slow), atol=1e-4, rtol=1e-4)


def test_segments_and_positions_are_part_of_berts_input():
    model = network("small-bert")
    own = model.follows(BEFORE, AFTER)
    assert 0 < own < 1
    model.segment.weight.data[1, ::2] += 0.5  # a shift of all would be taken out by the LayerNorm
    assert model.follows(BEFORE, AFTER) != own
    example = PairObjective.sized(48, 90, []).plain().example([BEFORE, FILL, AFTER], (0, 0))
    from fim_lsp.nn.study.bert import _segments

    segments = _segments(torch.tensor([example.ids]), torch.tensor([example.positions]))[0].tolist()
    at = example.ids.index(v.SEPARATOR)
    after = at + 1 + len(AFTER)
    assert segments[:after] == [0] * at + [1] * (1 + len(AFTER))
    assert set(segments[after:]) == {0}


def test_the_recurrence_is_the_one_of_the_books():
    model = network("rnn")
    at = model.begin([], [], never)
    weights = dict(model.cells.named_parameters())
    states = [torch.zeros(40), torch.zeros(40)]
    for token in (v.SUFFIX, v.PREFIX, v.MIDDLE):
        x = model.scaled(torch.tensor(token))
        for n in range(2):
            b = weights[f"bias_ih_l{n}"] + weights[f"bias_hh_l{n}"]
            x = torch.tanh(weights[f"weight_ih_l{n}"] @ x + weights[f"weight_hh_l{n}"] @ states[n] + b)
            states[n] = x
    torch.testing.assert_close(at.kept[:, 0], torch.stack(states))


def test_sines_and_cosines():
    table = sinusoids(50, 8)
    assert table.shape == (50, 8)
    assert table[0].tolist() == [0, 1] * 4
    assert table[7, 2].item() == pytest.approx(math.sin(7 / 10_000 ** (2 / 8)))
    assert table[7, 3].item() == pytest.approx(math.cos(7 / 10_000 ** (2 / 8)))


def test_an_answer_ends_at_the_end_mark_at_the_budget_and_when_stopped():
    model = network("small-gpt")
    at = model.begin(BEFORE, AFTER, never)
    steps = list(write(model, at, 5, never))
    assert len(steps) == 5
    assert all(0 < step.probability < 1 for step in steps)
    assert len(list(write(model, at, 5, lambda: True))) == 1
    ended = at._replace(logits=np.eye(128)[v.END])
    assert list(write(model, ended, 5, never)) == []


@pytest.mark.parametrize("kind", SHAPES)
def test_an_opinion_is_the_likelihood_of_the_tokens(kind):
    model = network(kind)
    said = judge(model, BEFORE, FILL, AFTER)
    assert said.score < 0
    said = [judge(model, BEFORE, [token], AFTER) for token in range(len(v.SPECIAL), 128)]
    assert sum(one.is_first for one in said) == 1
    assert max(said).is_first
    assert 0.8 < sum(math.exp(one.score) for one in said) <= 1.0001


def test_no_such_architecture():
    with pytest.raises(ModelMismatch, match="small-gpt"):
        build(StudyShape("mamba", 8, 1))
