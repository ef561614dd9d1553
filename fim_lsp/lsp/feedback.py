"""What becomes of suggestions, as the editor tells it and as the document shows it.

answer ──▶ offered: shown, unless the client tells of that itself
accepted ──▶ the text has a place ──30 s──120 s──300 s──▶ kept?

Told by `item.command`, which editors run on accepting, and by textDocument/didShowCompletion {item} and
textDocument/didPartiallyAcceptCompletion {item, acceptedLength}: UTF-16 units of the item's insertText, from its start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.lsp.documents import Document, chars_to_units, units_to_chars
from fim_lsp.lsp.protocol import TYPED_MOST
from fim_lsp.metrics.events import KEPT_AFTER_S, Accepted, Event, KeptAfter, Shown, Typed
from fim_lsp.metrics.offers import Offer, Offers
from fim_lsp.metrics.placed import PlacedText
from fim_lsp.metrics.writer import MetricsWriter

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

logger = logging.getLogger(__name__)

ACCEPTED = "fimLsp.accepted"  # the command of an item
DID_SHOW = "textDocument/didShowCompletion"
DID_PARTIALLY_ACCEPT = "textDocument/didPartiallyAcceptCompletion"
SECOND_S = 1.0
UNITS = lsp.PositionEncodingKind.Utf16


class Feedback:
    """Turn what is told into events; used on the event loop."""

    def __init__(self, server: FimServer):
        self.server = server
        self.offers, self.writer = Offers(), MetricsWriter()
        self.placed: dict[str, PlacedText] = {}  # by the offer's id
        self.client_tells_shown = False

    def put(self, event: Event) -> None:
        if self.server.settings.config.metrics:
            self.writer.put(event)

    def offer(self, snap: Snapshot, outcome: Outcome) -> list[lsp.Command]:
        """Remember an answer; return the command of each of its items."""
        if not outcome.suggestions:
            return []
        texts = [suggestion.text.replace("\n", snap.eol) for suggestion in outcome.suggestions]
        first = outcome.suggestions[0]
        sure = first.confidence if first.finish == "stop" else None
        here = snap.text[snap.origin :], snap.offset - snap.origin
        offer = self.offers.add(snap.uri, snap.language, outcome.backend, *here, texts, sure)
        if not self.client_tells_shown:
            self.shown(offer)
        return [lsp.Command("accepted", ACCEPTED, arguments=[offer.id, index]) for index in range(len(texts))]

    def shown(self, offer: Offer) -> None:
        """Count an offer; one that is counted already stays as it is."""
        chars = len(offer.texts[0])
        self.put(Shown(offer.id, time.time(), offer.language, offer.backend, chars, offer.confidence))

    def accepted(self, offer: Offer, index: int, chars: int | None = None) -> None:
        """Count characters as taken, and ask later whether they were kept."""
        left, taken = self.offers.take(offer, index, chars)
        if not taken:
            return
        self.put(Accepted(left.id, left.accepted, not left.texts[0]))
        if len(taken) > TYPED_MOST:
            self.put(Typed(date.today().isoformat(), offer.language, len(taken)))  # too long for a key, see `edited`
        document = self.server.document(offer.uri)
        if document is None or not self.server.settings.config.metrics:
            return
        before = self.placed.get(offer.id)
        start = before.start if before else offer.offset
        text = before.text + taken if before else taken
        if not document.text.startswith(text, start):
            return  # put elsewhere or as something else: nothing is known of its keeping
        if before:
            before.text, before.end = text, start + len(text)
            return
        self.placed[offer.id] = placed = PlacedText(text, start, start + len(text))
        document.placed.append(placed)
        loop = asyncio.get_running_loop()
        for after_s in KEPT_AFTER_S:
            loop.call_later(after_s * SECOND_S, self._look, offer.id, document, placed, after_s)

    def _look(self, offer_id: str, document: Document, placed: PlacedText, after_s: int) -> None:
        """Count what was taken as kept or not; of a document that was closed meanwhile nothing is known."""
        if self.server.document(document.uri) is document and not document.silence:
            self.put(KeptAfter(offer_id, after_s, placed.stands_in(document.text)))
        if after_s == KEPT_AFTER_S[-1]:
            document.placed.remove(placed)
            self.placed.pop(offer_id, None)

    def edited(self, document: Document, params: lsp.DidChangeTextDocumentParams) -> None:
        """Count the characters of an edit that may be a key or a suggestion."""
        if len(params.content_changes) != 1 or document.silence:
            return
        change = params.content_changes[0]
        if isinstance(change, lsp.TextDocumentContentChangePartial) and 0 < len(change.text) <= TYPED_MOST:
            self.put(Typed(date.today().isoformat(), document.language, len(change.text)))

    def of_item(self, item: Any) -> tuple[Offer, int] | None:
        """Return the offer that an item of ours names."""
        command = item.get("command") if isinstance(item, Mapping) else None
        arguments = command.get("arguments") if isinstance(command, Mapping) else None
        return self.of_arguments(*arguments) if isinstance(arguments, list) else None

    def of_arguments(self, offer_id: Any = None, index: Any = 0, *_: Any) -> tuple[Offer, int] | None:
        offer = self.offers.get(offer_id) if isinstance(offer_id, str) else None
        return (offer, index) if offer and isinstance(index, int) else None

    def partly_accepted(self, item: Mapping[str, Any], accepted_units: int) -> None:
        """Count the beginning of an item as taken, less what was typed or taken of it before."""
        text = item.get("insertText")
        if (found := self.of_item(item)) is None or not isinstance(text, str):
            return
        offer, index = found
        chars = units_to_chars(text, min(accepted_units, chars_to_units(text, UNITS)), UNITS)
        left = len(offer.texts[index if 0 <= index < len(offer.texts) else 0])
        self.accepted(offer, index, chars - (len(text) - left))

    def close(self, uri: str) -> None:
        self.offers.drop(uri)


def add_handlers(server: FimServer) -> None:
    """Have the server hear what becomes of its suggestions."""

    @server.command(ACCEPTED)
    def accepted(*arguments: Any) -> None:
        if found := server.feedback.of_arguments(*arguments):
            server.feedback.accepted(*found)

    @server.feature(DID_SHOW)
    def did_show(params: Any) -> None:
        found = server.feedback.of_item(params.get("item")) if isinstance(params, Mapping) else None
        if found:
            server.feedback.client_tells_shown = True
            server.feedback.shown(found[0])

    @server.feature(DID_PARTIALLY_ACCEPT)
    def did_partially_accept(params: Any) -> None:
        if isinstance(params, Mapping) and isinstance(units := params.get("acceptedLength"), int):
            item = params.get("item")
            server.feedback.partly_accepted(item if isinstance(item, Mapping) else {}, units)
