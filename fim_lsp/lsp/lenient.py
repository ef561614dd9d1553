"""What clients send that is not quite LSP, put right while it is plain JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsprotocol import types as lsp

from fim_lsp.lsp.uris import one_uri

VERSIONED = (lsp.TEXT_DOCUMENT_DID_OPEN, lsp.TEXT_DOCUMENT_DID_CHANGE)
UNREADABLE = None  # among changes: fails as a whole, where a text that is none would become one


def put_right(method: str | None, params: Any) -> None:
    """Give a document its one URI, a version where the client has none, and changes of the whole text no range."""
    for edit in _cell_edits(params):
        edit["changes"] = [_change(change) for change in edit["changes"]]
        if type(edit["document"].get("version")) is not int:
            edit["document"]["version"] = 0
    document = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(document, dict):
        return
    if isinstance(document.get("uri"), str):
        document["uri"] = one_uri(document["uri"])
    if method in VERSIONED and type(document.get("version")) is not int:
        document["version"] = 0
    if isinstance(changes := params.get("contentChanges"), list):
        params["contentChanges"] = [_change(change) for change in changes]


def _change(change: Any) -> Any:
    if not isinstance(change, dict) or not isinstance(change.get("text"), str):
        return UNREADABLE
    return {name: value for name, value in change.items() if value is not None}


def _cell_edits(params: Any) -> Iterator[dict[str, Any]]:
    """Yield the edits of a notebook's cells that look like some."""
    for name in ("change", "cells", "textContent"):
        params = params.get(name) if isinstance(params, dict) else None
    for edit in params if isinstance(params, list) else ():
        if isinstance(edit, dict) and isinstance(edit.get("document"), dict) and isinstance(edit.get("changes"), list):
            yield edit
