"""Accepted text, and where it stands while the document around it changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class PlacedText:
    """A text put at `start`; what it has become since lies before `end`."""

    text: str
    start: int
    end: int

    def move(self, start: int, end: int, length: int) -> None:
        """Follow a change that put `length` characters in the place of what was between two offsets.

        before it:  moved       behind it:  nothing       across it:  the place takes in what came
        """
        shift = length - (end - start)
        if end <= self.start:
            self.start, self.end = self.start + shift, self.end + shift
        elif start < self.end:
            self.start, self.end = min(self.start, start), max(self.end, end) + shift

    def stands_in(self, document: str) -> bool:
        """True while all of the text is in its place."""
        return self.text in document[self.start : self.end]
