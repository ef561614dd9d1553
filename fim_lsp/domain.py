"""The value types every layer shares. Offsets are in code points; text is what the document holds."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath
from typing import Literal

Stage = Literal["context", "choose", "tokenize", "prefill", "read", "decode", "fill", "remote", "filters", "parse"]
Purpose = Literal["prepare", "read", "write", "finish"]
STAGES: Mapping[
    Stage, Purpose
] = {  # of a request, as they run: the decoder prefills and decodes, the infiller reads and fills
    "context": "prepare",
    "choose": "prepare",
    "tokenize": "prepare",
    "prefill": "read",
    "read": "read",
    "decode": "write",
    "fill": "write",
    "remote": "write",
    "filters": "finish",
    "parse": "finish",
}
Finish = Literal["stop", "length", "deadline", "cancelled", "unsure"]  # unsure: what went on was a guess


@dataclass(frozen=True)
class Terms:
    """What came with one request beside its document, from a client that sets such things itself."""

    max_tokens: int | None = None  # to decode, at most
    deadline_ms: float | None = None  # for the answer, where that is sooner than the settings say
    snippets: tuple[Snippet, ...] = ()  # of other files, instead of what the workspace has
    is_by_character: bool = False  # a character typed in passing asks; it may be a full stop of prose


@dataclass(frozen=True)
class Snapshot:
    """One document at one version with the cursor at `offset`."""

    uri: str
    version: int
    language: str
    text: str
    offset: int
    manual: bool = False  # the user asked for a completion by hand
    eol: str = "\n"  # how this document breaks its lines
    path: str = ""  # of the file, as its workspace names it: parts joined by /
    refusal: str = ""  # why its text is not known, or shown to nobody; there is nothing to complete
    terms: Terms = Terms()
    origin: int = 0  # where the document begins in `text`: a notebook's cell stands among others

    @cached_property
    def prefix(self) -> str:
        return self.text[: self.offset]

    @cached_property
    def suffix(self) -> str:
        return self.text[self.offset :]

    @cached_property
    def line_prefix(self) -> str:
        start = max(self.text.rfind("\n", 0, self.offset), self.text.rfind("\r", 0, self.offset))
        return self.text[start + 1 : self.offset]

    @cached_property
    def line_suffix(self) -> str:
        ends = [at for mark in "\r\n" if (at := self.text.find(mark, self.offset)) >= 0]
        return self.text[self.offset : min(ends, default=len(self.text))]


@dataclass(frozen=True)
class GenerationLimits:
    """How much to generate at a cursor, decided before any model runs."""

    why: str = ""  # the rule that chose one or several lines
    multiline: bool = False
    max_tokens: int = 48
    max_lines: int = 1
    candidates: int = 1
    deadline: float = float("inf")  # time.monotonic() seconds

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self.deadline


@dataclass(frozen=True)
class Snippet:
    """Text from elsewhere that helps at the cursor, and why it was chosen."""

    path: str
    text: str
    why: str
    score: float = 0.0  # of 1; comparable among snippets of one kind


@dataclass(frozen=True)
class FimRequest:
    """What the model sees, before any sentinel: n+1 segments around n holes."""

    segments: tuple[str, ...]
    limits: GenerationLimits
    snippets: tuple[Snippet, ...] = ()
    language: str = ""
    path: str = ""  # of the file, as its workspace names it


@dataclass(frozen=True)
class TokenEstimate:
    """What a request would cost a backend, in tokens: read, of these already in its K/V cache, answers decoded."""

    tokens: int
    reused: int = 0
    answers: int = 1


@dataclass(frozen=True)
class Choice:
    """The family that answers, why, and what each would cost on this machine."""

    family: str
    why: str
    expected_ms: Mapping[str, float] = field(default_factory=dict)
    cursor_kind: str = ""  # what kind of place the cursor stands at, in the words of the fitted tables
    is_stand_in: bool = False  # it answers only while another, which is worth more here, is being loaded


class Cancel(threading.Event):
    """A flag that stops a running completion; `reason` says who raised it."""

    reason = ""
    at = 0.0  # time.monotonic() of the first raise

    def raise_for(self, reason: str) -> None:
        if not self.is_set():
            self.reason, self.at = reason, time.monotonic()
            self.set()


@dataclass(frozen=True)
class Suggestion:
    """Text for each hole; `replaces` counts the characters right of the cursor that it covers."""

    fills: tuple[str, ...]
    replaces: int = 0
    finish: Finish = "stop"
    confidence: float = 0.0  # probability that it is just what is wanted; uncalibrated, the mean token probability
    scores: tuple[float, ...] = ()  # of several holes: log-probability of each fill
    log_probs: tuple[float, ...] = ()  # of one hole: log-probability of each token decoded, its end included
    unresolved: tuple[str, ...] = ()  # names it uses that are defined nowhere

    @property
    def text(self) -> str:
        return self.fills[0]

    @property
    def is_whole(self) -> bool:
        """False for the mere beginning of what the model said."""
        return self.finish != "unsure"

    def with_text(self, text: str, finish: Finish | None = None) -> Suggestion:
        return replace(self, fills=(text, *self.fills[1:]), finish=finish or self.finish)


@dataclass(frozen=True)
class AcceptanceCurve:
    """How often a person takes what a family is so sure of: logit(taken) = shift + scale · logit(confidence)."""

    shift: float = 0.0
    scale: float = 1.0

    def taken(self, confidence: float) -> float:
        """Return the share that is taken of what is so sure, 0..1."""
        return expit(self.shift + self.scale * logit(confidence))

    def confidence(self, taken: float) -> float:
        """Return how sure a suggestion must be for such a share to be taken, 0..1."""
        return expit((logit(taken) - self.shift) / self.scale)


def logit(share: float) -> float:
    """Return the log-odds of a share, of 0 and 1 those of nearly so."""
    inside = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))


def expit(log_odds: float) -> float:
    """Return the share of log-odds."""
    return 1 / (1 + math.exp(-min(max(log_odds, -40.0), 40.0)))


@dataclass(frozen=True)
class Outcome:
    """The answer to one request, or the reason there is none."""

    suggestions: tuple[Suggestion, ...] = ()
    reason: str = ""
    backend: str = ""
    why: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)  # milliseconds per stage
    tokens: Mapping[str, int] = field(default_factory=dict)  # prefilled, reused, decoded, drafted, accepted
    choice: Choice | None = None  # None where no model was asked
    snippets: tuple[Snippet, ...] = ()  # of other files, gathered for it; a slow machine leaves them out
    sent: Mapping[str, int] = field(default_factory=dict)  # characters that left this machine, by host


class Meter:
    """Collect milliseconds per stage, token counts and what was sent while one request runs."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self.tokens: dict[str, int] = {}
        self.sent: dict[str, int] = {}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - began) * 1e3
            self.timings[name] = round(self.timings.get(name, 0.0) + spent, 3)

    def add(self, other: Meter) -> None:
        """Take in what another one collected."""
        for name, spent in other.timings.items():
            self.timings[name] = round(self.timings.get(name, 0.0) + spent, 3)
        for name, tokens in other.tokens.items():
            self.count(name, tokens)
        for host, chars in other.sent.items():
            self.send(host, chars)

    def count(self, name: str, tokens: int) -> None:
        self.tokens[name] = self.tokens.get(name, 0) + tokens

    def send(self, host: str, chars: int) -> None:
        self.sent[host] = self.sent.get(host, 0) + chars


def ms_of(purpose: Purpose, timings: Mapping[str, float]) -> float:
    """Return the milliseconds of all stages that have this purpose."""
    return sum(timings.get(stage, 0.0) for stage, for_what in STAGES.items() if for_what == purpose)


def steps_of(tokens: Mapping[str, int]) -> int:
    """Return how often a model was run to write: an infiller's passes, else a decoder's tokens."""
    return tokens.get("passes", tokens.get("decoded", 0))


def is_word(char: str, more: str = "_") -> bool:
    """True for a letter, a digit and what else of `more` names are made of; not for the end of a text."""
    return char.isalnum() or (char != "" and char in more)


def split_lines(text: str) -> list[str]:
    """Split at the line breaks that editors know (LSP 3.18), not at form feeds and U+2028 as str.splitlines does."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def path_within(path: PurePath, roots: Iterable[PurePath]) -> str:
    """Return a file's path seen from the innermost root that holds it, else its folder's name and its own."""
    inside = [root for root in roots if path.is_relative_to(root)]
    if inside:
        return path.relative_to(max(inside, key=lambda root: len(root.parts))).as_posix()
    return "/".join(path.parts[-2:]) if len(path.parts) > 2 else path.name
