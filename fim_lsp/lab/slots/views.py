"""Views of a row: canvases in which some of the middle is known, as passes of the decoding will find them.

context … <middle> | ret urn ▢ ▢ ▢ ▢      slot j takes in the token of slot j - 1 and says token j
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from fim_lsp.nn.slots import UNKNOWN

SIZES = (4, 8, 8, 8, 16, 16, 16, 24, 32)
ONLY_FIRST, LEFT = 0.5, 0.2  # shares of views that know the first token, which the decoder said, or more from the left
AFTER_END = 0.05  # weight of a slot behind the end of the span


class ViewRow(NamedTuple):
    """A prompt up to and with its middle sentinel, and what the decoder says to it."""

    context: list[int]
    middle: list[int]


@dataclass
class Views:
    """Slots of several rows one after another."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    spans: list[tuple[int, int, int]] = field(default_factory=list)  # first slot, end, row
    places: list[int] = field(default_factory=list)  # slots that are scored
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)  # which slot of its canvas each place is

    def add(self, row: ViewRow, number: int, size: int, known: list[bool], end: int) -> None:
        """Append a canvas of `size` slots of a row; `known` says of each token whether it stands."""
        middle = [*row.middle, end][:size]
        middle += [end] * (size - len(middle))
        length = min(len(row.middle) + 1, size)
        first, start = len(self.ids), len(row.context) - 1
        self.ids += [
            row.context[-1],
            *(token if is_known else UNKNOWN for token, is_known in zip(middle[:-1], known, strict=False)),
        ]
        self.positions += range(start, start + size)
        self.spans.append((first, first + size, number))
        for at in (at for at in range(size) if not known[at]):
            self.places.append(first + at)
            self.targets.append(middle[at])
            self.weights.append(1.0 if at < length else AFTER_END)
            self.orders.append(at)


def draw(rows: list[ViewRow], slots: int, end: int, rng: random.Random) -> Views:
    """Draw views of all rows in turn until `slots` are full."""
    views = Views()
    while True:
        for number in rng.sample(range(len(rows)), len(rows)):
            size = rng.choice(SIZES)
            if len(views.ids) + size > slots:
                return views
            views.add(rows[number], number, size, _known(len(rows[number].middle) + 1, size, rng), end)


def _known(length: int, size: int, rng: random.Random) -> list[bool]:
    kind, length = rng.random(), min(length, size)
    if kind < ONLY_FIRST or length < 3:
        return [at == 0 for at in range(size)]
    if kind < ONLY_FIRST + LEFT:
        left = rng.randint(1, length - 1)
        return [at < left for at in range(size)]
    hidden = rng.uniform(0.1, 0.9)
    return [at == 0 or rng.random() > hidden for at in range(size)]
