"""What a family costs on this machine: milliseconds a token read and a step decoded, learnt from each run's meter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fim_lsp.domain import Meter, TokenEstimate, ms_of, steps_of

STEADY = 0.2  # weight of a new measurement once there are some; the first one replaces the guess
FEW_TOKENS = 32  # a prefill of fewer costs about a step, whatever their number


@dataclass(frozen=True)
class Cost:
    """A shipped guess until something is measured, then an exponential average of that."""

    token_ms: float
    step_ms: float
    tokens_seen: int = 0  # measurements
    steps_seen: int = 0

    def learn(self, meter: Meter) -> Cost:
        """Return the cost after one more run."""
        learnt = self
        tokens, spent = meter.tokens.get("prefilled", 0), ms_of("read", meter.timings)
        if tokens >= FEW_TOKENS and spent:
            ms = _mix(self.token_ms, spent / tokens, self.tokens_seen)
            learnt = replace(learnt, token_ms=ms, tokens_seen=self.tokens_seen + 1)
        steps, spent = steps_of(meter.tokens), ms_of("write", meter.timings)
        if steps and spent:
            ms = _mix(self.step_ms, spent / steps, self.steps_seen)
            learnt = replace(learnt, step_ms=ms, steps_seen=self.steps_seen + 1)
        return learnt

    def at_pace_of(self, other: Cost, guess: Cost) -> Cost:
        """Return the cost; while it is a guess, made slower or quicker as the other family's guess had to be."""
        if self.steps_seen or not other.steps_seen:
            return self
        pace = other.step_ms / guess.step_ms
        return replace(self, token_ms=self.token_ms * pace, step_ms=self.step_ms * pace)

    def expect(self, work: TokenEstimate, steps: float) -> float:
        """Return the milliseconds of a request whose answers take so many steps each."""
        return self.token_ms * (work.tokens - work.reused) + self.step_ms * steps * work.answers


def _mix(old: float, new: float, seen: int) -> float:
    weight = max(STEADY, 1 / (1 + seen))
    return (1 - weight) * old + weight * new
