"""When a text goes in circles: the one rule, for what ends a decoding and for what drops a suggestion."""

from __future__ import annotations

ROUNDS = ((1, 12), (3, 5), (10, 3))  # from so many characters a round on, so many rounds are a loop


def round_at_end(text: str, shortest: int, longest: int) -> str:
    """Return the piece, of so many characters, that a text ends with over and over; "" without one."""
    for size in range(shortest, min(len(text), longest) + 1):
        rounds = rounds_of(size)
        if size * rounds <= len(text) and text.endswith(text[-size:] * rounds):
            return text[-size:]
    return ""


def rounds_of(size: int) -> int:
    """Return how many rounds of so many characters are a loop."""
    return next(rounds for least, rounds in reversed(ROUNDS) if size >= least)
