"""Suggestions already made: typing what was suggested, or might have been, is answered without a model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from fim_lsp.domain import Outcome, Snapshot, Suggestion

TYPED_MOST = 200  # characters typed along a suggestion
CLOSERS, CLOSERS_MOST = ")]}\"'`", 3  # what an editor closes by itself, and lets a person type over


@dataclass(frozen=True)
class _Entry:
    snap: Snapshot
    outcome: Outcome
    edition: int  # of the other files that the model was shown parts of
    alternatives: tuple[Suggestion, ...] = ()  # what is not shown here, but once its first character is typed


class Cache:
    """The latest outcomes; prefix and suffix must both agree for one to be used again."""

    def __init__(self, most: int = 32, most_chars: int = 8_000_000):
        self.most, self.most_chars = most, most_chars
        self.entries: OrderedDict[tuple[str, int, bool], _Entry] = OrderedDict()

    def find(self, snap: Snapshot, edition: int = 0) -> Outcome | None:
        """Return the remainder of a suggestion that the user is typing, or the outcome of this very place.

        What was suggested before other files changed may be out of date: it counts no more.
        """
        for entry in reversed(list(self.entries.values())):
            if entry.edition == edition and (outcome := _rest(entry, snap)) is not None:
                return outcome
        return None

    def remember(
        self, snap: Snapshot, outcome: Outcome, alternatives: tuple[Suggestion, ...] = (), edition: int = 0
    ) -> Outcome:
        """Keep an outcome, and what else may be typed here, while newer ones leave room; returns the outcome."""
        key = (snap.uri, hash(snap.text[: snap.offset]), snap.manual)
        self.entries[key] = _Entry(snap, outcome, edition, alternatives)
        self.entries.move_to_end(key)
        while len(self.entries) > self.most or (
            len(self.entries) > 1 and sum(len(e.snap.text) for e in self.entries.values()) > self.most_chars
        ):
            self.entries.popitem(last=False)
        return outcome

    def drop(self, uri: str) -> None:
        """Forget a document."""
        for key in [key for key in list(self.entries) if key[0] == uri]:
            self.entries.pop(key, None)

    def clear(self) -> None:
        self.entries.clear()


def _rest(entry: _Entry, snap: Snapshot) -> Outcome | None:
    old = entry.snap
    typed = snap.offset - old.offset
    if old.uri != snap.uri or not 0 <= typed <= TYPED_MOST or (snap.manual and not old.manual):
        return None
    grown = (len(snap.text) - snap.offset) - (len(old.text) - old.offset)
    if not -CLOSERS_MOST <= grown <= CLOSERS_MOST or (grown and not typed):
        return None
    closers = snap.text[snap.offset : snap.offset + max(grown, 0)]
    said = snap.text[old.offset : snap.offset].replace("\r\n", "\n")
    known = entry.outcome.suggestions + (entry.alternatives if typed else ())
    kept = tuple(rest for s in known if (rest := _left(s, said, closers, grown)))
    if typed and not kept:
        return None
    same_after = snap.text.endswith(old.text[old.offset + max(-grown, 0) :])
    if not same_after or not snap.text.startswith(old.text[: old.offset]):
        return None
    kept = kept if snap.manual else kept[:1]
    return replace(entry.outcome, suggestions=kept, why="typed along" if typed else "cache", timings={}, tokens={})


def _left(suggestion: Suggestion, said: str, closers: str, grown: int) -> Suggestion | None:
    """Return what is left of a suggestion once `said` is typed; None where they differ or nothing is left.

    print║      ├(name)┤    `(` is typed and the editor closes it: ├name)┤ covers one character more
    print(║)    ├name)┤    `name)` is typed, over the bracket that stands there: it covers one less
    """
    left = suggestion.text[len(said) :]
    if not left or not suggestion.text.startswith(said) or suggestion.replaces + grown < 0:
        return None
    unsaid = iter(left)
    if any(char not in CLOSERS or char not in unsaid for char in closers):  # each after the one before
        return None
    return replace(suggestion.with_text(left), replaces=suggestion.replaces + grown)
