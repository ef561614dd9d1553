"""The workspace behind a real server: indexed in the background, followed as it changes, never in the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client import FULL, Client
from tests.unit.context.folder import written

STORE = "def load_store(folder, encoding):\n    settings = read_settings(folder)\n    return Store(folder, settings)\n"
HERE = "def load_stores(folders, encoding):\n    settings = read_settings(folder)\n    return Store(folder, \n"
CURSOR = (2, len("    return Store(folder, "))
WATCHING = {**FULL, "workspace": {**FULL["workspace"], "didChangeWatchedFiles": {"dynamicRegistration": True}}}


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A user's cache of the test's own."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def client(tmp_path, cache):
    with Client.fake(tmp_path) as client:
        yield client
    client.check_clean()


def started(client: Client, *roots: Path, **options) -> None:
    folders = [{"uri": root.as_uri(), "name": root.name} for root in roots]
    client.start(WATCHING, workspaceFolders=folders, initializationOptions=options)
    client.until_ready()


def opened(client: Client, root: Path) -> str:
    """Open a document next to the files of a folder."""
    uri = (root / "here.py").as_uri()
    client.open(HERE, uri=uri)
    return uri


def sources(client: Client, uri: str) -> list[str]:
    """Ask at the document's end, and return whose snippets were shown."""
    client.inline(*CURSOR, uri=uri)
    return [one["path"] for one in client.explain(*CURSOR, uri=uri)["snippets"]]


def until(wanted: list[str], ask: Callable[[], list[str]], patience_s: float = 60) -> list[str]:
    deadline = time.monotonic() + patience_s
    while (found := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_other_files_are_found_and_followed(tmp_path, client, cache):
    root = written(tmp_path / "w", {"store.py": STORE, "ignored/store.py": STORE, ".gitignore": "ignored/\n"})
    started(client, root)
    uri = opened(client, root)
    assert until(["store.py"], lambda: sources(client, uri)) == ["store.py"]
    assert list(cache.rglob("w-*.sqlite"))
    (root / "store.py").rename(root / "moved.py")
    client.notify("workspace/didChangeWatchedFiles", {"changes": []})
    assert until(["moved.py"], lambda: sources(client, uri)) == ["moved.py"]


def test_folders_come_and_go(tmp_path, client):
    one = written(tmp_path / "one", {"a.py": "x = 1\n"})
    two = written(tmp_path / "two", {"store.py": STORE})
    started(client, one)
    uri = opened(client, one)
    added, nothing = [{"uri": two.as_uri(), "name": "two"}], []
    for event, wanted in (((added, nothing), ["store.py"]), ((nothing, added), [])):
        change = dict(zip(("added", "removed"), event, strict=True))
        client.notify("workspace/didChangeWorkspaceFolders", {"event": change})
        assert until(wanted, lambda: sources(client, uri)) == wanted


def test_what_is_written_in_another_document_counts_before_it_is_saved(tmp_path, client):
    root = written(tmp_path / "w", {"store.py": "x = 1\n", "here.py": HERE})
    started(client, root)
    uri, other = opened(client, root), (root / "store.py").as_uri()
    client.open("x = 1\n", uri=other)

    def edited() -> list[str]:
        client.change({"text": STORE}, uri=other)
        client.change({"text": HERE}, uri=uri)
        return sources(client, uri)

    assert until(["store.py"], edited) == ["store.py"]


def test_it_can_be_left_out(tmp_path, client, cache):
    root = written(tmp_path / "w", {"store.py": STORE})
    started(client, root, workspace={"enabled": False})
    uri = opened(client, root)
    assert until(["store.py"], lambda: sources(client, uri), 3) == []
    assert not list(cache.rglob("*.sqlite"))


def test_the_client_is_asked_to_tell_of_changes_and_shown_progress(tmp_path, client):
    root = written(tmp_path / "w", {f"m{n}.py": STORE for n in range(150)})
    started(client, root)
    while (told := client.note("$/progress")["value"]).get("title") != "fim-lsp" or "index" not in told["message"]:
        pass
    while client.note("$/progress")["value"]["kind"] != "end":
        pass
    asked = [one["params"]["registrations"] for one in client.requests if one["method"] == "client/registerCapability"]
    globs = [
        watcher["globPattern"]
        for (one,) in asked
        if one["method"] == "workspace/didChangeWatchedFiles"
        for watcher in one["registerOptions"]["watchers"]
    ]
    assert "**/.gitignore" in globs
    assert ",py," in globs[0].replace("{", ",").replace("}", ",")


@pytest.mark.skipif(os.name == "nt", reason="a folder's modules are no danger to a program that is not Python's")
def test_nothing_of_the_folder_is_run(tmp_path, cache, monkeypatch):
    root = written(tmp_path / "w", {"store.py": STORE, "sqlite3.py": "open('ran', 'w')\n", "here.py": HERE})
    with Client.fake(root) as client:
        started(client, root)
        uri = opened(client, root)
        assert until(["store.py"], lambda: sources(client, uri)) == ["store.py"]
    assert not (root / "ran").exists()
