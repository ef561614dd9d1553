"""Settings as the client knows them: layers from file, initializationOptions and workspace/configuration."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fim_lsp.settings import SECTION, Config, Resolved, resolve, section_of

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

logger = logging.getLogger(__name__)


class ServerSettings:
    """The layers and what they resolve to; every problem is shown once, however often it is sent."""

    def __init__(self, file: Mapping[str, Any], flags: Mapping[str, Any] | None = None):
        self.layers: dict[str, Mapping[str, Any]] = {"file": file}
        self.flags = flags or {}  # of the command line, which no client changes
        self.config = Config()  # the newest; the completer's may be an older one until the decode thread is free
        self.shown: set[str] = set()
        self.changes = 0  # that the client told of

    def lay(self, source: str, values: Any) -> Resolved:
        """Put a layer in place of its older self and return the settings that result; a null keeps the old one."""
        if values is not None:
            self.layers[source] = section_of(values)
        return self.resolve()

    def resolve(self) -> Resolved:
        return resolve([*self.layers.items(), ("command line", self.flags)])

    def take(self, resolved: Resolved) -> Config:
        """Make these the newest settings and return the ones before."""
        before, self.config = self.config, resolved.config
        return before

    def news(self, resolved: Resolved) -> list[str]:
        """Return the problems not yet shown, and log the notes not yet logged."""
        for note in (note for note in resolved.notes if note not in self.shown):
            logger.warning(note)
        self.shown.update(resolved.notes)
        fresh = [problem for problem in resolved.problems if problem not in self.shown]
        self.shown.update(fresh)
        return fresh


async def follow_client(server: FimServer, sent: Any) -> None:
    """Use what the client sent, or else what it answers when asked, unless it told of another change meanwhile."""
    server.settings.changes += 1
    change = server.settings.changes
    values = sent if sent else await pull(server)
    if values is not None and change == server.settings.changes:
        server.configure(server.settings.lay("client", values))


async def pull(server: FimServer) -> Any:
    """Ask the client for our section; None where it cannot be asked or does not say."""
    workspace = server.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return None
    try:
        answer = await server.workspace_configuration_async(
            lsp.ConfigurationParams([lsp.ConfigurationItem(section=SECTION)])
        )
    except Exception as problem:
        logger.warning("workspace/configuration failed: %s", problem)
        return None
    return (answer[0] or {}) if answer else None  # a null is a client without settings, not one that does not say


async def watch(server: FimServer) -> None:
    """Ask to be told of changes, where the client wants to be asked (spec 3.18, didChangeConfiguration)."""
    workspace = server.client_capabilities.workspace
    change = workspace.did_change_configuration if workspace else None
    if change is None or not change.dynamic_registration:
        return
    registration = lsp.Registration(
        id="fim-lsp-settings",
        method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
        register_options=lsp.DidChangeConfigurationRegistrationOptions(section=SECTION),
    )
    try:
        await server.client_register_capability_async(lsp.RegistrationParams([registration]))
    except Exception as problem:
        logger.warning("client/registerCapability failed: %s", problem)
