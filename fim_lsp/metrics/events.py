"""What is counted: each event is a row, or changes one."""

from __future__ import annotations

from typing import NamedTuple

KEPT_AFTER_S = (30, 120, 300)  # seconds after which is asked whether accepted text still stands


class Shown(NamedTuple):
    """A suggestion came before a person's eyes; `id` is random and says nothing."""

    id: str
    at: float  # time.time()
    language: str
    backend: str
    chars: int
    confidence: float | None = None  # 0..1; None: not what a model said as a whole


class Accepted(NamedTuple):
    """So many of its characters have been taken by now; not all of it where it was a word or a line."""

    id: str
    chars: int
    is_whole: bool


class KeptAfter(NamedTuple):
    """Whether what was taken still stood where it was put, so many seconds later."""

    id: str
    after_s: int
    is_kept: bool


class Typed(NamedTuple):
    """Characters that came into documents of a language on a day, by key or out of suggestions."""

    day: str  # as datetime.date.isoformat
    language: str
    chars: int


Event = Shown | Accepted | KeptAfter | Typed
