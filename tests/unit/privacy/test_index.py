"""What is excluded or secret never comes into the index, its file, or what the decoder is shown of other files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.context.index import Workspace, build, files, source
from fim_lsp.context.index.store import Store
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.pipeline.completer import Completer
from fim_lsp.privacy.exclusion import Exclusion
from fim_lsp.settings import Config
from tests.unit.context.folder import written
from tests.unit.privacy.planted import PATTERNS, leaked, planted, workspace

SECRETS = planted(500)
HERE = "def load_stores(folders, encoding):\n    settings = read_settings(folder)\n    return Store(folder, "


def updated(root: Path, store: Store, *patterns: str) -> None:
    for _ in build.update(root, store, 99, patterns):
        pass


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_no_secret_is_in_the_store_or_its_log(tmp_path):
    root, store = workspace(tmp_path / "w", SECRETS), Store(tmp_path / "cache/index.sqlite")
    updated(root, store, *PATTERNS)
    assert store.counts()[0] == 25
    assert b"load_store_3" in kept(tmp_path / "cache")
    assert b"signed_" in kept(tmp_path / "cache")
    assert leaked(SECRETS, kept(tmp_path / "cache")) == []


def test_no_secret_of_another_file_is_in_a_prompt(tmp_path):
    found = Workspace.of(workspace(tmp_path / "w", SECRETS), patterns=PATTERNS)
    backend = FakeBackend("settings)")
    completer = Completer(Config(backend="gpt", deadline_ms=60_000), lambda family, wanted: backend, workspace=found)
    for near in range(25):  # each file's secrets stand around what is most alike
        text = f"import lib.m{near}\n" + "\n".join(one.text.split("=")[0] for one in SECRETS[near * 20 :][:5])
        text += "\n" + HERE.replace("load_stores", f"load_store_{near}")
        completer.complete(Snapshot(f"file:///w/{near}.py", 0, "python", text, len(text), path="here.py"), Cancel())
    shown = "\n".join(snippet.text for request in backend.requests for snippet in request.snippets)
    assert "xxxxxxxx" in shown
    assert "def load_store_" in shown
    assert leaked(SECRETS, shown) == []


def test_what_is_newly_excluded_goes_from_the_file_byte_for_byte(tmp_path):
    root = written(tmp_path / "w", {"a.py": "def known(): ...\n", "b.py": "def tell_tale_name(): ...\n"})
    store, reader = Store(tmp_path / "cache/index.sqlite"), Store(tmp_path / "cache/index.sqlite")
    updated(root, store)
    assert b"tell_tale_name" in kept(tmp_path / "cache")
    assert reader.counts() == (2, 2)
    updated(root, store, "b.py")
    assert reader.counts() == (1, 1)
    assert b"tell_tale_name" not in kept(tmp_path / "cache")


def test_what_is_newly_excluded_goes_from_the_workspace_at_once(tmp_path):
    root = written(tmp_path, {"a.py": HERE, "vault/b.py": HERE})
    found = Workspace.of(root)
    assert "vault/b.py" in found.windows.by_file
    edition = found.edition("a.py")
    found.exclude(Exclusion((root,), ("vault/",)))
    assert set(found.places) == {"a.py"}
    assert "vault/b.py" not in found.windows.by_file
    assert found.named(["load_stores"], ["vault/b.py"]) == []
    assert found.edition("a.py") != edition  # what was suggested with it is forgotten
    found.put("vault/b.py", HERE)
    found.follow(root, found.stores[root])
    assert set(found.places) == {"a.py"}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_file_that_becomes_a_link_is_not_read(tmp_path):
    root = written(tmp_path / "w", {"a.py": HERE, "in/b.py": HERE})
    outside = written(tmp_path / "out", {"b.py": "password = 'hunter2'\n"})
    found = Workspace.of(root)
    (root / "a.py").unlink()
    (root / "a.py").symlink_to(outside / "b.py")
    (root / "in").rename(root / "was")
    (root / "in").symlink_to(outside, target_is_directory=True)
    for name in ("a.py", "in/b.py"):
        found.read(name)
        assert source.read(root / name) == ""
        assert found._lines(name) == [""]
    assert [one.path for one in files.walk(root, 9)] == ["was/b.py"]
