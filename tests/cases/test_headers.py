"""Headers of messages in every spelling that RFC 7230 allows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.client import Client

TYPE = "Content-Type: application/vscode-jsonrpc; charset=utf-8"


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[Client]:
    with Client.fake(tmp_path_factory.mktemp("headers")) as running:
        running.start()
        yield running
    running.check_clean()


@pytest.mark.parametrize(
    "head",
    [
        "content-length: {}\r\n\r\n",
        "CONTENT-LENGTH: {}\r\n\r\n",
        "Content-Length:  {}\r\n\r\n",
        "Content-Length:{}\r\n\r\n",
        "Content-Length:\t{} \r\n\r\n",
        f"{TYPE}\r\nContent-Length: {{}}\r\n\r\n",
        f"Content-Length: {{}}\r\n{TYPE}\r\n\r\n",
        f"content-length:  {{}}\r\n{TYPE.lower()}\r\n\r\n",
        "X-Length: 3\r\nContent-Length: {}\r\n\r\n",
        "Content-Length: {}\n\n",
        "\r\nContent-Length: 000{}\r\n\r\n",
    ],
)
def test_a_header_is_read_as_its_rfc_says(client, head):
    client.last_id += 1
    client.asked.add(client.last_id)
    body = json.dumps({"jsonrpc": "2.0", "id": client.last_id, "method": "no/suchMethod"}, ensure_ascii=False).encode()
    client.process.stdin.write(head.format(len(body)).encode() + body)
    client.process.stdin.flush()
    assert client.wait(client.last_id, 5)["error"]["code"] == -32601


def test_a_length_counts_bytes(client):
    client.open("x = 'é😀'  # ü\ny = \n")
    assert len(client.inline(1, 4)) == 1
