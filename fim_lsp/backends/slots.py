"""The masked-span family on the decoder's trunk: slots behind its context, filled both ways in a few passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.in_turn import fill_in_turn
from fim_lsp.backends.reader import Prompt, Reader
from fim_lsp.checkpoints.low_rank import LowRank, SlotConfig
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.errors import ModelMismatch
from fim_lsp.nn import slots
from fim_lsp.nn.decode import Step
from fim_lsp.nn.native.layers import NativeDecoder

FIRST_TOKENS = 6  # first tokens tried in each of several holes
PASSES_OF_SEVERAL = 4  # at each of their canvases, at least: nobody waits for them between two keys


def load(folder: Path, wanted: ModelRequest) -> SlotBackend:
    """Load slots and, where no backend has it yet, their trunk; raises ModelError."""
    config = SlotConfig.read(folder)
    reader = Reader.shared(config.trunk, wanted.bits, wanted.cache_mb, wanted.adapter, beside=folder)
    model = reader.model
    if not isinstance(model, NativeDecoder):
        raise ModelMismatch(
            f"{folder}: slots need the compiled kernels, and here torch computes: `fim-lsp doctor` says why"
        )
    if model.mask is None:
        model.add_low_rank(LowRank.from_folder(folder, model.config, config.rank))
    calibration = Calibration.read(folder)
    return SlotBackend(reader, model, slots.Policy(**config.policy), calibration)


class SlotBackend:
    """A canvas of slots at a time; its first token is the decoder's own."""

    name = "bert"
    has_prefix_cache = True

    def __init__(
        self, reader: Reader, model: slots.SlotModel, policy: slots.Policy, calibration: Calibration | None = None
    ):
        self.reader, self.model, self.policy, self.calibration = reader, model, policy, calibration
        self.tokenizer, self.format = reader.tokenizer, reader.format
        self.budget = reader.budget

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the hole of `request`, the candidates parting at their first token; several holes in turn."""

        def stop() -> bool:
            return cancel.is_set() or request.limits.expired

        if len(request.segments) > 2:
            yield from fill_in_turn(request, partial(self._options, request, stop, meter), cancel)
            return
        with meter.stage("tokenize"):
            prompt = self.reader.prompt(request.segments[0], request.segments[1], request)
        prompt, cache, logits = self.reader.read(prompt, stop, meter)
        if logits is None:
            return
        for first in self.reader.firsts(prompt, logits, request.limits.candidates):
            if stop():
                return
            yield self._drafts(prompt, cache, first, request, cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Nothing: canvases of other beginnings would cost as much as they would when they are wanted."""
        return iter(())

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Count the prompt's tokens and those whose keys and values are there from before."""
        prompt = self.reader.prompt(request.segments[0], " ".join(request.segments[1:]), request)
        holes = len(request.segments) - 1
        answers = FIRST_TOKENS * holes if holes > 1 else request.limits.candidates
        return TokenEstimate(len(prompt.ids), self.reader.pool.shared(prompt.ids), answers)

    def with_passes(self, passes: int) -> SlotBackend:
        """Return the same slots, filled in at most so many passes a canvas."""
        return SlotBackend(self.reader, self.model, replace(self.policy, passes=passes), self.calibration)

    def forget(self) -> None:
        """Drop the K/V caches."""
        self.reader.pool.forget()

    def _drafts(
        self, prompt: Prompt, cache: Any, first: Step, request: FimRequest, cancel: Cancel, meter: Meter
    ) -> Iterator[Suggestion]:
        """Yield the text after each canvas: what stands in one is not changed by the next."""
        limits = request.limits
        is_end = self._ends(limits.multiline)
        size = self.policy.block_canvas if limits.multiline else self.policy.canvas

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        canvases = slots.fill(self.model, cache, prompt.ids, first, self.policy, size, limits.max_tokens, is_end, stop)
        steps: Sequence[Step] = ()
        while True:
            with meter.stage("fill"):
                found = next(canvases, None)
            if found is None:
                break
            steps, passes = found
            meter.count("passes", passes)
            finish: Finish = "stop" if steps and is_end(steps[-1].token) else "length"
            yield self._suggestion(
                prompt, steps, "cancelled" if cancel.is_set() else "deadline" if limits.expired else finish
            )
        meter.count("decoded", len(steps))

    def _options(
        self, request: FimRequest, stop: Callable[[], bool], meter: Meter, before: str, after: str
    ) -> list[tuple[float, str]]:
        """Return (log-probability, text) of what may fill one hole, best first: every place a canvas may end."""
        prompt = self.reader.prompt(before, after, request)
        prompt, cache, logits = self.reader.read(prompt, stop, meter)
        policy = replace(self.policy, passes=max(self.policy.passes, PASSES_OF_SEVERAL))
        found: dict[str, float] = {}
        for first in self.reader.firsts(prompt, logits, FIRST_TOKENS) if logits is not None else ():
            with meter.stage("fill"):
                canvases = slots.fill(
                    self.model, cache, prompt.ids, first, policy, policy.canvas, policy.canvas,
                    self._ends(is_block=False), stop,
                )  # fmt: skip
                steps, passes = next(canvases, ((), 0))
                ids = [step.token for step in steps if step.token not in self.format.ends]
                scores = slots.score_endings(self.model, cache, prompt.ids, ids, sorted(self.format.ends))
            meter.count("passes", passes + 1)
            for count, score in enumerate(scores, 1):
                text = self.reader.text(prompt, ids[:count])
                found[text] = max(found.get(text, -math.inf), score)
        return sorted(((score, text) for text, score in found.items() if text.strip()), reverse=True)

    def _suggestion(self, prompt: Prompt, steps: Sequence[Step], finish: Finish) -> Suggestion:
        log_probs = tuple(math.log(max(step.probability, 1e-9)) for step in steps)
        confidence = math.exp(sum(log_probs) / len(log_probs)) if log_probs else 0.0
        text = self.reader.text(prompt, [step.token for step in steps if step.token not in self.format.ends])
        return Suggestion((text,), finish=finish, confidence=confidence, log_probs=log_probs)

    def _ends(self, is_block: bool) -> Callable[[int], bool]:
        """Return what says of a token that it ends the span: of one line, a line break too."""
        return self.format.ends.__contains__ if is_block else self.reader.ends_line
