"""What a model of the set thinks of a given answer, and how long it takes to read and to write."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from fim_lsp.nn.canvas import Layout, lay_out
from fim_lsp.nn.encoder import log_softmax
from fim_lsp.nn.study.bert import SmallBert
from fim_lsp.nn.study.folder import build
from fim_lsp.nn.study.network import StudyShape
from fim_lsp.nn.study.vocabulary import MARKS, MASK, SEPARATOR, SPECIAL

REPEATS = 9
CANVAS = 8  # slots, for the time of a pass
STEPS = 8  # tokens, for the time of a step
ROOM = 128  # positions beside the context
Ids = Sequence[int]


class Opinion(NamedTuple):
    """Mean log-probability of an answer's tokens, in nats, and whether each of them came first."""

    score: float
    is_first: bool


class ReadWriteCost(NamedTuple):
    """Milliseconds to read a context, and to write one token behind it, or to fill one canvas."""

    read_ms: float
    step_ms: float


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: models so small wait for a second one longer than it helps them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def judge(model: Any, before: Ids, fill: Ids, after: Ids) -> Opinion:
    """Say what a model makes of `fill` between `before` and `after`, which must fit its positions.

    A writer is told the tokens before each; BERT sees none of them, but how many there are.
    """
    if isinstance(model, SmallBert):
        reading = model.read(_layout(before, after))
        rows = list(model.score_canvases(reading, [[[MASK] * len(fill)]], MASK, MARKS.own))
    else:
        at, rows = model.begin(before, after, _never), []
        for token in fill:
            rows.append(log_softmax(at.logits[None].copy())[0])
            at = model.advance(at, token)
    scores = [float(row[token]) for row, token in zip(rows, fill, strict=True)]
    firsts = [int(row.argmax()) == token for row, token in zip(rows, fill, strict=True)]
    return Opinion(statistics.fmean(scores), all(firsts))


def time_at(shape: StudyShape, length: int) -> ReadWriteCost:
    """Measure a model of this shape on a context of `length` tokens; weights do not matter.

    The least of a few, as timeit takes it: other programs only add.
    """
    model: Any = build(replace(shape, positions=length + ROOM)).eval()
    ids = [len(SPECIAL) + n % (shape.vocab - len(SPECIAL)) for n in range(length)]
    before, after = ids[: length * 3 // 4], ids[length * 3 // 4 :]
    if isinstance(model, SmallBert):
        layout = _layout(before, after)
        reading = model.read(layout)
        return ReadWriteCost(
            _least_ms(lambda: model.read(layout)),
            _least_ms(lambda: model.score_canvases(reading, [[[MASK] * CANVAS]], MASK, MARKS.own)),
        )
    at = model.begin(before, after, _never)

    def steps() -> None:
        here = at
        for token in ids[:STEPS]:
            here = model.advance(here, token)

    return ReadWriteCost(_least_ms(lambda: model.begin(before, after, _never)), _least_ms(steps) / STEPS)


def _layout(before: Ids, after: Ids) -> Layout:
    return lay_out([before, [SEPARATOR, *after]], MARKS)


def _never() -> bool:
    return False


def _least_ms(run: Callable[[], object]) -> float:
    run()
    spent = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        spent.append(1e3 * (time.perf_counter() - began))
    return min(spent)
