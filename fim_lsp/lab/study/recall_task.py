"""Recall alone: one name among noise, asked for again so many tokens later.

    before   · · V · · · · · ·        fill   V        `distance` tokens between the two, each as likely as its double

The long lags of Hochreiter and Schmidhuber (1997, section 5.2). Code holds too few repeats for models of this size to
learn to copy from it in minutes; of this they learn nothing else. Shapes, optimizer and rate are the set's; only the
vocabulary is smaller.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from fim_lsp.lab.progress import StudyProgress
from fim_lsp.lab.study import train as study
from fim_lsp.lab.study.train import Member
from fim_lsp.lab.train import checkpoint
from fim_lsp.lab.train.batch import RowSegments
from fim_lsp.lab.train.loop import LoopSettings, Trainer
from fim_lsp.nn.study.network import StudyShape
from fim_lsp.nn.study.probe import judge, one_thread
from fim_lsp.nn.study.vocabulary import SPECIAL

NOISE, NAMES = range(len(SPECIAL), 42), range(42, 74)
VOCABULARY = 96
NEAREST, FARTHEST, LONGEST = 4, 224, 232  # tokens; of the last two, of the whole row
DISTANCES = (4, 8, 16, 32, 64, 128, 224)
PACE = replace(study.PACE, rows=4000, batch=16, validation_rows=64)
FILE = "recall.json"


@dataclass(frozen=True)
class RecallRows:
    """Rows without end, each drawn from its number."""

    seed: int = 1

    def rows(self, start: int) -> Iterator[RowSegments]:
        for number in count(start):
            rng = random.Random(f"{self.seed}:{number}")
            yield make(rng, round(NEAREST * (FARTHEST / NEAREST) ** rng.random()))


def make(rng: random.Random, distance: int) -> list[list[int]]:
    """Return a row whose answer stands once, with `distance` tokens of noise behind it."""
    name = rng.choice(NAMES)
    noise = [rng.choice(NOISE) for _ in range(rng.randint(distance, LONGEST - 1))]
    at = len(noise) - distance
    return [[*noise[:at], name, *noise[at:]], [name], []]


def train(
    out: Path, tell: StudyProgress, pace: LoopSettings = PACE, shapes: Sequence[StudyShape] = study.SHAPES
) -> None:
    """Train each architecture on recall alone, or go on with it."""
    for number, (run, trainer) in enumerate(_trainers(out, pace, shapes)):
        if trainer.progress() < 1.0:
            trainer.train(partial(study.tell_of, tell, f"recall {run.name}", number, len(shapes)))


def write(
    run: Path, out: Path, pace: LoopSettings = PACE, shapes: Sequence[StudyShape] = study.SHAPES, rows: int = 100
) -> dict[str, Any]:
    """Write for each architecture which share of `rows` names it brings back at each distance, in %."""
    found = {}
    with one_thread():
        for folder, trainer in _trainers(run, pace, shapes):
            found[folder.name] = [[distance, _right(trainer.trunk, distance, rows)] for distance in DISTANCES]
    (out / FILE).write_text(json.dumps(found) + "\n", encoding="utf-8")
    return found


def _right(model: Any, distance: int, rows: int) -> float:
    rng = random.Random(f"held out:{distance}")
    asked = [make(rng, distance) for _ in range(rows)]
    return round(100 * sum(judge(model, *row).is_first for row in asked) / rows, 1)


def _trainers(out: Path, pace: LoopSettings, shapes: Sequence[StudyShape]) -> Iterator[tuple[Path, Trainer]]:
    for shape in shapes:
        run = out / "recall" / shape.kind
        run.mkdir(parents=True, exist_ok=True)
        member = _member(replace(shape, vocab=VOCABULARY))
        trainer = Trainer(run, member.network(pace.seed), member.objective, RecallRows(pace.seed), pace)
        if (run / checkpoint.FILE).is_file():
            trainer.resume()
        yield run, trainer


def _member(shape: StudyShape) -> Member:
    """Return a model with an objective that asks for the middle alone."""
    (member,) = study.members([], (shape,), context_weight=0.0)
    return replace(member, objective=member.validation)
