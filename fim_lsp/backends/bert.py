"""The masked-span family: an encoder that reads the context once and fills canvases in a few passes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fim_lsp.backends.base import Backend, Budget, ModelRequest
from fim_lsp.backends.calibration import Calibration
from fim_lsp.checkpoints.architectures import ARCHITECTURES
from fim_lsp.checkpoints.config import read_config, read_raw_config
from fim_lsp.checkpoints.fields import Table
from fim_lsp.checkpoints.low_rank import SLOTS
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.errors import ModelMismatch
from fim_lsp.nn import infill
from fim_lsp.nn.canvas import GAP, Layout, lay_out
from fim_lsp.nn.load import load_encoder, load_masked_lm

SHORT_COUNTS = (80, 12, 4)  # tokens tried in each slot of fills of one, two and three tokens


def load(folder: Path, wanted: ModelRequest) -> Backend:
    """Load slots on a decoder's trunk, an encoder of ours or a published one; raises ModelError."""
    if read_raw_config(folder).get("model_type") == SLOTS:
        from fim_lsp.backends import slots

        return slots.load(folder, wanted)
    return BertBackend.from_folder(folder)


class BertBackend:
    """A bidirectional encoder on this machine; fills any number of holes jointly."""

    name = "bert"
    has_prefix_cache = False

    def __init__(
        self,
        model: infill.SpanModel,
        tokenizer: Tokenizer,
        table: Mapping[str, Any],
        calibration: Calibration | None = None,
    ):
        self.model, self.tokenizer, self.calibration = model, tokenizer, calibration
        self.marks, self.recipe = Marks.read(table), infill.InfillRecipe.read(table)
        self.budget = Budget.of_tokens(self.recipe.prefix_tokens, self.recipe.suffix_tokens)

    @classmethod
    def from_folder(cls, folder: Path) -> BertBackend:
        """Load an infiller of ours or a published encoder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        raw = Table(read_raw_config(folder), str(folder / "config.json"))
        calibration = Calibration.read(folder)
        if raw.text("model_type", "") in ARCHITECTURES:
            config = read_config(folder)
            Marks.read(config.infill, folder / "config.json")
            model, tokenizer = load_encoder(folder), Tokenizer.from_folder(folder, config.vocab)
            found = cls(model, tokenizer, config.infill, calibration)
            if (least := 1 + found.recipe.prefix_tokens + GAP + found.recipe.suffix_tokens) > config.positions:
                raise ModelMismatch(
                    f"{folder}: a context takes {least} positions, and config.json gives {config.positions}"
                )
            return found
        model, tokenizer = load_masked_lm(folder)
        return cls(model, tokenizer, model.infill, calibration)

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the hole of `request`, candidates of several lengths, best first; several holes for a parser to join.

        A stream holds one draft, its last: unlike a decoder's, earlier ones are not its beginnings.
        """
        limits = request.limits
        with meter.stage("tokenize"):
            layout = self._layout(request.segments)
        if cancel.is_set() or limits.expired:
            return
        with meter.stage("read"):
            reading = self.model.read(layout, lambda: cancel.is_set() or limits.expired)
        if reading is None:
            return
        meter.count("prefilled", len(layout.ids))
        with meter.stage("fill"):
            suggestions = self._joint(reading, request, cancel) if len(layout.holes) > 1 else []
            if not suggestions:
                suggestions = self._decode(reading, len(layout.holes), request, cancel, meter)
        said: set[tuple[str, ...]] = set()
        for suggestion in suggestions:
            if len(said) == limits.candidates:
                return
            if suggestion.fills not in said:
                said.add(suggestion.fills)
                yield iter([suggestion])

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Nothing is kept that would make it cheap."""
        return iter(())

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Count the tokens of the context, all of them read anew for every request."""
        return TokenEstimate(len(self._layout(request.segments).ids))

    def forget(self) -> None:
        """Nothing is kept between requests."""

    def _decode(self, reading: Any, holes: int, request: FimRequest, cancel: Cancel, meter: Meter) -> list[Suggestion]:
        """Return what the canvases say after as many passes as there is time for, the best first."""
        limits, recipe = request.limits, self.recipe
        sizes = recipe.block_canvases if limits.multiline else recipe.canvases
        candidates = infill.blank(sizes, holes, self.marks.mask)

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        for _ in infill.fill(
            self.model, self.marks, reading, candidates, recipe, stop, max(limits.candidates, recipe.keep)
        ):
            meter.count("passes", 1)
        finish: Finish = "cancelled" if cancel.is_set() else "deadline" if limits.expired else "stop"
        answered = [c for c in candidates if all(fill.mean > -math.inf for fill in c.fills)]
        answered.sort(key=lambda candidate: candidate.score(recipe.length_bonus), reverse=True)
        meter.count("decoded", sum(len(fill.guess) for c in answered[:1] for fill in c.fills))
        return [self._suggestion(candidate, finish) for candidate in answered]

    def _joint(self, reading: Any, request: FimRequest, cancel: Cancel) -> list[Suggestion]:
        """Return short fills of several holes, by rank; which go together is for the parser to say."""
        if cancel.is_set() or request.limits.expired:
            return []
        holes = len(request.segments) - 1
        ranked = infill.short_fills(self.model, self.marks, reading, holes, SHORT_COUNTS)
        found = []
        for picks in zip(*(hole[: request.limits.candidates] for hole in ranked), strict=True):
            scores, ids = zip(*picks, strict=True)
            mean = sum(score / len(fill) for score, fill in picks) / holes
            texts = tuple(map(self.tokenizer.decode, ids))
            found.append(Suggestion(texts, confidence=math.exp(mean), scores=scores))
        return found

    def _suggestion(self, candidate: infill.FillCandidate, finish: Finish) -> Suggestion:
        texts = tuple(self.tokenizer.decode(fill.guess) for fill in candidate.fills)
        mean = sum(fill.mean for fill in candidate.fills) / len(candidate.fills)
        scores = tuple(fill.total for fill in candidate.fills)
        log_probs = tuple(candidate.fills[0].log_probs) if len(texts) == 1 else ()
        return Suggestion(texts, finish=finish, confidence=math.exp(mean), scores=scores, log_probs=log_probs)

    def _layout(self, segments: tuple[str, ...]) -> Layout:
        """Tokenize the pieces; what is too far left of the first hole or right of the last one is not read."""
        pieces = [self.tokenizer.encode(segment) for segment in segments]
        pieces[0] = pieces[0][-self.recipe.prefix_tokens :]
        pieces[-1] = pieces[-1][: self.recipe.suffix_tokens]
        return lay_out(pieces, self.marks)
