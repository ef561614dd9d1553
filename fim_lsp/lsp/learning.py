"""Have the limits follow what a person takes, where the settings allow it, and say what moved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fim_lsp.domain import AcceptanceCurve
from fim_lsp.errors import InputError

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer
    from fim_lsp.metrics.acceptance import FamilyAcceptance

logger = logging.getLogger(__name__)


class Learning:
    """What the router goes by of a person's acceptances; used on the event loop."""

    def __init__(self, server: FimServer):
        self.server = server
        self.curves: Mapping[str, AcceptanceCurve] = {}
        self.turn = asyncio.Lock()

    async def follow(self) -> None:
        """Learn from what was counted until now; with the setting off, go back to the limits that were fitted."""
        async with self.turn:
            families = await _learn() if self.server.settings.config.learn else {}
            curves = {family: one.curve for family, one in families.items()}
            router = self.server.completer.router
            await asyncio.get_running_loop().run_in_executor(self.server.requests.pool, router.follow, curves)
            if curves != self.curves:
                self.curves = curves
                self._say(families)

    def _say(self, families: Mapping[str, FamilyAcceptance]) -> None:
        for family, one in families.items():
            backend = self.server.completer.router.loader.loaded.get(family)
            if backend and backend.calibration:
                message = (
                    f"fim-lsp: of {one.shown} suggestions of {family} {one.taken:.0%} were taken: unasked, nothing is "
                    f"shown below {backend.calibration.limit:.1%} sure, {backend.calibration.shown:.1%} as it came; "
                    "`fim-lsp stats --unlearn` takes it back"
                )
                self.server.window_log_message(lsp.LogMessageParams(lsp.MessageType.Info, message))


async def _learn() -> Mapping[str, FamilyAcceptance]:
    from fim_lsp.metrics import acceptance

    try:
        return (await asyncio.to_thread(acceptance.learn)).families
    except (InputError, OSError) as problem:
        logger.warning("nothing is learnt: %s", problem)
        return {}
