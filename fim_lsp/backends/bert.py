"""The masked-span family: an encoder that reads the context once and fills canvases in a few passes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from fim_lsp.backends.base import Budget
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion
from fim_lsp.nn import infill
from fim_lsp.nn.canvas import Layout, Marks, lay_out
from fim_lsp.nn.encoder import Encoder, Reading
from fim_lsp.nn.tokenizer import Tokenizer

CHARS_PER_TOKEN, MOST_CHARS_PER_TOKEN = 3.5, 4.5  # as the decoder's: a window that seldom needs clamping
JOINT_SIZES = (1, 2, 4, 8, 16)  # canvases of several holes: each length is another candidate for the parser
JOINT_OPENINGS, OPENING_SIZES = 8, (1, 4, 12)


class BertBackend:
    """A bidirectional encoder on this machine; fills any number of holes jointly."""

    name = "bert"

    def __init__(self, model: Encoder, tokenizer: Tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.marks = Marks.read(model.config.infill)
        self.recipe = infill.Recipe.read(model.config.infill)
        self.budget = Budget(
            prefix_chars=int(self.recipe.prefix_tokens * CHARS_PER_TOKEN),
            suffix_chars=int(self.recipe.suffix_tokens * MOST_CHARS_PER_TOKEN),
        )

    @classmethod
    def from_folder(cls, folder: Path) -> BertBackend:
        """Load a model folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        return cls(Encoder.from_folder(folder), Tokenizer.from_folder(folder))

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the holes of `request` jointly; candidates differ in length and first token, best first.

        A stream holds one draft, its last: unlike a decoder's, earlier ones are not its beginnings.
        """
        plan = request.plan
        with meter.stage("tokenize"):
            layout = self._layout(request.segments)
        if cancel.is_set() or plan.expired:
            return
        with meter.stage("read"):
            reading = self.model.read(layout)
        meter.count("prefilled", len(layout.ids))
        candidates = self._decode(reading, request, cancel, meter)
        finish: Finish = "cancelled" if cancel.is_set() else "deadline" if plan.expired else "stop"
        bonus = self.recipe.length_bonus
        candidates.sort(key=lambda candidate: candidate.score(bonus), reverse=True)
        said: set[tuple[str, ...]] = set()
        for candidate in candidates:
            suggestion = self._suggestion(candidate, finish)
            is_weak = plan.candidates == 1 and suggestion.confidence < self.recipe.threshold
            if is_weak or len(said) == plan.candidates:
                return
            if suggestion.fills not in said:
                said.add(suggestion.fills)
                yield iter([suggestion])

    def forget(self) -> None:
        """Nothing is kept between requests."""

    def _decode(self, reading: Reading, request: FimRequest, cancel: Cancel, meter: Meter) -> list[infill.Candidate]:
        plan, marks, holes = request.plan, self.marks, len(reading.holes)
        sizes = self.recipe.block_canvases if plan.multiline else self.recipe.canvases
        with meter.stage("fill"):
            candidates = infill.blank(JOINT_SIZES if holes > 1 else sizes, holes, marks.mask)
            if plan.candidates > 1:
                for size in OPENING_SIZES if holes > 1 else sizes[:1]:
                    candidates += infill.openings(self.model, marks, reading, size, JOINT_OPENINGS)

            def stop() -> bool:
                return cancel.is_set() or plan.expired

            for _ in infill.fill(self.model, marks, reading, candidates, self.recipe, stop):
                meter.count("passes", 1)
        answered = [c for c in candidates if all(fill.mean > -math.inf for fill in c.fills)]
        meter.count("decoded", sum(len(fill.guess) for c in answered[:1] for fill in c.fills))
        return answered

    def _suggestion(self, candidate: infill.Candidate, finish: Finish) -> Suggestion:
        texts = tuple(self.tokenizer.decode(fill.guess) for fill in candidate.fills)
        mean = sum(fill.mean for fill in candidate.fills) / len(candidate.fills)
        scores = tuple(fill.total for fill in candidate.fills)
        return Suggestion(texts, finish=finish, confidence=math.exp(mean), scores=scores)

    def _layout(self, segments: tuple[str, ...]) -> Layout:
        """Tokenize the pieces; what is too far left of the first hole or right of the last one is not read."""
        pieces = [self.tokenizer.encode(segment) for segment in segments]
        pieces[0] = pieces[0][-self.recipe.prefix_tokens :]
        pieces[-1] = pieces[-1][: self.recipe.suffix_tokens]
        return lay_out(pieces, self.marks)
