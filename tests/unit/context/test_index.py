"""What is kept of a folder, and that only what changed is read again."""

from __future__ import annotations

import os
import sqlite3

import pytest

from fim_lsp.context.index import build, source
from fim_lsp.context.index.paths import Paths
from fim_lsp.context.index.store import Store
from tests.unit.context.folder import written

FILES = {"a.py": "def one():\n    pass\n", "b/c.py": "class Two:\n    x: int = 1\n", "d.txt": "no source"}


def updated(root, store: Store, monkeypatch=None) -> list[str]:
    """Bring a store up to date and return the files that were read for it."""
    read: list[str] = []
    whole = source.read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "read", lambda path: read.append(path.relative_to(root).as_posix()) or whole(path))
        for _ in build.update(root, store, most=99):
            pass
    return sorted(read)


def names(store: Store, *wanted: str) -> list[str]:
    return [f"{one.path} {one.definition.name}" for one in store.named(wanted, list(store.files()))]


def test_only_what_changed_is_read_again(tmp_path):
    root, store = written(tmp_path, FILES), Store()
    assert updated(root, store) == ["a.py", "b/c.py"]
    assert updated(root, store) == []
    (root / "a.py").write_text("def three():\n    pass\n")
    (root / "b/c.py").unlink()
    assert updated(root, store) == ["a.py"]
    assert names(store, "one", "Two", "x", "three") == ["a.py three"]
    assert store.counts() == (1, 1)


def test_the_next_start_finds_it_all(tmp_path):
    root, file = written(tmp_path / "root", FILES), tmp_path / "cache/index.sqlite"
    first = Store(file)
    updated(root, first)
    first.close()
    second = Store(file)
    assert names(second, "one", "x") == ["a.py one", "b/c.py x"]
    assert updated(root, second) == []


def test_no_text_is_kept_but_signatures(tmp_path):
    root = written(tmp_path / "root", {"a.py": 'def f(a):\n    """Say it."""\n    secret = "hunter2"\n'})
    store = Store(tmp_path / "index.sqlite")
    updated(root, store)
    store.close()
    kept = (tmp_path / "index.sqlite").read_bytes()
    assert b"def f(a)" in kept
    assert b"hunter2" not in kept


@pytest.mark.parametrize("harm", [b"no database at all" * 100, b""])
def test_a_broken_file_is_made_anew(tmp_path, harm):
    file = tmp_path / "index.sqlite"
    file.write_bytes(harm)
    assert Store(file).counts() == (0, 0)


def test_tables_of_another_version_are_made_anew(tmp_path):
    file = tmp_path / "index.sqlite"
    with sqlite3.connect(file) as db:
        db.executescript("create table file (it text); pragma user_version = 99")
    assert Store(file).counts() == (0, 0)


@pytest.mark.skipif(os.name == "nt", reason="folders have no such rights there")
def test_the_folder_of_the_cache_is_the_user_s_own(tmp_path):
    Store(tmp_path / "cache/index.sqlite")
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "by", "meant"),
    [
        ("from lib.store import Store", "app.py", ["lib/store.py"]),
        ("import lib.store", "app.py", ["lib/store.py"]),
        ("from .store import Store", "lib/here.py", ["lib/store.py"]),
        ("from .store import Store", "web/here.py", ["web/store.ts"]),  # by its folder: no language is asked
        ("from lib import Store", "app.py", ["lib/__init__.py"]),
        ('import { a } from "../web/store";', "web/page/x.ts", ["web/store.ts"]),
        ('#include "core/list.h"', "core/main.c", ["core/list.h"]),
        ('import "example.com/it/server"', "cmd/x.go", ["server/a.go", "server/b.go"]),
        ("import java.util.List;", "A.java", []),
    ],
)
def test_which_files_an_import_means(text, by, meant):
    known = ["lib/store.py", "lib/__init__.py", "web/store.ts", "core/list.h", "core/list.c", "server/a.go"]
    assert Paths([*known, "server/b.go"]).meant(text, by) == meant
