"""Recorded holes, and what `fim-lsp eval` makes of them: first-line match, latency with a cold K/V cache."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from fim_lsp.domain import Cancel, Outcome, Snapshot, split_lines
from fim_lsp.errors import InputError
from fim_lsp.languages import DEFAULT, Language, SyntaxTree, get, language_of

SHORT_TOKENS = 8
WORD, MOST_LETTERS = re.compile(r"[^\W\d]\w+"), 6
SEVERAL = "several_holes"  # the kind of a text with more holes than one


@dataclass(frozen=True)
class Hole:
    """A hole cut from a package no shipped model was trained on; of several in one text it is the first."""

    package: str
    path: str
    line: int
    kind: str
    prefix: str
    suffix: str
    gold: str
    raw: str | None = None  # first line of the shipped decoder's bare greedy decode, when the hole was recorded
    further: tuple[tuple[str, str], ...] = ()  # (gold, text after) of each further hole; `suffix` ends where it begins

    @property
    def segments(self) -> tuple[str, ...]:
        """The n+1 pieces of text around the n holes."""
        return (self.prefix, self.suffix, *(after for _, after in self.further))

    @property
    def golds(self) -> tuple[str, ...]:
        return (self.gold, *(gold for gold, _ in self.further))

    @cached_property
    def key(self) -> str:
        """A name by which two runs know the same hole."""
        return hashlib.sha256("\0".join((*self.segments, *self.golds)).encode()).hexdigest()[:12]

    def snapshot(self, number: int) -> Snapshot:
        return Snapshot(
            f"hole:{number}",
            0,
            language_of(self.path) or DEFAULT,
            self.prefix + self.suffix,
            len(self.prefix),
            path=self.path.replace("\\", "/"),
        )


@dataclass(frozen=True)
class Score:
    """One hole's result."""

    hole: Hole
    outcome: Outcome
    latency_ms: float

    @property
    def shown(self) -> str:
        """What accepting would put into the hole, its first line."""
        if not self.outcome.suggestions:
            return ""
        best = self.outcome.suggestions[0]
        covered = self.hole.suffix[: best.replaces]
        return first_line(best.text.removesuffix(covered) if covered else best.text)

    @property
    def gold(self) -> str:
        """What should be shown."""
        return first_line(self.hole.gold)

    @property
    def is_first_line_match(self) -> bool:
        return self.shown == self.gold

    @property
    def is_error(self) -> bool:
        """True where accepting leaves an error in a text that has none without it, a head that lacks its block too."""
        if not self.outcome.suggestions:
            return False
        best, snap = self.outcome.suggestions[0], self.hole.snapshot(0)
        language = get(snap.language)
        taken = snap.prefix + best.text + snap.suffix[best.replaces :]
        return not _has_error(snap.text, language) and _has_error(taken, language)

    @property
    def was_first_line_match(self) -> bool | None:
        """Whether the bare greedy line was right, None where it was not recorded."""
        return None if self.hole.raw is None else first_line(self.hole.raw) == self.gold


def _has_error(text: str, language: Language) -> bool:
    return SyntaxTree.parse(text, language).has_error


def first_line(text: str) -> str:
    return text.strip().split("\n")[0].strip()


def within_word(hole: Hole) -> Hole | None:
    """Return a hole that begins one to six letters further, within one of its first two words; None without one."""
    rng, words = random.Random(hole.key), list(WORD.finditer(hole.gold.partition("\n")[0]))[:2]
    if not words:
        return None
    start, end = rng.choice(words).span()
    at = rng.randint(start + 1, min(end - 1, start + MOST_LETTERS))
    return replace(hole, prefix=hole.prefix + hole.gold[:at], gold=hole.gold[at:], raw=None)


def shipped_holes(name: str = "held_out") -> Path:
    """Return a file of holes that comes with the package: held_out, several (in one text each), or a language's."""
    data = files("fim_lsp.compare") / "data"
    with as_file(data / f"{name}.jsonl") as plain, as_file(data / "languages" / f"{name}.jsonl.gz") as packed:
        return packed if packed.is_file() else plain


def read_holes(path: Path | None = None) -> list[Hole]:
    """Read holes from JSON lines, the shipped ones by default; raises InputError."""
    source = path or shipped_holes()
    try:
        data = source.read_bytes()
        text = (gzip.decompress(data) if source.suffix == ".gz" else data).decode("utf-8")
        rows = [json.loads(line) for line in split_lines(text) if line]
        return [_hole(row) for row in rows]
    except (OSError, ValueError, TypeError) as problem:
        raise InputError(f"{source} holds no holes: {problem}") from None


def _hole(row: dict[str, Any]) -> Hole:
    known = {("raw" if key == "seed_first_line" else key): value for key, value in row.items()}
    return Hole(**known | {"further": tuple((gold, after) for gold, after in row.get("further", ()))})


def run(holes: Iterable[Hole], complete: Callable[[Snapshot, Cancel], Outcome]) -> Iterator[Score]:
    """Complete every hole and yield its score."""
    for number, hole in enumerate(holes):
        began = time.perf_counter()
        outcome = complete(hole.snapshot(number), Cancel())
        yield Score(hole, outcome, (time.perf_counter() - began) * 1e3)


def summarise(
    scores: list[Score], count_tokens: Callable[[str], int] = lambda text: 0
) -> Mapping[str, Mapping[str, float | None]]:
    """Return for `all`, per kind, and for short answers by `count_tokens`: n, first-line match of the pipeline and
    of the bare line (None where not recorded), suggestions, of these broken ones in %, p50 and p95 in ms."""
    kinds = {"all": scores} | {kind: [s for s in scores if s.hole.kind == kind] for kind in _kinds(scores)}
    if short := [s for s in scores if 0 < count_tokens(s.hole.gold) <= SHORT_TOKENS]:
        kinds[f"<= {SHORT_TOKENS} tokens"] = short
    return {
        kind: {
            "n": len(some),
            "first_line_match": 100 * statistics.fmean(s.is_first_line_match for s in some),
            "raw_first_line_match": _percent(
                [s.was_first_line_match for s in some if s.was_first_line_match is not None]
            ),
            "answered": 100 * statistics.fmean(bool(s.outcome.suggestions) for s in some),
            "shown_errors": _percent([s.is_error for s in some if s.outcome.suggestions]),
            "latency_p50_ms": statistics.median(s.latency_ms for s in some),
            "latency_p95_ms": statistics.quantiles((s.latency_ms for s in some), n=20)[-1]
            if len(some) > 1
            else some[0].latency_ms,
        }
        for kind, some in kinds.items()
    }


def _percent(values: list[bool]) -> float | None:
    return 100 * statistics.fmean(values) if values else None


def _kinds(scores: list[Score]) -> list[str]:
    return sorted({score.hole.kind for score in scores})
