"""The requests of our own: why this answer, and what both families say here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from fim_lsp.domain import Outcome
from fim_lsp.lsp import protocol
from fim_lsp.lsp.requests import COMPARE
from fim_lsp.pipeline.compare_at_cursor import Comparison

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

MOVED_ON = Outcome(reason="the document changed before the answer came")
NOT_OPEN = Outcome(reason="the document is not open")


def _cursor_of(params: Any) -> tuple[str, lsp.Position]:
    try:
        return protocol.cursor_of(params)
    except ValueError as problem:
        raise JsonRpcInvalidParams(str(problem)) from None


def add_handlers(server: FimServer) -> None:
    """Have the server answer them."""

    @server.feature("fimLsp/explain")
    def explain(params: Any) -> dict[str, Any]:
        if not params:
            return protocol.explanation(server.requests.latest() or Outcome(reason="no completion was requested yet"))
        uri, position = _cursor_of(params)
        document = server.document(uri)
        if document is None:
            return protocol.explanation(NOT_OPEN)
        known = server.requests.explain(uri, document.offset(position))
        return protocol.explanation(known or Outcome(reason="no completion was requested here"))

    @server.feature(COMPARE)
    async def compare(params: Any) -> dict[str, Any]:
        uri, position = _cursor_of(params)
        document = server.document(uri)
        if document is None:
            return protocol.comparison(Comparison(reason=NOT_OPEN.reason))
        snap = protocol.snapshot(document, position, manual=True)
        found = await server.requests.compare(snap)
        if server.has_moved_on(document, snap):
            found = Comparison(reason=MOVED_ON.reason)
        here = lsp.Range(position, position)
        return protocol.comparison(found, lambda suggestion: protocol.inline_item(suggestion, document, here))
