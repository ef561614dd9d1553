"""The server: handlers that decode, call and encode. The only async module of fim-lsp."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from fim_lsp import __version__
from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.lsp import feedback, indexing, learning, loading, menu, notebooks, orphan, protocol, questions
from fim_lsp.lsp.documents import Document
from fim_lsp.lsp.excluding import Excluding
from fim_lsp.lsp.jsonrpc import FimProtocol
from fim_lsp.lsp.questions import MOVED_ON
from fim_lsp.lsp.requests import Requests
from fim_lsp.lsp.settings import ServerSettings, follow_client, watch
from fim_lsp.lsp.trace import Trace
from fim_lsp.lsp.wire import speak
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.router import models_of
from fim_lsp.settings import Config, Resolved

logger = logging.getLogger(__name__)


class FimServer(LanguageServer):
    """pygls' server with a completer, its request queue, the settings and the status it tells."""

    protocol: FimProtocol

    def __init__(self, completer: Completer, settings: ServerSettings, trace: Trace):
        super().__init__("fim-lsp", __version__, protocol_cls=FimProtocol, notebook_document_sync=notebooks.SYNC)
        self.completer, self.settings = completer, settings
        self.requests = Requests(completer, trace)
        self.status = loading.Status(self)
        self.requests.on_busy = self.status.busy
        self.requests.idle.on_unloaded = lambda reason: self.status.tell("ready", reason)
        self.indexing = indexing.Indexing(self, completer.workspace)
        self.feedback = feedback.Feedback(self)
        self.excluding = Excluding(self)
        self.learning = learning.Learning(self)
        self.tasks: set[asyncio.Task[None]] = set()

    def document(self, uri: str) -> Document | None:
        return self.protocol.documents.get(uri)

    def say(self, message: str, kind: lsp.MessageType) -> None:
        self.window_show_message(lsp.ShowMessageParams(kind, message))

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside the handlers, kept from the garbage collector."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def ask(self, method: str, snap: Snapshot, document: Document) -> Outcome:
        """Complete a snapshot, and soon the place behind it; empty when the document has moved on meanwhile."""
        outcome = await self.requests.answer(method, snap, document.sync_ms)
        if self.has_moved_on(document, snap):
            return MOVED_ON
        self.requests.idle.look_ahead(snap, outcome)
        return outcome

    def has_moved_on(self, document: Document, snap: Snapshot) -> bool:
        """True where an answer to a snapshot is about a text that the document no longer has, or may not show."""
        is_open = self.document(document.uri) is document
        return not is_open or document.version != snap.version or (bool(document.silence) and not snap.refusal)

    def configure(self, resolved: Resolved) -> None:
        """Use new settings and tell what was wrong with them; a changed model is loaded again."""
        for problem in self.settings.news(resolved):
            self.say(f"fim-lsp: {problem}", lsp.MessageType.Warning)
        before, now = self.settings.take(resolved), resolved.config
        if now != before:
            self.requests.idle.drop("the settings changed")
            self.requests.pool.submit(self.completer.configure, now)
            self.excluding.renew()
            self.indexing.configure(before, now)
            if now.learn != before.learn:
                self.start(self.learning.follow())
            if _loaded(now) != _loaded(before):
                self.start(loading.load(self))

    def look_again(self) -> None:
        """Follow what may have changed on the disk."""
        self.excluding.renew()
        self.indexing.soon()

    def report_server_error(self, error: Exception, source: Any) -> None:
        if not self.protocol.refuse_unreadable(error):
            logger.error("%s: %s", getattr(source, "__name__", source), error)


def _loaded(config: Config) -> tuple[object, ...]:
    """Return what decides which models are loaded."""
    return config.backend, config.adapter, models_of(config)


def make_server(completer: Completer, settings: ServerSettings, trace: Trace) -> FimServer:
    """Build a server with its handlers."""
    server = FimServer(completer, settings, trace)

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        resolved = server.settings.lay("initializationOptions", params.initialization_options)
        server.settings.take(resolved)
        server.completer.configure(resolved.config)
        server.completer.open(map(Path, server.protocol.roots()))
        server.excluding.renew()
        orphan.watch(params.process_id)
        text_document = params.capabilities.text_document
        has_inline = text_document is not None and text_document.inline_completion is not None
        if resolved.config.completion_fallback or not has_inline:
            server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", "("]))(
                completion
            )

    @server.feature(lsp.INITIALIZED)
    async def initialized(params: lsp.InitializedParams) -> None:
        server.configure(server.settings.resolve())  # tells what was wrong with the options
        loaded = server.start(loading.load(server))
        server.requests.idle.put_off()
        server.start(watch(server))
        await follow_client(server, None)
        server.excluding.renew()
        await loaded  # reading other files would take its processor time
        server.start(server.learning.follow())
        server.indexing.start()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        await follow_client(server, params.settings)

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        document = server.document(params.text_document.uri)
        if document and not server.excluding.look(document) and not document.refusal:
            server.indexing.opened(document)
            server.requests.idle.read(protocol.snapshot(document, lsp.Position(0, 0), manual=False))

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        if document := server.document(params.text_document.uri):
            server.indexing.edited(document)
            server.feedback.edited(document, params)
            if snap := protocol.typed_at(document, params):
                server.requests.idle.warm(snap)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        server.requests.close(params.text_document.uri)
        server.indexing.closed(params.text_document.uri)
        server.feedback.close(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def inline_completion(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        document = server.document(params.text_document.uri)
        if document is None:
            return lsp.InlineCompletionList([])
        snap, selected, replaced = protocol.inline_snapshot(document, params)
        outcome = await server.ask(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, snap, document)
        commands = server.feedback.offer(snap, outcome)
        return protocol.inline_items(outcome, document, selected, replaced, commands)

    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        document = server.document(params.text_document.uri)
        if document is None:
            return lsp.CompletionList(is_incomplete=False, items=[])
        by_hand = server.settings.config.trigger == "manual" and menu.is_asked(params)
        snap = replace(protocol.snapshot(document, params.position, manual=by_hand), terms=menu.terms(params))
        outcome = await server.ask(lsp.TEXT_DOCUMENT_COMPLETION, snap, document)
        commands = server.feedback.offer(snap, outcome)
        return menu.items(outcome, document, snap, menu.Indent.of(server.client_capabilities), commands)

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: None) -> None:
        server.requests.stop()
        server.indexing.stop()

    for part in (questions, indexing, feedback, notebooks):
        part.add_handlers(server)
    return server


def serve(completer: Completer, settings: ServerSettings, trace_file: Path | None, trace_text: bool) -> None:
    """Speak LSP over standard input and output until the client leaves, and exit as it said."""
    speak(make_server(completer, settings, Trace(trace_file, trace_text)))
