"""Keep the index of the open folders up to date, behind everything else.

folders, save, change on disk ─┬─ 1 s ─▶ a process of low priority reads what has changed ─▶ the store on disk
open, another file is edited ──┴──────▶ a thread takes in windows, a millisecond at a time ─▶ the workspace
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fim_lsp.context.index import Workspace
from fim_lsp.context.index.paths import distance
from fim_lsp.languages import LANGUAGES
from fim_lsp.lsp import loading, progress
from fim_lsp.privacy.exclusion import GIT, OWN, Exclusion
from fim_lsp.settings import Config

if TYPE_CHECKING:
    from fim_lsp.lsp.documents import Document
    from fim_lsp.lsp.server import FimServer

logger = logging.getLogger(__name__)

SOON_S = 1.0  # after a change: a checkout changes many files, and all at once
REST_S = 0.002  # after a slice of about half of that
SHOWN = 100  # files to read, of which progress is shown
DEFINING = [end.lstrip(".") for one in LANGUAGES.values() if one.definitions for end in one.extensions]
WATCHED = "**/*.{" + ",".join(DEFINING) + "}"


class Indexing:
    """The process and the thread behind a workspace; used on the event loop."""

    def __init__(self, server: FimServer, workspace: Workspace):
        self.server, self.workspace = server, workspace
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="index")
        self.timer: asyncio.TimerHandle | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.edited_last: Document | None = None
        self.is_running = self.is_asked_again = self.is_stopped = False

    def start(self) -> None:
        """Look at the folders, and ask to be told what changes in them."""
        self.server.start(_watch(self.server))
        self.soon()

    def configure(self, before: Config, now: Config) -> None:
        """Look at the folders where the settings want it and did not before."""
        if _indexed(now) != _indexed(before):
            self.soon()

    def soon(self) -> None:
        """Look at the folders before long, once for all that changes until then."""
        if self.timer:
            self.timer.cancel()
        if not self.is_stopped and self.server.settings.config.workspace_enabled:
            delay = SOON_S if self.workspace.stores else 0
            self.timer = asyncio.get_running_loop().call_later(delay, lambda: self.server.start(self._update()))

    def opened(self, document: Document) -> None:
        """Take in a document's text."""
        self._take_in(document)

    def edited(self, document: Document) -> None:
        """Take in the file that was edited before this one."""
        if self.edited_last and self.edited_last is not document:
            self._take_in(self.edited_last)
        self.edited_last = document

    def closed(self, uri: str) -> None:
        """Count what lies on the disk again."""
        if self.edited_last and self.edited_last.uri == uri:
            self.edited_last = None
        if not self.is_stopped:
            self.pool.submit(self.workspace.close, self.server.protocol.path(uri))

    def exclude(self, exclusion: Exclusion) -> None:
        """Have the workspace forget what is excluded, before anything that was asked of it later."""
        if not self.is_stopped:
            self.pool.submit(self.workspace.exclude, exclusion, self._rest)

    def stop(self) -> None:
        """End the process and begin nothing more."""
        self.is_stopped = True
        if self.timer:
            self.timer.cancel()
        if self.process and self.process.returncode is None:
            self.process.kill()
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _take_in(self, document: Document) -> None:
        if not self.is_stopped and document.path and not document.silence:
            self.pool.submit(self.workspace.put, document.path, document.text, self._rest)

    def _rest(self) -> None:
        """Let everybody else have the interpreter, and the processor while somebody waits for an answer."""
        time.sleep(REST_S)
        while self.server.requests.running and not self.is_stopped:
            time.sleep(REST_S)

    async def _update(self) -> None:
        """Bring every folder up to date, one after the other."""
        if self.is_running:
            self.is_asked_again = True
            return
        self.is_running = True
        try:
            folders = [Path(root).resolve() for root in self.server.protocol.roots()]
            roots = _outer(folders)
            loop = asyncio.get_running_loop()
            for gone in set(self.workspace.stores) - set(roots):
                await loop.run_in_executor(self.pool, self.workspace.leave, gone)
            self.workspace.roots = tuple(folders)
            for root in roots:
                if await self._read(root):
                    await loop.run_in_executor(self.pool, self._follow, root)
        except (OSError, RuntimeError) as problem:  # a user without a home has no cache
            logger.warning("the workspace is not indexed: %s", problem)
        finally:
            self.is_running = False
            if self.is_asked_again:
                self.is_asked_again = False
                self.soon()

    async def _read(self, root: Path) -> bool:
        """Run the process for one folder, showing how far it is; False where it failed."""
        from fim_lsp.context.index.store import kept_in

        config = self.server.settings.config
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "fim_lsp.context.index", str(root), str(kept_in(root))),
            *(str(config.workspace_most_files), *config.exclude),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if os.name == "nt" else 0,
        )
        token: str | None = None
        assert self.process.stdout
        async for line in self.process.stdout:
            done, total = map(int, line.split())
            if total >= SHOWN and not token and done < total:
                token = await progress.begin(self.server, f"indexing {root.name}")
            progress.report(self.server, token, f"{done} of {total} files", 100 * done // max(total, 1))
        progress.end(self.server, token, "indexed")
        return await self.process.wait() == 0

    def _follow(self, root: Path) -> None:
        """Take in what the process found, what is nearest to the file being edited first (index thread)."""
        from fim_lsp.context.index.store import Store, kept_in

        store = self.workspace.stores.get(root) or Store(kept_in(root))
        here = self.edited_last.path if self.edited_last else ""
        for name in sorted(self.workspace.follow(root, store), key=lambda name: distance(name, here)):
            if self.is_stopped:
                return
            self.workspace.read(name, self._rest)
            self._rest()


def _indexed(config: Config) -> tuple[object, ...]:
    """Return what the index depends on."""
    return config.workspace_enabled, config.workspace_most_files, config.exclude


def _outer(folders: Sequence[Path]) -> list[Path]:
    """Return the folders but those within another one, whole disks and homes."""
    return [
        path
        for path in dict.fromkeys(folders)
        if path.is_dir()
        and path not in (path.parent, Path.home())
        and not any(path != other and path.is_relative_to(other) for other in folders)
    ]


async def _watch(server: FimServer) -> None:
    """Ask to be told of changes on the disk, where the client wants to be asked (spec 3.18, didChangeWatchedFiles)."""
    workspace = server.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace else None
    if watched is None or not watched.dynamic_registration:
        return
    globs = [lsp.FileSystemWatcher(glob_pattern=pattern) for pattern in (WATCHED, f"**/{GIT}", f"**/{OWN}")]
    registration = lsp.Registration(
        id="fim-lsp-files",
        method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        register_options=lsp.DidChangeWatchedFilesRegistrationOptions(globs),
    )
    try:
        await server.client_register_capability_async(lsp.RegistrationParams([registration]))
    except Exception as problem:
        logger.warning("client/registerCapability failed: %s", problem)


def add_handlers(server: FimServer) -> None:
    """Have the server follow what changes in its folders."""

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: lsp.DidSaveTextDocumentParams) -> None:
        if document := server.document(params.text_document.uri):
            server.indexing.opened(document)
        server.look_again()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_watched_files(params: lsp.DidChangeWatchedFilesParams) -> None:
        server.look_again()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_workspace_folders(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        server.look_again()
        server.start(loading.follow(server))
