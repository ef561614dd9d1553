"""What both contenders are seen as: an editor with document, cursor, ghost text, and a record of every keystroke."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal

KeyKind = Literal["key", "backspace", "accept", "jump"]
DRAIN_S = 60.0  # longer than any answer takes


@dataclass(frozen=True)
class Change:
    """text[start:end] gives way to `text`."""

    start: int
    end: int
    text: str

    def apply(self, document: str) -> str:
        return document[: self.start] + self.text + document[self.end :]


@dataclass(frozen=True)
class Ghost:
    """What is shown right of the cursor, and what accepting all, its first line or its first word would change."""

    shown: str
    all: Change
    line: Change
    word: Change


@dataclass
class Ask:
    """One keystroke and what came of it; milliseconds from the keystroke on."""

    trace: str
    kind: KeyKind
    offset: int
    version: int
    answered_ms: float | None = None  # to the answer that could be shown, an empty one too
    given_up_ms: float | None = None  # to the next keystroke, which came before an answer
    text: str = ""  # what could be shown
    reached_model: bool | None = None  # None where nobody knows: it was given up


@dataclass
class EditorSimulator(ABC):
    """The part that is alike: bookkeeping of asks, and since when a person has been seeing a ghost text."""

    name: str
    asks: list[Ask] = field(default_factory=list)
    ghost: Ghost | None = None
    seen_at: float = 0.0
    document: str = ""
    cursor: int = 0
    version: int = 0
    trace: str = ""
    events: queue.Queue[tuple[float, Any]] = field(default_factory=queue.Queue)
    began: float = 0.0
    expected: str = ""  # what the ghost text before this keystroke would show after it

    def open(self, trace: str, document: str) -> None:
        """Show a document; nothing is asked yet."""
        self.trace, self.document, self.cursor, self.version = trace, document, 0, self.version + 1
        self.ghost, self.expected = None, ""
        self._opened()

    def press(self, kind: KeyKind, cursor: int, change: Change | None = None) -> None:
        """Change the document, if at all, put the cursor and ask for what may be shown there."""
        self.give_up()
        before = self.document
        if change:
            self.document, self.version = change.apply(self.document), self.version + 1
        self.expected = self._remainder(self.document[self.cursor : cursor]) if change else ""
        self.ghost, self.cursor = None, cursor
        self.asks.append(Ask(self.trace, kind, cursor, self.version))
        self.began = time.perf_counter()
        self._ask(before, change)

    def rest(self, seconds: float) -> None:
        """Let time pass and take what comes in."""
        until = time.perf_counter() + seconds
        while True:
            now = time.perf_counter()
            self._tick(now)
            try:
                stamp, event = self.events.get(timeout=max(0.0, min(until - now, self._next_tick() - now)))
            except queue.Empty:
                if time.perf_counter() >= until:
                    return
                continue
            self._take(stamp, event)

    def settle(self) -> None:
        """Wait until nothing is under way any more."""
        until = time.perf_counter() + DRAIN_S
        while self._is_busy() and time.perf_counter() < until:
            self.rest(0.02)

    def give_up(self) -> None:
        """The next keystroke has come: an answer to the last one can no longer be shown."""
        if self.asks and self.asks[-1].answered_ms is None and self.asks[-1].given_up_ms is None:
            self.asks[-1].given_up_ms = (time.perf_counter() - self.began) * 1e3
            self._cancel()

    def answer(self, stamp: float, ghost: Ghost | None, reached_model: bool | None) -> None:
        """Show what came for the last keystroke; only the first answer to it counts."""
        ask = self.asks[-1]
        if ask.answered_ms is None:
            ask.answered_ms = max(0.0, stamp - self.began) * 1e3
            ask.text, ask.reached_model = ghost.shown if ghost else "", reached_model
        if ghost and ghost.shown != self.expected:
            self.seen_at = stamp
        self.ghost, self.expected = ghost, ghost.shown if ghost else ""

    def _remainder(self, typed: str) -> str:
        """Return what the ghost text still shows after this was typed, "" when it was something else."""
        is_along = typed and self.ghost and self.ghost.shown.startswith(typed)
        return self.ghost.shown[len(typed) :] if self.ghost and is_along else ""

    def _next_tick(self) -> float:
        return float("inf")

    def _tick(self, now: float) -> None:  # noqa: B027
        """Do what is due by the clock; most have nothing to do."""

    @abstractmethod
    def cpu_s(self) -> float:
        """Return the processor seconds that the server has spent so far."""

    @abstractmethod
    def _opened(self) -> None: ...

    @abstractmethod
    def _ask(self, before: str, change: Change | None) -> None: ...

    @abstractmethod
    def _cancel(self) -> None: ...

    @abstractmethod
    def _take(self, stamp: float, event: Any) -> None: ...

    @abstractmethod
    def _is_busy(self) -> bool: ...
