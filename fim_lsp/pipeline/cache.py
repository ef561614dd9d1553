"""Suggestions already made: typing what was suggested is answered without a model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from fim_lsp.domain import Outcome, Snapshot

TYPED_MOST = 200  # characters typed along a suggestion


@dataclass(frozen=True)
class _Entry:
    snap: Snapshot
    outcome: Outcome


class Cache:
    """The latest outcomes; prefix and suffix must both agree for one to be used again."""

    def __init__(self, most: int = 32, most_chars: int = 8_000_000):
        self.most, self.most_chars = most, most_chars
        self.entries: OrderedDict[tuple[str, int, bool], _Entry] = OrderedDict()

    def find(self, snap: Snapshot) -> Outcome | None:
        """Return the remainder of a suggestion that the user is typing, or the outcome of this very place."""
        for entry in reversed(list(self.entries.values())):
            if (outcome := _rest(entry, snap)) is not None:
                return outcome
        return None

    def remember(self, snap: Snapshot, outcome: Outcome) -> Outcome:
        """Keep an outcome for as long as newer ones leave room, and return it."""
        key = (snap.uri, hash(snap.text[: snap.offset]), snap.manual)
        self.entries[key] = _Entry(snap, outcome)
        self.entries.move_to_end(key)
        while len(self.entries) > self.most or (
            len(self.entries) > 1 and sum(len(e.snap.text) for e in self.entries.values()) > self.most_chars
        ):
            self.entries.popitem(last=False)
        return outcome

    def clear(self) -> None:
        self.entries.clear()


def _rest(entry: _Entry, snap: Snapshot) -> Outcome | None:
    old = entry.snap
    typed = snap.offset - old.offset
    if old.uri != snap.uri or not 0 <= typed <= TYPED_MOST or (snap.manual and not old.manual):
        return None
    if len(old.text) - old.offset != len(snap.text) - snap.offset:
        return None
    said = snap.text[old.offset : snap.offset].replace("\r\n", "\n")
    if typed and not any(s.text.startswith(said) and len(s.text) > len(said) for s in entry.outcome.suggestions):
        return None
    if not snap.text.startswith(old.text[: old.offset]) or not snap.text.endswith(old.text[old.offset :]):
        return None
    kept = tuple(
        s.with_text(s.text[len(said) :])
        for s in entry.outcome.suggestions
        if s.text.startswith(said) and len(s.text) > len(said)
    )
    kept = kept if snap.manual else kept[:1]
    return replace(entry.outcome, suggestions=kept, why="typed along" if typed else "cache", timings={}, tokens={})
