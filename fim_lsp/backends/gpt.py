"""The causal family: a decoder trained to fill in the middle, token by token."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.in_turn import fill_in_turn
from fim_lsp.backends.reader import Prompt, Reader
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.nn import alternatives, decode, speculate
from fim_lsp.nn.speculate import Lookup
from fim_lsp.nn.token_cache import TokenCache

FIRST_TOKENS = 6  # first tokens tried in each of several holes
ALTERNATIVE_RANKS, ALTERNATIVE_SHARE = 64, 0.02  # first tokens looked at, and how likely a first character must be
ALTERNATIVE_TOKENS, ALTERNATIVE_SURE = 10, 0.1  # of an alternative at most, and how likely it must stay
UNTYPED = ("", "\n", "\r", "\ufffd")  # no first character: nothing, what the editor types, half of one


def load(folder: Path, wanted: ModelRequest) -> GptBackend:
    """Load a decoder; raises ModelError."""
    return GptBackend.from_folder(folder, wanted.bits, wanted.cache_mb, wanted.adapter)


class GptBackend:
    """A decoder on this machine."""

    name = "gpt"
    has_prefix_cache = True

    def __init__(self, reader: Reader, calibration: Calibration | None = None):
        self.reader, self.calibration = reader, calibration
        self.model, self.tokenizer, self.format = reader.model, reader.tokenizer, reader.format
        self.budget = reader.budget

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        bits: int = ModelRequest().bits,
        cache_mb: int = ModelRequest().cache_mb,
        adapter: str = "",
    ) -> GptBackend:
        """Load a model folder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        calibration = Calibration.read(folder)
        return cls(Reader.shared(folder, bits, cache_mb, adapter), calibration)

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Fill the hole of `request`, the candidates parting at their first token, best first; several in turn."""
        limits = request.limits
        if len(request.segments) > 2:
            options = partial(self._options, request, cancel, meter)
            yield from fill_in_turn(request, options, cancel)
            return

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        with meter.stage("tokenize"):
            prompt = self.reader.prompt(request.segments[0], request.segments[1], request)
        prompt, cache, logits = self.reader.read(prompt, stop, meter)
        if logits is None:
            return
        for first in self.reader.firsts(prompt, logits, limits.candidates):
            if stop():
                return
            cache.truncate(len(prompt.ids))
            yield self._drafts(request, prompt, cache, first, cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Fill in once for each other character that the text may well begin with, all in the same passes."""
        prompt = self.reader.prompt(request.segments[0], request.segments[1], request)
        prompt, cache, logits = self.reader.read(prompt, cancel.is_set, meter)
        if logits is None:
            return
        with meter.stage("decode"):
            firsts = self._other_first_tokens(prompt, logits, said[:1])
            found = alternatives.decode(self.model, cache, firsts, ALTERNATIVE_TOKENS, self._is_over, cancel.is_set)
        for steps in found if not cancel.is_set() else ():
            meter.count("decoded", len(steps))
            yield self._grown(prompt, steps)

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Count the prompt's tokens and those whose keys and values are there from before."""
        prompt = self.reader.prompt(request.segments[0], " ".join(request.segments[1:]), request)
        holes = len(request.segments) - 1
        answers = FIRST_TOKENS * holes if holes > 1 else request.limits.candidates
        return TokenEstimate(len(prompt.ids), self.reader.pool.shared(prompt.ids), answers)

    def forget(self) -> None:
        """Drop the K/V caches."""
        self.reader.pool.forget()

    def _drafts(
        self,
        request: FimRequest,
        prompt: Prompt,
        cache: TokenCache,
        first: decode.Step,
        cancel: Cancel,
        meter: Meter,
    ) -> Iterator[Suggestion]:
        limits = request.limits
        ids: list[int] = []
        log_probs: list[float] = []

        def stop() -> bool:
            return cancel.is_set() or limits.expired

        def draft(finish: Finish) -> Suggestion:
            confidence = math.exp(sum(log_probs) / len(ids)) if ids else first.probability
            text = self.reader.text(prompt, ids)
            return Suggestion((text,), finish=finish, confidence=confidence, log_probs=tuple(log_probs))

        lookup = Lookup(*self.reader.snippets(request), prompt.suffix, [*prompt.prefix, *prompt.said])
        steps = speculate.decode(self.model, cache, first, limits.max_tokens, self.format.ends, stop, lookup)
        try:
            while True:
                with meter.stage("decode"):
                    step = next(steps, None)
                if step is None:
                    break
                ids.append(step.token)
                log_probs.append(math.log(max(step.probability, 1e-9)))
                yield draft("length")
        finally:  # who has enough closes the stream
            meter.count("decoded", len(ids))
            meter.count("drafted", lookup.drafted)
            meter.count("accepted", lookup.accepted)
        if cancel.is_set():
            yield draft("cancelled")
        elif limits.expired:
            yield draft("deadline")
        else:
            yield draft("length" if len(ids) >= limits.max_tokens else "stop")

    def _other_first_tokens(self, prompt: Prompt, logits: decode.Logits, said: str) -> list[decode.Step]:
        """Return for each likely first character its likeliest token, with its share among those that begin so."""
        by_char: dict[str, list[decode.Step]] = {}
        for step in decode.rank(logits, ALTERNATIVE_RANKS):
            char = "" if step.token in self.format.ends else self.reader.text(prompt, [step.token])[:1]
            if char not in (*UNTYPED, said):
                by_char.setdefault(char, []).append(step)
        likely = sorted(by_char.values(), key=lambda steps: -_share(steps))[: speculate.MOST]
        return [
            steps[0]._replace(probability=steps[0].probability / _share(steps))
            for steps in likely
            if _share(steps) >= ALTERNATIVE_SHARE
        ]

    def _is_over(self, steps: list[decode.Step]) -> bool:
        """True at the end of a line, and where an alternative has become a guess."""
        is_guess = math.prod(step.probability for step in steps) < ALTERNATIVE_SURE
        return is_guess or self.reader.ends_line(steps[-1].token)

    def _grown(self, prompt: Prompt, steps: list[decode.Step]) -> Iterator[Suggestion]:
        """Yield the drafts of an alternative, and at last whether its end was said."""
        is_ended = steps[-1].token in self.format.ends
        tokens = [step.token for step in steps[: len(steps) - is_ended]]
        log_probs = [math.log(max(step.probability, 1e-9)) for step in steps]
        for at in range(1, len(tokens) + 1):
            finish: Finish = "stop" if is_ended and at == len(tokens) else "length"
            text = self.reader.text(prompt, tokens[:at])
            yield Suggestion((text,), finish=finish, log_probs=tuple(log_probs[:at]))

    def _options(
        self, request: FimRequest, cancel: Cancel, meter: Meter, before: str, after: str
    ) -> list[tuple[float, str]]:
        """Return (log-probability, text) of what may fill one hole, best first: every place a decode may end."""

        def stop() -> bool:
            return cancel.is_set() or request.limits.expired

        prompt = self.reader.prompt(before, after, request)
        prompt, cache, logits = self.reader.read(prompt, stop, meter)
        found: dict[str, float] = {}
        if logits is None:
            return []
        with meter.stage("decode"):
            for first in self.reader.firsts(prompt, logits, FIRST_TOKENS):
                cache.truncate(len(prompt.ids))
                ids: list[int] = []
                score = 0.0
                for step, ending in decode.decode_with_endings(
                    self.model, cache, first, request.limits.max_tokens, self.format.ends, stop
                ):
                    ids.append(step.token)
                    score += math.log(max(step.probability, 1e-9))
                    text = self.reader.text(prompt, ids)
                    ended = score + math.log(max(ending, 1e-9))
                    found[text] = max(found.get(text, -math.inf), ended)
                meter.count("decoded", len(ids))
        return sorted(((score, text) for text, score in found.items() if text.strip()), reverse=True)


def _share(steps: list[decode.Step]) -> float:
    return sum(step.probability for step in steps)
