"""Have the limits follow what a person takes, where the settings allow it, and say what moved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fim_lsp.errors import InputError

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer
    from fim_lsp.metrics.acceptance import FamilyAcceptance

logger = logging.getLogger(__name__)


async def follow(server: FimServer) -> None:
    """Learn from what was counted until now; with the setting off, go back to the limits that were fitted."""
    families = await _learn() if server.completer.config.learn else {}
    router = server.completer.router
    curves = {family: one.curve for family, one in families.items()}
    await asyncio.get_running_loop().run_in_executor(server.requests.pool, router.follow, curves)
    for family, one in families.items():
        backend = router.loader.loaded.get(family)
        if backend and backend.calibration:
            message = (
                f"fim-lsp: of {one.shown} suggestions of {family} {one.taken:.0%} were taken: unasked, nothing is "
                f"shown below {backend.calibration.limit:.1%} sure, {backend.calibration.shown:.1%} as it came; "
                "`fim-lsp stats --unlearn` takes it back"
            )
            server.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, message))


async def _learn() -> Mapping[str, FamilyAcceptance]:
    from fim_lsp.metrics import acceptance

    try:
        return (await asyncio.to_thread(acceptance.learn)).families
    except (InputError, OSError) as problem:
        logger.warning("nothing is learnt: %s", problem)
        return {}
