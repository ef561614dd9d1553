"""Whether an adapter helps: holes of files that it has not seen, completed as an editor has it, without it and with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fim_lsp.backends import create
from fim_lsp.backends.base import Backend, ModelRequest
from fim_lsp.backends.reader import Reader
from fim_lsp.compare import cut, stats
from fim_lsp.compare.grade import grade
from fim_lsp.compare.quality import Hole
from fim_lsp.context.index import Workspace
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.lab.adapt.files import SourceText
from fim_lsp.languages import Trees, locate
from fim_lsp.nn.encoder import log_softmax
from fim_lsp.pipeline.completer import Completer
from fim_lsp.privacy.secrets import MASK
from fim_lsp.settings import Config

OF_KIND = 30  # holes, of each of seven kinds
FEW = 60  # holes, among which none more need be right if all of them together became likelier
MOST_TOKENS = 64  # of an answer, whose log-probability is taken


class HeldOutScore(NamedTuple):
    """What came of one hole: is it just what stood there, and how surprised the model was by that, in nats a token."""

    is_exact: bool
    surprise: float


@dataclass(frozen=True)
class AdapterVerdict:
    """All holes without the adapter and with it."""

    before: Sequence[HeldOutScore]
    after: Sequence[HeldOutScore]

    @property
    def right(self) -> tuple[int, int]:
        return sum(one.is_exact for one in self.before), sum(one.is_exact for one in self.after)

    @property
    def surprise_interval(self) -> tuple[float, float]:
        """Return by how much surprise changed, the 95 % interval of a paired bootstrap."""
        pairs = zip(self.before, self.after, strict=True)
        return stats.interval([after.surprise - before.surprise for before, after in pairs])

    @property
    def has_helped(self) -> bool:
        """True where more holes are right and what stood there became likelier for certain."""
        before, after = self.right
        is_more = after > before or (after == before and len(self.before) < FEW)
        return is_more and self.surprise_interval[1] < 0

    def notes(self) -> dict[str, Any]:
        """Return what is told of it."""
        before, after = ([float(one.is_exact) for one in some] for some in (self.before, self.after))
        return {
            "holes": len(before),
            "right_before": self.right[0],
            "right_after": self.right[1],
            **stats.paired_ratio(before, after),
            "surprise_before": round(float(np.mean([one.surprise for one in self.before])), 4),
            "surprise_after": round(float(np.mean([one.surprise for one in self.after])), 4),
            "surprise_interval": [round(end, 4) for end in self.surprise_interval],
        }


def holes_of(files: Sequence[SourceText], package: str, of_kind: int = OF_KIND) -> list[Hole]:
    """Cut holes into the files that judge, the same ones each time; raises InputError."""
    cut_ones = cut.cut(((package, file.path, file.text) for file in files), of_kind, seed=1)
    return [hole for hole in cut_ones if MASK not in hole.gold]


def judge(
    holes: Sequence[Hole],
    workspace: Workspace,
    config: Config,
    adapter: Path | None,
    tell: Callable[[int, int], None],
) -> Iterator[HeldOutScore]:
    """Complete every hole by the decoder alone, with an adapter beside it or none; raises ModelError."""

    def load(family: str, wanted: ModelRequest) -> Backend:
        return create(family, wanted._replace(adapter=str(adapter) if adapter else ""))

    patient = replace(config, backend="gpt", backend_by_language={}, deadline_ms=60_000, adapter="off")
    completer = Completer(patient, load, workspace=workspace)
    completer.warm_up()
    reader = getattr(completer.router.ready(), "reader", None)
    assert isinstance(reader, Reader), "the decoder has one"
    for number, hole in enumerate(holes):
        snap = hole.snapshot(number)
        is_exact = grade(hole, completer.complete(snap, Cancel())).is_exact
        request = completer.request(reader.budget, snap, locate(snap, Trees()), GenerationLimits())
        yield HeldOutScore(is_exact, surprise(reader, request, hole.gold))
        tell(number + 1, len(holes))


def surprise(reader: Reader, request: FimRequest, gold: str) -> float:
    """Return the mean negative log-probability of an answer's tokens and its end."""
    prompt = reader.prompt(request.segments[0], request.segments[1], request, is_said_again=False)
    prompt, cache, first = reader.read(prompt, lambda: False, Meter())
    assert first is not None, "nothing stops it"
    ids = reader.tokenizer.encode(gold)[:MOST_TOKENS]
    later = reader.model.forward(ids, cache, rows=len(ids))
    cache.truncate(len(prompt.ids))
    likely = log_softmax(np.concatenate([first[None], later]))
    said = [float(row[token]) for row, token in zip(likely, ids, strict=False)]
    ends = sorted(reader.format.ends)
    return -(sum(said) + float(np.logaddexp.reduce(likely[-1][ends]))) / (len(ids) + 1)
