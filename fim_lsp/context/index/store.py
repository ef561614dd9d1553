"""What is kept of a folder between two starts: its files and their definitions, in one SQLite file.

No source text is kept but signatures and the first line said about each, secrets masked; what goes is overwritten.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import platformdirs

from fim_lsp.context.index.source import Found
from fim_lsp.languages import Definition

VERSION = 2  # of the tables and of what is masked
TABLES = f"""
create table file (id integer primary key, path text unique, mtime integer, size integer);
create table definition (file integer references file on delete cascade, name text, owner text, line integer,
    signature text, said text, is_type integer, has_body integer);
create index by_name on definition (name);
create index by_file on definition (file);
pragma user_version = {VERSION};
"""
MOST = 200  # names, and files, of one question


def kept_in(root: Path) -> Path:
    """Return the file in the user's cache that holds a folder's store."""
    known_by = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    return platformdirs.user_cache_path("fim-lsp") / "index" / f"{root.name or 'root'}-{known_by}.sqlite"


class Defined(NamedTuple):
    """A definition and the file it stands in."""

    path: str
    definition: Definition


class Store:
    """The tables of one folder; any thread may ask, one at a time."""

    def __init__(self, file: Path | None = None):
        """Open or make the file, in memory without one; what cannot be read is made anew."""
        self.lock = Lock()
        self.db = _open(file)

    def files(self) -> dict[str, Found]:
        """Return every file by its path."""
        return {path: Found(path, mtime, size) for path, mtime, size in self._all("select path, mtime, size from file")}

    def put(self, found: Found, definitions: Iterable[Definition]) -> None:
        """Take in a file in place of its older self; others see it after `commit`."""
        with self.lock:
            self.db.execute("delete from file where path = ?", (found.path,))
            made = self.db.execute("insert into file (path, mtime, size) values (?, ?, ?)", found)
            rows = [(made.lastrowid, *one) for one in definitions]
            self.db.executemany("insert into definition values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def drop(self, path: str) -> None:
        with self.lock:
            self.db.execute("delete from file where path = ?", (path,))

    def commit(self) -> None:
        with self.lock:
            self.db.commit()

    def wipe(self) -> None:
        """Empty the log of what was written, where what was dropped may still stand."""
        with self.lock:
            self.db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def named(self, names: Sequence[str], paths: Sequence[str]) -> list[Defined]:
        """Return the definitions in some files that have one of these names."""
        names, paths = names[:MOST], paths[:MOST]
        return self._defined(f"path in ({_marks(paths)}) and name in ({_marks(names)})", (*paths, *names))

    def anywhere(self, names: Sequence[str]) -> list[Defined]:
        """Return the definitions that no type owns and that have one of these names."""
        names = names[:MOST]
        return self._defined(f"name in ({_marks(names)}) and owner = ''", names)

    def owned(self, owner: str, path: str) -> list[Defined]:
        """Return what a type owns in a file."""
        return self._defined("path = ? and owner = ?", (path, owner))

    def counts(self) -> tuple[int, int]:
        """Return how many files and definitions there are."""
        ((files, definitions),) = self._all("select (select count(*) from file), (select count(*) from definition)")
        return files, definitions

    def close(self) -> None:
        with self.lock:
            self.db.close()

    def _defined(self, where: str, values: Sequence[str]) -> list[Defined]:
        rows = self._all(
            "select path, name, owner, line, signature, said, is_type, has_body from definition"
            f" join file on file.id = definition.file where {where} order by path, line",
            values,
        )
        return [
            Defined(path, Definition(name, owner, line, signature, said, bool(is_type), bool(has_body)))
            for path, name, owner, line, signature, said, is_type, has_body in rows
        ]

    def _all(self, query: str, values: Sequence[str] = ()) -> list[tuple]:  # type: ignore[type-arg]
        with self.lock:
            return self.db.execute(query, values).fetchall()


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _open(file: Path | None) -> sqlite3.Connection:
    if file is None:
        return _prepared(sqlite3.connect(":memory:", check_same_thread=False))
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _prepared(sqlite3.connect(file, check_same_thread=False))
    except sqlite3.DatabaseError:
        for one in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            with suppress(FileNotFoundError):
                one.unlink()
        return _prepared(sqlite3.connect(file, check_same_thread=False))


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    """Make the tables where there are none of this version."""
    try:
        db.execute("pragma journal_mode = wal")  # one process writes while another reads
        db.execute("pragma synchronous = off")  # what a crash loses is read again
        db.execute("pragma secure_delete = on")
        db.execute("pragma foreign_keys = on")
        (version,) = db.execute("pragma user_version").fetchone()
        if version != VERSION:
            db.executescript("drop table if exists definition; drop table if exists file;" + TABLES)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
