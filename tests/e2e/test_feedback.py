"""What becomes of suggestions, told to a real server and read from its file."""

from __future__ import annotations

import json
import time

import pytest

from fim_lsp.metrics import store
from tests.client import URI, Client

pytestmark = pytest.mark.alone

CODE = "def f(a, b):\n    x = \n"
SECRET = "alpha + beta"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server whose seconds, of those after which it looks again, take a two-hundredth."""
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    with Client.fake(tmp_path, "--second-s", "0.005") as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        yield client
    client.check_clean()


def accept(client: Client, item) -> None:
    command = item["command"]
    client.request("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]})


def counted(client: Client, wanted, which: int = 0) -> dict:
    """Return a suggestion, the first one, once it is as wanted."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        rows = store.read()[0]
        row = rows[which] | {"kept": json.loads(rows[which]["kept"])} if len(rows) > which else None
        if row and wanted(row):
            return row | {"n": len(rows)}
        time.sleep(0.05)
    raise AssertionError(store.read())


def test_what_is_accepted_and_left_alone_is_kept(server):
    (item,) = server.inline(1, 8)
    server.type(1, 8, "alpha + beta")
    accept(server, item)
    row = counted(server, lambda row: len(row["kept"]) == 3)
    assert (row["n"], row["language"], row["backend"], row["chars"]) == (1, "python", "fake", 12)
    assert (row["accepted"], row["is_whole"], row["kept"]) == (12, 1, {"30": 1, "120": 1, "300": 1})
    (typed,) = store.read()[1]
    assert typed["chars"] == 12


def test_what_is_changed_is_not_kept_wherever_it_has_moved_to(server):
    (item,) = server.inline(1, 8)
    server.type(1, 8, "alpha + beta")
    accept(server, item)
    server.type(0, 0, "import alpha\n")
    server.change(
        {"range": {"start": {"line": 2, "character": 8}, "end": {"line": 2, "character": 13}}, "text": "gamma"}
    )
    row = counted(server, lambda row: "300" in row["kept"])
    assert row["kept"]["300"] == 0


def test_of_a_closed_document_nothing_is_known(server):
    (item,) = server.inline(1, 8)
    server.type(1, 8, "alpha + beta")
    accept(server, item)
    server.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    server.open(CODE)
    later = "file:///w/later.py"
    server.open(CODE, later)
    (item,) = server.inline(1, 8, uri=later)
    server.type(1, 8, item["insertText"], later)
    accept(server, item)
    counted(server, lambda row: "300" in row["kept"], 1)
    assert "300" not in counted(server, lambda row: row["accepted"])["kept"]


def test_typed_along_it_is_one_and_taken_word_by_word_it_adds_up(server):
    (whole,) = server.inline(1, 8)
    server.type(1, 8, "a")
    (rest,) = server.inline(1, 9)
    assert rest["command"]["arguments"] == whole["command"]["arguments"]
    server.type(1, 9, "lpha")
    server.notify("textDocument/didPartiallyAcceptCompletion", {"item": rest, "acceptedLength": 4})
    row = counted(server, lambda row: row["accepted"])
    assert (row["n"], row["accepted"], row["is_whole"]) == (1, 4, 0)
    server.type(1, 13, " + beta")
    accept(server, rest)
    row = counted(server, lambda row: row["is_whole"])
    assert row["accepted"] == 11


def test_a_client_that_tells_of_showing_is_believed(server):
    (item,) = server.inline(1, 8)
    server.notify("textDocument/didShowCompletion", {"item": item})
    server.type(1, 8, "q")
    (unseen,) = server.inline(1, 9)
    assert unseen["command"]["arguments"] != item["command"]["arguments"]
    accept(server, item)
    assert counted(server, lambda row: row["accepted"])["n"] == 1


def test_what_cannot_be_understood_is_passed_over(server):
    for params in (None, {}, [], {"item": 3}, {"item": {"command": {"arguments": [["x"], {}]}}, "acceptedLength": 1}):
        server.notify("textDocument/didShowCompletion", params)
        server.notify("textDocument/didPartiallyAcceptCompletion", params)
    for arguments in ([], ["unknown", 0], [7, "x", None]):
        answer = server.request("workspace/executeCommand", {"command": "fimLsp.accepted", "arguments": arguments})
        assert answer["result"] is None
    assert server.inline(1, 8)


def test_no_text_and_no_path_is_written(server, tmp_path):
    (item,) = server.inline(1, 8)
    server.type(1, 8, SECRET)
    accept(server, item)
    counted(server, lambda row: row["kept"])
    written = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())
    assert b"alpha" not in written and b"a.py" not in written and b"file:" not in written


def test_switched_off_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    with Client.fake(tmp_path, settings={"metrics": False}) as client:
        client.start(initializationOptions={"metrics": False})
        client.until_ready()
        client.open(CODE)
        (item,) = client.inline(1, 8)
        client.type(1, 8, "alpha + beta")
        accept(client, item)
    client.check_clean()
    assert not (tmp_path / "data").exists()
