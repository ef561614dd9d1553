"""One place, every contender: what each suggests there, how sure it is and where its time went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fim_lsp.compare import trials
from fim_lsp.compare.contenders import Contender
from fim_lsp.domain import Outcome, Snapshot


@dataclass(frozen=True)
class ContenderAnswer:
    """A contender's answer from cold, and how long it took then and one keystroke after another request."""

    name: str
    family: str
    outcome: Outcome
    cold_ms: float
    warm_ms: float | None  # None where it was not asked for, or nothing is kept: then every request is a cold one

    def record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        text = self.outcome.suggestions[0].text if self.outcome.suggestions else ""
        return {**asdict(self), "text": text}


def ask(snap: Snapshot, contenders: Sequence[Contender]) -> list[ContenderAnswer]:
    """Ask every contender, after one warm-up each."""
    for one in contenders:
        one.completer.warm_up()
    return [ask_one(snap, one) for one in contenders]


def ask_one(snap: Snapshot, one: Contender, is_warm_wanted: bool = True) -> ContenderAnswer:
    """Ask a contender from cold and, where it keeps anything, as one keystroke after another request."""
    outcome, cold_ms, _ = trials.ask(one, snap, "cold")
    warm_ms = round(trials.ask(one, snap, "warm")[1], 2) if one.has_prefix_cache and is_warm_wanted else None
    return ContenderAnswer(one.name, one.family, outcome, round(cold_ms, 2), warm_ms)
