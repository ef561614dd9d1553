"""What the tests in real editors are measured by: the server's own answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import Client
from tests.e2e.editors import PATIENT_MS


@pytest.fixture(scope="session")
def asked(tmp_path_factory) -> Iterator[callable]:
    """Ask a server of our own what it suggests: the text that a document has after accepting it."""
    with Client.real(tmp_path_factory.mktemp("asked")) as client:
        client.start(initializationOptions={"deadlineMs": PATIENT_MS})
        client.until_ready()
        count = iter(range(1000))

        def ask(text: str, row: int, col: int) -> str:
            uri = f"file:///asked/{next(count)}.py"
            client.open(text, uri=uri)
            (item,) = client.inline(row, col, uri=uri)[:1]
            lines = text.split("\n")
            line, end = lines[row], item["range"]["end"]["character"]
            lines[row] = line[: item["range"]["start"]["character"]] + item["insertText"] + line[end:]
            return "\n".join(lines)

        yield ask
