"""Characters that some tools trip over, in documents and around the cursor."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from tests.client import Client


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[Client]:
    with Client.fake(tmp_path_factory.mktemp("odd"), "--texts", '["z"]', "--step-s", "0.01") as running:
        running.start()
        running.until_ready()
        yield running
    running.check_clean()


@pytest.mark.parametrize(
    ("text", "line", "character"),
    [
        ("\ufeffx = \n", 0, 5),
        ("\ufeff\nx = \n", 1, 4),
        ("import os\n\f\ndef f():\n    x = \n", 3, 8),
        ("\fx = \n", 0, 5),
        ('s = "\u2028"\nx = \n', 1, 4),
        ('s = "\u2028\u2029\x85\v"; x = \n', 0, 15),
        ("# \x00\nx = \n", 1, 4),
        ("s = '\ud83d'\nx = \n", 1, 4),
        ("s = '<|fim_middle|><|fim_prefix|><|endoftext|>'\nx = \n", 1, 4),
        ("# [MASK] [delete] <mask>\nx = \n", 1, 4),
        ("a\rb\r\nx = \n", 2, 4),
        ("s = '\u202e\u200b\u0301'\nx = \n", 1, 4),
    ],
)
def test_what_stands_at_the_cursor_is_where_the_editor_says(client, text, line, character):
    uri = f"file:///w/{abs(hash(text))}.py"
    client.open(text, uri)
    here = {"line": line, "character": character}
    (item,) = client.inline(line, character, uri=uri)
    assert item["range"] == {"start": here, "end": here}
    client.type(line, character, "f(\u2028", uri=uri)
    assert "result" in client.wait(client.ask_inline(line, character + 3, kind=1, uri=uri))
    client.type(line + 1, 0, "y = \n", uri=uri)
    (item,) = client.inline(line + 1, 4, uri=uri)
    assert item["range"]["start"] == {"line": line + 1, "character": 4}


def test_nothing_is_computed_while_nobody_does_anything(client):
    import time

    client.open("x = \n")
    client.inline(0, 4)
    time.sleep(0.5)  # what is done in idle moments is done
    server = psutil.Process(client.process.pid)
    before = sum(server.cpu_times()[:2])
    time.sleep(1.5)
    assert sum(server.cpu_times()[:2]) - before < 0.05


def test_the_last_of_two_settings_in_a_moment_is_the_one(client):
    def told(trigger: str) -> None:
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"trigger": trigger}}})

    def shown(count: int) -> int:
        uri = f"file:///w/settings{count}.py"
        client.open("x = \n", uri)
        return len(client.inline(0, 4, uri=uri))

    client.open("x = \n")
    for count, (first, last) in enumerate([("manual", "automatic"), ("automatic", "manual")] * 3):
        comparison = client.ask_compare(0, 4)  # keeps the decode thread while both are told
        told(first)
        told(last)
        client.wait(comparison)
        client.compare(0, 4)
        assert shown(count) == (last == "automatic")
    told("automatic")
