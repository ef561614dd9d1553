"""The counts in one SQLite file of the user's data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from fim_lsp.errors import InputError
from fim_lsp.folders import data_folder
from fim_lsp.metrics.events import Accepted, Event, KeptAfter, Shown, Typed

WAIT_S = 1.0  # for another process that writes
TABLES = """
create table if not exists suggestion (id text primary key, at real, language text, backend text, chars integer,
    accepted integer not null default 0, is_whole integer not null default 0, confidence real);
create table if not exists kept (id text, after_s integer, is_kept integer, primary key (id, after_s));
create table if not exists typed (day text, language text, chars integer, primary key (day, language));
"""
STATEMENTS: dict[type, str] = {
    Shown: "insert or ignore into suggestion (id, at, language, backend, chars, confidence) values (?, ?, ?, ?, ?, ?)",
    Accepted: "update suggestion set accepted = ?2, is_whole = ?3 where id = ?1",
    KeptAfter: "insert or replace into kept values (?, ?, ?)",
    Typed: "insert into typed values (?, ?, ?) on conflict do update set chars = chars + excluded.chars",
}
IS_MADE = "select 1 from sqlite_master where name = 'typed'"  # the last of the tables
SUGGESTIONS = """
select suggestion.*, (select json_group_object(after_s, is_kept) from kept where kept.id = suggestion.id) as kept
from suggestion order by at, id
"""
TYPED = "select * from typed order by day, language"


def kept_in() -> Path:
    """Return the file that holds the counts."""
    return data_folder() / "metrics.sqlite"


class MetricsStore:
    """The tables; used by one thread. Raises sqlite3.Error and OSError."""

    def __init__(self, file: Path):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.db = sqlite3.connect(file, timeout=WAIT_S)
        try:
            self.db.execute("pragma journal_mode = wal")  # who looks at the counts does not hold up who writes them
            self.db.execute("pragma secure_delete = on")
            self.db.executescript(TABLES)
            if "confidence" not in {column[1] for column in self.db.execute("pragma table_info(suggestion)")}:
                self.db.execute("alter table suggestion add column confidence real")  # a file of 0.1
        except sqlite3.Error:
            self.db.close()
            raise

    def put(self, events: Iterable[Event]) -> None:
        """Write all of them or none."""
        with self.db:
            for event in events:
                self.db.execute(STATEMENTS[type(event)], event)

    def erase(self) -> None:
        """Forget everything, also for a server that is running."""
        with self.db:
            for table in ("suggestion", "kept", "typed"):
                self.db.execute(f"delete from {table}")
        self.db.execute("vacuum")
        self.db.execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        self.db.close()


def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row per suggestion, the oldest first, and characters by day and language; raises InputError.

    `kept` is JSON of seconds to 0 or 1. Both are empty where nothing was counted.
    """
    file = kept_in()
    if not file.exists():
        return [], []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S)) as db:
            db.row_factory = sqlite3.Row
            if not db.execute(IS_MADE).fetchone():
                return [], []
            return [dict(row) for row in db.execute(SUGGESTIONS)], [dict(row) for row in db.execute(TYPED)]
    except (sqlite3.Error, OSError) as problem:
        raise InputError(f"{file} cannot be read: {problem}; `fim-lsp stats --erase` begins anew") from None


def erase() -> None:
    """Forget everything; a file that is no database goes. Raises InputError."""
    try:
        if kept_in().exists():
            _emptied(kept_in())
    except (sqlite3.Error, OSError) as problem:
        raise InputError(f"{kept_in()} cannot be erased: {problem}") from None


def _emptied(file: Path) -> None:
    try:
        store = MetricsStore(file)
    except sqlite3.OperationalError:  # locked, or a full disk: what is there is sound
        raise
    except sqlite3.DatabaseError:
        for one in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            one.unlink(missing_ok=True)
        return
    try:
        store.erase()
    finally:
        store.close()
