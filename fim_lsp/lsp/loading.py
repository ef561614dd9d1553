"""Bring the model up behind the handshake, with progress, and say in one message what went wrong."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fim_lsp.errors import ModelError
from fim_lsp.lsp import progress

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

logger = logging.getLogger(__name__)

STATUS = "fimLsp/status"


class Status:
    """The server's state as the client was last told."""

    def __init__(self, server: FimServer):
        self.server = server
        self.last_status: dict[str, Any] = {}

    def tell(self, state: str, reason: str = "", backend: str = "") -> None:
        """Send `fimLsp/status` {state: loading|ready|busy|error, reason, backend, lastMs} when it changed."""
        now = {
            "state": state,
            "reason": reason,
            "backend": backend or self.last_status.get("backend", ""),
            "lastMs": self.server.requests.last_ms,
        }
        if now != self.last_status:
            self.last_status = now
            self.server.protocol.notify(STATUS, now)

    def busy(self, busy: bool) -> None:
        """Switch between ready and busy; loading and error stand until the model has spoken."""
        if self.last_status.get("state") in ("ready", "busy"):
            self.tell("busy" if busy else "ready")


async def load(server: FimServer) -> None:
    """Load the model in the decode thread; requests queue behind it."""
    server.status.tell("loading", "the model is being loaded")
    work = asyncio.get_running_loop().run_in_executor(server.requests.pool, server.completer.warm_up)
    token = await progress.begin(server, "loading the model")
    try:
        backend, _ = await work
    except ModelError as problem:
        server.status.tell("error", str(problem))
        server.say(f"fim-lsp: {problem}", lsp.MessageType.Error)
        progress.end(server, token, "no model")
    except Exception as problem:
        logger.exception("loading failed")
        server.status.tell("error", f"loading the model failed: {problem!r}")
        server.say(
            f"fim-lsp: loading the model failed: {problem!r}; `fim-lsp doctor` tells more", lsp.MessageType.Error
        )
        progress.end(server, token, "failed")
    else:
        server.status.tell("ready", backend=backend)
        for family, fault in server.completer.router.loader.failed.items():
            server.say(f"fim-lsp: {family} cannot be loaded, {backend} answers alone: {fault}", lsp.MessageType.Warning)
        progress.end(server, token, "ready")


async def follow(server: FimServer) -> None:
    """Take what was learnt of the folders that are open now, and load the model with it."""
    folders = [Path(root) for root in server.protocol.roots()]
    opened = asyncio.get_running_loop().run_in_executor(server.requests.pool, server.completer.open, folders)
    try:
        if await opened:
            await load(server)
    except RuntimeError:  # the server is shutting down
        return
