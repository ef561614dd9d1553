"""What the tests in real editors are measured by: the server's own answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import Client
from tests.e2e.editors import PATIENT_MS


@pytest.fixture(scope="session")
def own_server(tmp_path_factory) -> Iterator[Client]:
    """A real server that no editor has to do with."""
    with Client.real(tmp_path_factory.mktemp("asked")) as client:
        client.start(initializationOptions={"deadlineMs": PATIENT_MS})
        client.until_ready()
        yield client


@pytest.fixture(scope="session")
def asked(own_server) -> callable:
    """Ask what is suggested: the text that a document has after accepting it."""
    count = iter(range(1000))

    def ask(text: str, row: int, col: int) -> str:
        uri = f"file:///asked/{next(count)}.py"
        own_server.open(text, uri=uri)
        (item,) = own_server.inline(row, col, uri=uri)[:1]
        lines = text.split("\n")
        line, end = lines[row], item["range"]["end"]["character"]
        lines[row] = line[: item["range"]["start"]["character"]] + item["insertText"] + line[end:]
        return "\n".join(lines)

    return ask


@pytest.fixture(scope="session")
def asked_both(own_server) -> callable:
    """Ask what both families suggest: the answer to `fimLsp/compare`."""
    count = iter(range(1000))

    def ask(text: str, row: int, col: int) -> dict[str, Any]:
        uri = f"file:///compared/{next(count)}.py"
        own_server.open(text, uri=uri)
        return own_server.compare(row, col, uri=uri)

    return ask
