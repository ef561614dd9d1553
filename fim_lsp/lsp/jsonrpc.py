"""The wire protocol where pygls is too strict or too silent: every request id gets exactly one answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage, RPCMessage
from pygls.protocol.language_server import lsp_method

from fim_lsp.domain import path_within
from fim_lsp.lsp import lenient
from fim_lsp.lsp.documents import LOST, Document, Documents
from fim_lsp.lsp.notebooks import Notebooks
from fim_lsp.lsp.uris import fs_path

logger = logging.getLogger(__name__)

DROPPED = object()  # a message that was already answered, or that cannot be


class FimProtocol(LanguageServerProtocol):
    """pygls' protocol with documents of our own and an answer to what cannot be read."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.documents = Documents()
        self.notebooks = Notebooks(self.documents)
        self.initialize_seen = False
        self.exit_code: int | None = None  # None until the client says `exit`
        self.legacy_kinds = False  # the client counts trigger kinds from 0, as before LSP 3.18 was settled

    # -- reading ------------------------------------------------------------------------------------------

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Leave an object as it is: pygls asks this of every one within a message, and takes some for messages."""
        return data

    def handle_message(self, message: RPCMessage | object) -> None:
        """Pass a readable message on; answer one that is no JSON-RPC at all."""
        if not isinstance(message, dict) or "jsonrpc" not in message:
            msg_id = message.get("id") if isinstance(message, dict) else None
            self._refuse(msg_id, lsp.ErrorCodes.InvalidRequest, "not a JSON-RPC 2.0 message")
        elif (readable := self._read(message)) is not DROPPED:
            super().handle_message(readable)

    def _read(self, data: dict[str, Any]) -> Any:
        """Turn JSON into a message; what cannot be read is answered here (JSON-RPC 2.0, section 5.1)."""
        method, msg_id = data.get("method"), data.get("id")
        if "method" in data and not isinstance(method, str):
            return self._refuse(msg_id, lsp.ErrorCodes.InvalidRequest, "method must be a string")
        lenient.put_right(method, data.get("params"))
        if method is None:
            return self._structure(data, None)
        is_foreign = (
            self.get_message_type(method) is None
        )  # a method of our own, or of nobody's: params stay plain JSON
        if "id" not in data:
            plain = JsonRPCNotification(method=method, jsonrpc=data["jsonrpc"], params=data.get("params"))
            return plain if is_foreign else self._structure(data, None)
        if isinstance(msg_id, bool) or not isinstance(msg_id, int | str):
            return self._refuse(None, lsp.ErrorCodes.InvalidRequest, "id must be a number or a string")
        if data["jsonrpc"] != "2.0":
            return self._refuse(msg_id, lsp.ErrorCodes.InvalidRequest, 'jsonrpc must be "2.0"')
        if self._shutdown:
            return self._refuse(msg_id, lsp.ErrorCodes.InvalidRequest, "the server has been shut down")
        if not self.initialize_seen and method != lsp.INITIALIZE:
            return self._refuse(msg_id, lsp.ErrorCodes.ServerNotInitialized, "initialize comes first")
        self.initialize_seen = True
        if method == lsp.TEXT_DOCUMENT_INLINE_COMPLETION:
            self._normalise_kind(data.get("params"))
        if is_foreign:
            return JsonRPCRequestMessage(id=msg_id, method=method, jsonrpc="2.0", params=data.get("params"))
        return self._structure(data, msg_id)

    def _structure(self, data: dict[str, Any], msg_id: int | str | None) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException:
            if msg_id is None:
                logger.warning("ignored a message that cannot be read: %s", data.get("method"))
                self._lose(data)
                return DROPPED
            return self._refuse(msg_id, lsp.ErrorCodes.InvalidParams, f"params of {data['method']} cannot be read")

    def _lose(self, data: dict[str, Any]) -> None:
        """Refuse a document whose edit was not understood, rather than complete in a text that is not the client's."""
        try:
            if data["method"] == lsp.NOTEBOOK_DOCUMENT_DID_CHANGE:
                self.notebooks.lose(data["params"]["notebookDocument"]["uri"])
            document = self.documents.get(data["params"]["textDocument"]["uri"])
        except (KeyError, TypeError):
            return
        if document and data["method"] == lsp.TEXT_DOCUMENT_DID_CHANGE:
            document.refuse(LOST)

    def _normalise_kind(self, params: Any) -> None:
        """Give a request its trigger kind in today's numbers: 1 invoked, 2 automatic."""
        if not isinstance(params, dict):
            return
        context = params.get("context")
        if not isinstance(context, dict):
            params["context"] = context = {}
        kind = context.get("triggerKind")
        if kind == 0:
            self.legacy_kinds = True
        if self.legacy_kinds and kind in (0, 1):
            context["triggerKind"] = kind + 1
        elif kind not in (1, 2):
            context["triggerKind"] = 2

    def _refuse(self, msg_id: Any, code: lsp.ErrorCodes, message: str) -> object:
        known = msg_id if isinstance(msg_id, int | str) and not isinstance(msg_id, bool) else None
        self._send_response(known, error=lsp.ResponseError(code=code, message=message))  # type: ignore[arg-type]
        return DROPPED

    def refuse_unreadable(self, problem: Exception) -> bool:
        """Answer a body that is not JSON, with the null id it cannot have; False when that was not the trouble."""
        if not isinstance(problem, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
            return False
        self._refuse(None, lsp.ErrorCodes.ParseError, "the message is not JSON")
        return True

    def _execute_handler(self, msg_id: int | str, *args: Any, **kwargs: Any) -> None:
        """Call a handler, and forget its future once it is done: pygls 2.1 keeps those of notifications for ever."""
        super()._execute_handler(msg_id, *args, **kwargs)
        if (future := self._request_futures.get(msg_id)) is not None:
            loop = asyncio.get_running_loop()  # later: `shutdown` cancels them in a walk over all
            future.add_done_callback(lambda done: loop.call_soon(self._request_futures.pop, msg_id, None))

    def _run_generator(self, future: Any, *, gen: Any, result_future: Any) -> None:
        """Go on with a handler, or end with what it waits for: pygls 2.1 would leave it unanswered."""
        if future is not None and future.cancelled():
            gen.close()
            result_future.cancel()
            return
        super()._run_generator(future, gen=gen, result_future=result_future)

    def _handle_response(self, msg_id: int | str, result: Any = None, error: lsp.ResponseError | None = None) -> None:
        """Take an answer to what was asked of the client; one to what the client asks itself is passed over."""
        if isinstance(self._request_futures.get(msg_id), asyncio.Future):  # a request of the client's that runs
            logger.warning("ignored an answer to the client's own request %r", msg_id)
            return
        super()._handle_response(msg_id, result, error)

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *args: Any) -> Any:
        """Leave with the code that the spec gives, which pygls 2.1 swallows on standard input and output."""
        self.exit_code = 0 if self._shutdown else 1
        raise SystemExit(self.exit_code)

    # -- documents ----------------------------------------------------------------------------------------

    def encoding(self) -> str:
        return self.server_capabilities.position_encoding or lsp.PositionEncodingKind.Utf16

    @lsp_method(lsp.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: lsp.DidOpenTextDocumentParams) -> Iterator[Any]:
        item = params.text_document
        path = self.path(item.uri)
        self.documents.put(Document(item.uri, str(item.language_id), item.version, item.text, self.encoding(), path))
        yield from self._call(lsp.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: lsp.DidChangeTextDocumentParams) -> Iterator[Any]:
        changes = ((getattr(change, "range", None), change.text) for change in params.content_changes)
        self.documents.change(params.text_document.uri, params.text_document.version, changes)
        yield from self._call(lsp.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: lsp.DidCloseTextDocumentParams) -> Iterator[Any]:
        self.documents.drop(params.text_document.uri)
        yield from self._call(lsp.TEXT_DOCUMENT_DID_CLOSE, params)

    @lsp_method(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def lsp_notebook_document__did_open(self, params: lsp.DidOpenNotebookDocumentParams) -> Iterator[Any]:
        self.notebooks.put(params, self.path(params.notebook_document.uri), self.encoding())
        yield from self._call(lsp.NOTEBOOK_DOCUMENT_DID_OPEN, params)

    @lsp_method(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(self, params: lsp.DidChangeNotebookDocumentParams) -> Iterator[Any]:
        self.notebooks.change(params, self.encoding())
        yield from self._call(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE, params)

    @lsp_method(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def lsp_notebook_document__did_close(self, params: lsp.DidCloseNotebookDocumentParams) -> Iterator[Any]:
        self.notebooks.drop(params)
        yield from self._call(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE, params)

    def roots(self) -> list[str]:
        """Return the folders that the client has open."""
        uris = [folder.uri for folder in self.workspace.folders.values()] or [self.workspace.root_uri]
        return [root for uri in uris if uri and (root := fs_path(uri))]

    def path(self, uri: str) -> str:
        """Return a document's path as its workspace names it; "" for one that is no file."""
        path = fs_path(uri) if uri.startswith("file:") else None
        return path_within(PurePath(path), map(PurePath, self.roots())) if path else ""

    def _call(self, method: str, params: Any) -> Iterator[Any]:
        """Yield the server's handler of a method, if it has one, for pygls to call."""
        if (handler := self.fm.features.get(method)) is not None:
            yield handler, (params,), None
