"""The rule of `auto`: which family goes first at a place, and when it cascades to the other.

What it goes by is known before decoding: the kind of cursor place, how often each family was right there, and what
each would cost here and now. The rates, the latency penalty and the limits are fitted (`fim-lsp router fit`, the
table `routing` of a model's config.json), none chosen by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from fim_lsp.checkpoints.fields import Table, measured
from fim_lsp.domain import Choice, FimRequest, is_word

CURSOR_KINDS = (
    "string",
    "comment",
    "empty block",
    "before a closer",
    "before text",
    "blank line",
    "after a name",
    "end of line",
    "several holes",
)

FORMER = {"price": "latency_penalty", "hand_over": "cascade_below"}  # as earlier models' config.json say
LEAST_MS, MOST = 1e-6, 1e6  # what is nearer to zero or further from it was not measured
LEAST = {"token_ms": LEAST_MS, "step_ms": LEAST_MS, "latency_penalty": 0.0, "cascade_below": 0.0}


@dataclass(frozen=True)
class RoutingTable:
    """What was measured of a family: first-line matches (0..1) and steps by kind of place, and the fitted limits."""

    hits: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    token_ms: float = 1.0  # of a token read, before this machine has been measured
    step_ms: float = 20.0  # of a token decoded, or a pass
    latency_penalty: float = 0.0  # share of an answer's worth that a second costs, below 1
    cascade_below: float = 0.0  # an answer less likely than this is worth asking the other family

    @classmethod
    def read(cls, folder: Path) -> RoutingTable | None:
        """Read the table of a folder's config.json, names of earlier releases too; None without one.

        Raises ModelCorrupt.
        """
        found = measured(folder, "routing")
        table = Table({FORMER.get(name, name): value for name, value in found.raw.items()}, found.where)
        if table.raw.keys().isdisjoint(one.name for one in fields(cls)):
            return None
        usual = cls()
        numbers = {name: table.number(name, least, MOST, getattr(usual, name)) for name, least in LEAST.items()}
        return cls(table.numbers("hits", MOST), table.numbers("steps", MOST), **numbers)


@dataclass(frozen=True)
class Candidate:
    """What a family offers at a place: how often it is right there, None where that was not measured, and how soon."""

    family: str
    hits: float | None
    expected_ms: float

    def worth(self, latency_penalty: float, left_ms: float) -> float:
        """Exact matches expected, less what each second takes of them: late and right beats soon and wrong.

        Who cannot read all in the time that is left reads so much less, and is right so much less often.
        """
        spent_ms = max(min(self.expected_ms, left_ms), 0.0)
        read = spent_ms / self.expected_ms if self.expected_ms else 1.0
        return float((self.hits or 0.0) * read * (1 - latency_penalty) ** (spent_ms / 1e3))

    def __str__(self) -> str:
        rate = "unrated" if self.hits is None else f"{self.hits:.0%} right"
        return f"{self.family} {rate} in {self.expected_ms:.0f} ms"


def kind_of_cursor(request: FimRequest, zone: str) -> str:
    """Return the kind of cursor place in the words of CURSOR_KINDS; `zone` is the tree's: code, string or comment."""
    if len(request.segments) > 2:
        return "several holes"
    if zone != "code":
        return zone
    if request.limits.multiline:
        return "empty block"
    left, right = request.segments[0].rpartition("\n")[2], request.segments[1].partition("\n")[0].strip()
    if right:
        return "before a closer" if right[0] in ")]}" else "before text"
    if not left.strip():
        return "blank line"
    return "after a name" if is_word(left[-1], "_.") else "end of line"


def decide(cursor_kind: str, candidates: Sequence[Candidate], latency_penalty: float, left_ms: float) -> Choice:
    """Return the candidate worth most.

    hits  0.24 at 600 ms, 0.20 at 200 ms, a second costing half:  0.24 · 0.66 = 0.16 < 0.20 · 0.87 = 0.17
    """
    in_time = [candidate for candidate in candidates if candidate.expected_ms <= left_ms]
    left = f"{left_ms:.0f} ms are left"
    if any(candidate.hits is None for candidate in candidates):
        best = (in_time or sorted(candidates, key=lambda candidate: candidate.expected_ms))[0]
        rule = "the first named, for want of rates" if in_time else f"the quicker, {left}"
    else:
        best = max(candidates, key=lambda candidate: candidate.worth(latency_penalty, left_ms))
        rule = f"worth more, a second costing {latency_penalty:.0%}" + (f", {left}" if best not in in_time else "")
    if best in in_time and len(in_time) < len(candidates):
        rule = f"in time, {left}"
    others = "; ".join(str(candidate) for candidate in candidates if candidate is not best)
    why = f"auto, {cursor_kind}: {best}, {rule}; {others}"
    return Choice(best.family, why, {one.family: round(one.expected_ms, 1) for one in candidates}, cursor_kind)


def cascades(confidence: float, limit: float) -> bool:
    """True when the first family's answer is so unlikely, nothing at all counting as 0, that the other's is worth
    its time; a limit of 0 says that it never is."""
    return max(confidence, 0.0) < limit
