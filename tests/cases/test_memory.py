"""What an edit leaves behind: nothing."""

from __future__ import annotations

import time

import psutil
import pytest

from tests.client import Client

LEFT_MOST = 2_000_000  # bytes
SETTLED_S = 1.5  # the counts of metrics/ open their file, once, a second after the first edit


def edit(client: Client, times: int) -> None:
    """Type and take back a character, `times` edits in all, and wait until the server has done them."""
    for _ in range(times // 2):
        client.type(1, 8, "x")
        span = {"start": {"line": 1, "character": 8}, "end": {"line": 1, "character": 9}}
        client.change({"range": span, "text": ""})
    client.request("no/suchMethod", timeout=600)
    time.sleep(0.3)  # what is done in idle moments


def grown(client: Client, settled: int, more: int) -> int:
    """Return the bytes of memory that `more` edits cost after the first `settled`."""
    memory = psutil.Process(client.process.pid)
    edit(client, settled)
    time.sleep(SETTLED_S)
    before = memory.memory_info().rss
    edit(client, more)
    return memory.memory_info().rss - before


def test_ten_thousand_edits_leave_nothing_behind(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open("def f(a):\n    x = \n")
        assert grown(client, 1_000, 10_000) < LEFT_MOST
    client.check_clean()


@pytest.mark.parametrize("times", [1_000, pytest.param(10_000, marks=pytest.mark.fuzz)])
def test_files_that_are_opened_and_closed_leave_nothing_behind(tmp_path, times):
    def visit(client: Client, times: int) -> int:
        for n in range(times):
            uri = f"file:///w/{n}.py"
            client.open("x = \n" * 200, uri)
            client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        client.request("no/suchMethod", timeout=600)
        return psutil.Process(client.process.pid).memory_info().rss

    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        before = visit(client, 300)
        assert visit(client, times) - before < LEFT_MOST
    client.check_clean()


@pytest.mark.parametrize("times", [1_000, pytest.param(10_000, marks=pytest.mark.fuzz)])
def test_requests_that_are_cancelled_leave_nothing_behind(tmp_path, times):
    def storm(client: Client, times: int) -> int:
        for n in range(times):
            client.notify("$/cancelRequest", {"id": client.ask_inline(1, n % 8, kind=1)})
        for asked in client.asked:
            client.wait(asked)
        return psutil.Process(client.process.pid).memory_info().rss

    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open("def f(a):\n    x = \n")
        edit(client, 2)
        time.sleep(SETTLED_S)
        before = storm(client, times)  # so many at once need memory while they wait
        assert storm(client, times) - before < LEFT_MOST
    client.check_clean()


@pytest.mark.fuzz
def test_a_hundred_thousand_edits_leave_nothing_behind(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open("def f(a):\n    x = \n")
        left = grown(client, 10_000, 90_000)
        print(f"{left / 1e6:.2f} MB more after 90,000 edits")
        assert left < LEFT_MOST
    client.check_clean()
