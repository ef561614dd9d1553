"""The architecture study behind the seam: small models for comparing architectures, created only when asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fim_lsp.backends.base import Backend, Budget, Density, ModelRequest
from fim_lsp.backends.bert import BertBackend
from fim_lsp.backends.calibration import Calibration
from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.errors import InputError
from fim_lsp.nn.canvas import GAP, Layout, clamp, lay_out
from fim_lsp.nn.decode import pick
from fim_lsp.nn.study import folder as study
from fim_lsp.nn.study.bert import SmallBert
from fim_lsp.nn.study.network import Writer, write
from fim_lsp.nn.study.vocabulary import SEPARATOR

DENSITY = Density(2.8, 4.0)  # of the study's vocabulary, which is small


class WriterBackend:
    """A recurrent network, an encoder–decoder or a decoder: one greedy answer, token by token."""

    calibration: Calibration | None = None
    has_prefix_cache = False

    def __init__(self, name: str, model: Writer, tokenizer: Tokenizer, reading: dict[str, int]):
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self.prefix_tokens, self.suffix_tokens = reading["prefix_tokens"], reading["suffix_tokens"]
        self.answer_tokens = reading["answer_tokens"]
        self.budget = Budget.of_tokens(self.prefix_tokens, self.suffix_tokens, DENSITY)

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the hole of `request`; of several, each after those left of it."""
        if len(request.segments) == 2:
            yield self._drafts(*request.segments, request, cancel, meter)
            return
        before, fills = "", []
        for hole, segment in enumerate(request.segments[:-1]):
            before += segment
            after = " ".join(request.segments[hole + 1 :])
            *_, last = [None, *self._drafts(before, after, request, cancel, meter)]
            if last is None:
                return
            fills.append(last)
            before += last.text
        scores = tuple(math.log(max(fill.confidence, 1e-9)) for fill in fills)
        confidence = math.exp(sum(scores) / len(scores))
        texts = tuple(fill.text for fill in fills)
        yield iter([Suggestion(texts, finish=fills[-1].finish, confidence=confidence, scores=scores)])

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Nothing is kept that would make it cheap."""
        return iter(())

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Count the tokens of the context, all of them read anew for every request."""
        before, after = request.segments[0], request.segments[-1]
        return TokenEstimate(len(self._prefix(before)) + len(self._suffix(after)))

    def forget(self) -> None:
        """Nothing is kept between requests."""

    def _drafts(
        self, before: str, after: str, request: FimRequest, cancel: Cancel, meter: Meter
    ) -> Iterator[Suggestion]:
        limits = request.limits

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        with meter.stage("tokenize"):
            prefix, suffix = self._prefix(before), self._suffix(after)
        with meter.stage("prefill"):
            at = self.model.begin(prefix, suffix, stop)
        if at is None:
            return
        meter.count("prefilled", len(prefix) + len(suffix))
        most = min(limits.max_tokens, self.answer_tokens)
        steps = write(self.model, at, most, stop)
        at_once = pick(at.logits).probability  # of the end, when that comes first
        ids: list[int] = []
        sure = 0.0
        while True:
            with meter.stage("decode"):
                step = next(steps, None)
            if step is None:
                break
            ids.append(step.token)
            sure += step.probability
            meter.count("decoded", 1)
            yield self._draft(ids, sure / len(ids), "length")
        finish: Finish = "cancelled" if cancel.is_set() else "deadline" if limits.expired else "stop"
        confidence = sure / len(ids) if ids else at_once
        yield self._draft(ids, confidence, "length" if finish == "stop" and len(ids) >= most else finish)

    def _draft(self, ids: list[int], confidence: float, finish: Finish) -> Suggestion:
        return Suggestion((self.tokenizer.decode(ids),), finish=finish, confidence=confidence)

    def _prefix(self, text: str) -> list[int]:
        return self.tokenizer.encode(text)[-self.prefix_tokens :]

    def _suffix(self, text: str) -> list[int]:
        return self.tokenizer.encode(text)[: self.suffix_tokens]


class SmallBertBackend(BertBackend):
    """The encoder of the set: canvases of several lengths, as the infiller; its suffix begins with a separator."""

    name = "small-bert"

    def __init__(self, model: SmallBert, tokenizer: Tokenizer, table: Mapping[str, Any]):
        super().__init__(model, tokenizer, table)
        self.positions = model.config.positions

    def _layout(self, segments: tuple[str, ...]) -> Layout:
        """Tokenize the pieces, cut to the learned positions, of which a hole takes many; raises InputError."""
        room = self.positions - GAP * (len(segments) - 1) - 2  # beside them stand the beginning and the separator
        if room < 0:
            raise InputError(f"{self.name} has positions for {(self.positions - 2) // GAP} holes of one text at most")
        pieces = [self.tokenizer.encode(segment) for segment in segments]
        pieces[0] = pieces[0][-self.recipe.prefix_tokens :]
        pieces[-1] = pieces[-1][: self.recipe.suffix_tokens]
        clamp(pieces, room)
        pieces[-1] = [SEPARATOR, *pieces[-1]]
        return lay_out(pieces, self.marks)


def load(folder: Path, wanted: ModelRequest) -> Backend:
    """Load a model of the study; raises ModelMissing, ModelCorrupt, ModelMismatch."""
    config: dict[str, Any] = read_raw_config(folder)
    model, tokenizer = study.load(folder), Tokenizer.from_folder(folder)
    if "infill" in config:
        return SmallBertBackend(model, tokenizer, config["infill"])
    return WriterBackend(study.shape_table(config)["kind"], model, tokenizer, config["reading"])
