"""Counts on their way to the disk and back; what cannot be written is lost, and nobody waits."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from fim_lsp.errors import InputError
from fim_lsp.metrics import store, writer
from fim_lsp.metrics.events import Accepted, KeptAfter, Shown, Typed
from fim_lsp.metrics.writer import MetricsWriter

SHOWN = Shown("a", 1.0, "python", "gpt", 12, 0.5)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def recorded(*events):
    counts = MetricsWriter()
    for event in events:
        counts.put(event)
    counts.stop()
    return store.read()


def test_events_become_rows():
    suggestions, typed = recorded(
        SHOWN,
        SHOWN._replace(at=9.0),  # shown again: the same one
        Accepted("a", 5, False),
        Accepted("a", 12, True),
        KeptAfter("a", 30, True),
        KeptAfter("a", 120, False),
        Typed("2026-01-02", "python", 3),
        Typed("2026-01-02", "python", 4),
    )
    assert suggestions == [
        {"id": "a", "at": 1.0, "language": "python", "backend": "gpt", "chars": 12, "accepted": 12, "is_whole": 1}
        | {"confidence": 0.5, "kept": '{"30":1,"120":0}'}
    ]
    assert typed == [{"day": "2026-01-02", "language": "python", "chars": 7}]


def test_no_thread_and_no_file_without_an_event(folder):
    counts = MetricsWriter()
    counts.stop()
    assert counts.thread is None and not folder.exists()
    assert store.read() == ([], [])


def test_a_locked_file_costs_time_and_no_counts(folder, monkeypatch):
    recorded(SHOWN)
    monkeypatch.setattr(store, "WAIT_S", 0.0)
    monkeypatch.setattr(writer, "BATCH_S", 0.01)
    other = sqlite3.connect(folder / "metrics.sqlite", check_same_thread=False)
    other.execute("begin exclusive")
    counts, refused = MetricsWriter(), threading.Event()
    monkeypatch.setattr(writer.logger, "warning", lambda *_: refused.set())
    counts.put(SHOWN._replace(id="b"))
    assert refused.wait(60)
    counts.put(Accepted("b", 3, False))
    other.rollback()
    other.close()
    counts.stop()
    assert [(row["id"], row["accepted"]) for row in store.read()[0]] == [("a", 0), ("b", 3)]


def test_a_file_that_stays_locked_costs_the_counts(folder, monkeypatch):
    recorded(SHOWN)
    monkeypatch.setattr(store, "WAIT_S", 0.0)
    other = sqlite3.connect(folder / "metrics.sqlite")
    other.execute("begin exclusive")
    lost = MetricsWriter()
    lost.put(SHOWN._replace(id="b"))
    lost.stop()
    other.rollback()
    other.close()
    assert [row["id"] for row in store.read()[0]] == ["a"]


def test_a_reader_finds_nothing_in_a_file_that_is_being_made(folder):
    folder.mkdir()
    sqlite3.connect(store.kept_in()).close()
    store.kept_in().touch()
    assert store.read() == ([], [])


def test_a_folder_that_cannot_be_made_costs_the_counts(folder):
    folder.write_text("a file, where the folder should be")
    counts = MetricsWriter()
    counts.put(SHOWN)
    counts.stop()
    assert not counts.thread.is_alive()


def test_a_full_queue_costs_the_newest_counts(monkeypatch):
    monkeypatch.setattr(writer, "MOST_WAITING", 2)
    suggestions, _ = recorded(*(SHOWN._replace(id=name) for name in "abc"))
    assert [row["id"] for row in suggestions] == ["a", "b"]


def test_erasing_forgets_also_for_who_has_the_file_open(folder):
    counts = MetricsWriter()
    counts.put(SHOWN)
    counts.stop()
    open_still = store.MetricsStore(store.kept_in())
    store.erase()
    assert store.read() == ([], [])
    open_still.put([SHOWN])
    assert len(store.read()[0]) == 1
    open_still.close()


def test_a_broken_file_is_named_and_can_be_erased(folder):
    folder.mkdir()
    store.kept_in().write_bytes(b"no database" * 1000)
    with pytest.raises(InputError, match="--erase"):
        store.read()
    store.erase()
    assert recorded(SHOWN)[0]
