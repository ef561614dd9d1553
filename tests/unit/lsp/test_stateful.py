"""Editors that do anything in any order: every id answered once, the server's text is the client's, no fault."""

from __future__ import annotations

import logging
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fim_lsp.lsp import documents
from tests.unit.lsp.fuzz.session import MOST_CHARS, Session

FEW, MANY, BATCH = 12, 100_000, 40  # sessions, messages, sessions


def run(sessions: int) -> None:
    how = settings(max_examples=sessions, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    run_state_machine_as_test(Session, settings=how)


@pytest.fixture(autouse=True)
def small_documents(monkeypatch, caplog):
    monkeypatch.setattr(documents, "MOST_CHARS", MOST_CHARS)
    caplog.set_level(logging.CRITICAL, "pygls")  # it tells at length of every message that it cannot read


def test_any_order_of_messages():
    run(FEW)


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_messages_in_any_order():
    began, sessions = time.monotonic(), 0
    while Session.messages < MANY:
        run(BATCH)
        sessions += BATCH
    spent = time.monotonic() - began
    told = f"{Session.messages:,} messages in {sessions:,} sessions, {Session.asked_in_all:,} of them with an id"
    print(f"{told}: each answered once, {Session.shown_in_all:,} by a suggestion, all texts equal; {spent:.0f} s")
