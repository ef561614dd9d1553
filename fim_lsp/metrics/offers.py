"""Suggestions that were handed to the editor, and what became of them; values and rules, no clock, no disk.

`return |`    offered: alpha + beta          one suggestion,
`return alp|` offered: ha + beta             however many keys are typed along it
`return alpha| + beta`                       five of its characters accepted: partly
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST = 256  # offers that are remembered


@dataclass(frozen=True)
class Offer:
    """The alternatives of one answer, of which the first is shown first."""

    id: str
    uri: str
    language: str
    backend: str
    offset: int  # where the texts would stand
    texts: tuple[str, ...]
    confidence: float | None = None  # of the first, where a model said it as a whole
    accepted: int = 0  # characters, by now

    def continued_by(self, text: str, offset: int, suggested: str) -> bool:
        """True when `suggested` at an offset of a text is what is left of this after typing along it."""
        typed = text[self.offset : offset]
        return offset >= self.offset and self.texts[0] == typed + suggested


class Offers:
    """The latest offers by id."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, Offer] = OrderedDict()

    def add(
        self,
        uri: str,
        language: str,
        backend: str,
        text: str,
        offset: int,
        texts: Sequence[str],
        confidence: float | None = None,
    ) -> Offer:
        """Return the offer that an answer makes, or goes on with."""
        older = next((one for one in reversed(self.known.values()) if one.uri == uri), None)
        if older and older.continued_by(text, offset, texts[0]):
            offer = replace(older, offset=offset, texts=tuple(texts))
        else:
            offer = Offer(os.urandom(8).hex(), uri, language, backend, offset, tuple(texts), confidence)
        self._keep(offer)
        return offer

    def get(self, offer_id: str) -> Offer | None:
        return self.known.get(offer_id)

    def take(self, offer: Offer, index: int, chars: int | None = None) -> tuple[Offer, str]:
        """Accept the first characters of an alternative, all of them unless told; return what is left, and the text."""
        text = offer.texts[index if 0 <= index < len(offer.texts) else 0]
        taken, left = (text, "") if chars is None else (text[: max(chars, 0)], text[max(chars, 0) :])
        rest = replace(offer, offset=offer.offset + len(taken), texts=(left,), accepted=offer.accepted + len(taken))
        self._keep(rest)
        return rest, taken

    def drop(self, uri: str) -> None:
        """Forget those of a document."""
        for offer_id in [one.id for one in self.known.values() if one.uri == uri]:
            del self.known[offer_id]

    def _keep(self, offer: Offer) -> None:
        self.known[offer.id] = offer
        self.known.move_to_end(offer.id)
        if len(self.known) > MOST:
            self.known.popitem(last=False)
