"""A backend without weights, for tests and for trying a pipeline: it says what it was told to."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fim_lsp.backends.base import Budget
from fim_lsp.backends.calibration import Calibration
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate


class FakeBackend:
    """Yield `texts` as candidates, `step_chars` characters a step, `step_s` seconds a step."""

    name = "fake"
    has_prefix_cache = True
    budget = Budget(prefix_chars=2000, suffix_chars=500)
    calibration: Calibration | None = None

    def __init__(
        self,
        *texts: str,
        step_chars: int = 3,
        step_s: float = 0.0,
        confidence: float = 0.9,
        log_probs: tuple[float, ...] = (),
        alternatives: tuple[str, ...] = (),
    ):
        self.texts, self.step_chars, self.step_s = texts, step_chars, step_s
        self.confidence, self.log_probs = confidence, log_probs
        self.alternatives = alternatives
        self.requests: list[FimRequest] = []
        self.steps = 0

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        self.requests.append(request)
        for text in self.texts[: request.limits.candidates]:
            yield self._drafts(text, request, cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        for text in self.alternatives:
            if text[0] != said[:1]:
                yield iter([Suggestion((text,), confidence=self.confidence, log_probs=self.log_probs)])

    def estimate(self, request: FimRequest) -> TokenEstimate:
        return TokenEstimate(sum(map(len, request.segments)) // 4)

    def forget(self) -> None:
        self.requests.clear()

    def _drafts(self, text: str, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Suggestion]:
        for end in range(self.step_chars, len(text) + self.step_chars, self.step_chars):
            if cancel.is_set() or request.limits.expired:
                finish: Finish = "cancelled" if cancel.is_set() else "deadline"
                yield Suggestion((text[: end - self.step_chars],), finish=finish, confidence=self.confidence)
                return
            if end > request.limits.max_tokens * self.step_chars:
                return
            time.sleep(self.step_s)
            self.steps += 1
            meter.count("decoded", 1)
            yield Suggestion((text[:end],), finish="length", confidence=self.confidence)
        yield Suggestion((text,), finish="stop", confidence=self.confidence, log_probs=self.log_probs)
