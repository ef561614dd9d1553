"""Progress as the client shows it; a client that shows none costs nothing."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

logger = logging.getLogger(__name__)

PATIENCE_S = 2.0  # for a client that never answers window/workDoneProgress/create


async def begin(server: FimServer, message: str) -> str | None:
    """Show that something is going on; None where the client shows nothing."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return None
    token = str(uuid.uuid4())
    progress: Any = server.work_done_progress
    try:
        await asyncio.wait_for(progress.create_async(token), PATIENCE_S)
    except Exception as problem:
        logger.warning("no progress shown: %s", problem)
        return None
    progress.begin(token, lsp.WorkDoneProgressBegin(title="fim-lsp", message=message, cancellable=False))
    return token


def report(server: FimServer, token: str | None, message: str, percent: int) -> None:
    """Tell how far it has come."""
    if token is not None:
        server.work_done_progress.report(token, lsp.WorkDoneProgressReport(message=message, percentage=percent))


def end(server: FimServer, token: str | None, message: str) -> None:
    """Tell that it is over."""
    if token is not None:
        server.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=message))
