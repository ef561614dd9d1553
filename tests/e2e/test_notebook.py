"""Notebooks through a real server: cells are read as one text, and answered in places of the cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import FULL, Client

pytestmark = pytest.mark.alone

NOTEBOOK = "file:///w/project/sums.ipynb"
CAPABILITIES = {**FULL, "notebookDocument": {"synchronization": {"dynamicRegistration": True}}}


def uri(number: Any, notebook: str = NOTEBOOK) -> str:
    return f"vscode-notebook-cell{notebook.removeprefix('file')}#W{number}"


def cell(number: Any, language: str = "python", notebook: str = NOTEBOOK) -> dict[str, Any]:
    return {"kind": 1 if language == "markdown" else 2, "document": uri(number, notebook)}


def item(number: Any, text: str, language: str = "python", notebook: str = NOTEBOOK) -> dict[str, Any]:
    return {"uri": uri(number, notebook), "languageId": language, "version": 1, "text": text}


class Notebook:
    """An editor's notebook: cells in an order, told to a server."""

    def __init__(self, client: Client, *texts: str, name: str = NOTEBOOK):
        self.client, self.name = client, name
        cells = [text.partition("\0")[::2] for text in texts]  # text, language
        document = {"uri": name, "notebookType": "jupyter-notebook", "version": 1}
        document["cells"] = [cell(n, language or "python", name) for n, (_, language) in enumerate(cells)]
        items = [item(n, text, language or "python", name) for n, (text, language) in enumerate(cells)]
        client.notify("notebookDocument/didOpen", {"notebookDocument": document, "cellTextDocuments": items})

    def change(self, **cells: Any) -> None:
        params = {"notebookDocument": {"uri": self.name, "version": 2}, "change": {"cells": cells}}
        self.client.notify("notebookDocument/didChange", params)

    def splice(self, start: int, deleted: int, *fresh: dict[str, Any], **more: Any) -> None:
        self.change(structure={"array": {"start": start, "deleteCount": deleted, "cells": list(fresh)}, **more})

    def edit(self, number: Any, *changes: dict[str, Any]) -> None:
        document = {"uri": uri(number, self.name), "version": 5}
        self.change(textContent=[{"document": document, "changes": list(changes)}])

    def close(self, *numbers: Any) -> None:
        cells = [{"uri": uri(number, self.name)} for number in numbers]
        params = {"notebookDocument": {"uri": self.name}, "cellTextDocuments": cells}
        self.client.notify("notebookDocument/didClose", params)

    def inline(self, number: Any, line: int, character: int) -> list[dict[str, Any]]:
        return self.client.inline(line, character, uri=uri(number, self.name))

    def reason(self, number: Any, line: int, character: int) -> str:
        return self.client.explain(line, character, uri=uri(number, self.name))["reason"]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("notebook")
    options = {"lookAhead": False, "exclude": ["secret*.ipynb"]}
    with Client.fake(folder, "--texts", '["total"]', "--prompts", str(folder / "prompts")) as client:
        offered = client.start(CAPABILITIES, rootUri="file:///w", initializationOptions=options)
        assert offered["notebookDocumentSync"] == {"notebookSelector": [{"notebook": "*"}]}
        client.until_ready()
        yield client
    client.check_clean()


def prompt(client: Client) -> dict[str, Any]:
    """Return what the model was shown last."""
    return json.loads((client.trace.parent / "prompts").read_text().splitlines()[-1])


def test_the_model_sees_the_cells_around_and_a_path_of_the_language(server):
    notebook = Notebook(server, "import os", "# Totals\0markdown", "%time\ntotal = 1", "print()", "y = 2")
    (shown,) = notebook.inline(3, 0, 6)
    assert shown["range"] == {"start": {"line": 0, "character": 6}, "end": {"line": 0, "character": 6}}
    seen = prompt(server)
    assert seen["segments"] == ["import os\n\n#time\ntotal = 1\n\nprint(", "\n\ny = 2"]
    assert seen["path"] == "project/sums.py"


def test_cells_are_edited_moved_added_and_deleted(server):
    notebook = Notebook(server, "total = 1", "print()", "z = 3")

    def shown() -> list[str]:
        notebook.inline(1, 0, 6)
        return prompt(server)["segments"]

    assert shown() == ["total = 1\n\nprint(", "\n\nz = 3"]
    at = {"line": 0, "character": 8}
    notebook.edit(0, {"range": {"start": at, "end": at}, "text": "é😀 + "}, {"text": "total = 2"})
    assert shown() == ["total = 2\n\nprint(", "\n\nz = 3"]
    notebook.splice(2, 1)  # the last one moves to the top
    notebook.splice(0, 0, cell(2))
    assert shown() == ["z = 3\n\ntotal = 2\n\nprint(", ""]
    notebook.splice(1, 0, cell("new"), didOpen=[item("new", "new = 4")])
    assert shown() == ["z = 3\n\nnew = 4\n\ntotal = 2\n\nprint(", ""]
    notebook.splice(0, 1, didClose=[{"uri": uri(2)}])
    assert shown() == ["new = 4\n\ntotal = 2\n\nprint(", ""]
    notebook.change(data=[{**cell(0), "executionSummary": {"executionOrder": 7, "success": True}}])
    assert shown() == ["new = 4\n\ntotal = 2\n\nprint(", ""]
    assert notebook.inline(2, 0, 0) == []
    assert notebook.reason(2, 0, 0) == "the document is not open"


def test_places_in_a_cell_are_its_own_in_menus_and_explanations(tmp_path):
    with Client.fake(tmp_path, "--texts", '["al"]') as client:
        offered = client.start({"textDocument": {"completion": {}}})
        assert "notebookDocumentSync" not in offered, (
            "the client said nothing of notebooks; it may send some all the same"
        )
        notebook = Notebook(client, "total = 1\ns = '😀'", "x = '😀'; print(tot)")
        asked = {"textDocument": {"uri": uri(1)}, "position": {"line": 0, "character": 19}}
        (entry,) = client.request("textDocument/completion", asked)["result"]["items"]
        assert entry["textEdit"]["newText"] == "total"
        assert entry["textEdit"]["range"]["start"] == {"line": 0, "character": 16}
        assert entry["textEdit"]["range"]["end"] == {"line": 0, "character": 19}
        assert client.explain(0, 19, uri=uri(1))["shown"] == ["al"]
        assert notebook.client is client
    client.check_clean()


def test_what_was_accepted_in_a_cell_is_counted_there(server):
    notebook = Notebook(server, "total = 1", "print()")
    (shown,) = notebook.inline(1, 0, 6)
    at = {"line": 0, "character": 6}
    notebook.edit(1, {"range": {"start": at, "end": at}, "text": "total"})
    command = {name: shown["command"][name] for name in ("command", "arguments")}
    assert server.request("workspace/executeCommand", command)["result"] is None
    assert len(notebook.inline(1, 0, 12)) <= 1


def test_an_excluded_notebook_is_shown_to_nobody(server):
    name = "file:///w/secret.ipynb"
    hidden = Notebook(server, "total = 1", "print()", name=name)
    assert hidden.inline(1, 0, 6) == []
    assert "secret*.ipynb" in hidden.reason(1, 0, 6)
    hidden.splice(2, 0, cell(2, notebook=name), didOpen=[item(2, "print()", notebook=name)])
    assert hidden.inline(2, 0, 6) == []
    assert "secret*.ipynb" in hidden.reason(2, 0, 6)


def test_cells_of_an_excluded_notebook_that_bear_another_name(server):
    document = {"uri": "file:///w/.env", "notebookType": "x", "version": 1}
    document["cells"] = [{"kind": 2, "document": "cell:a"}]
    items = [{"uri": "cell:a", "languageId": "python", "version": 1, "text": "print()"}]
    server.notify("notebookDocument/didOpen", {"notebookDocument": document, "cellTextDocuments": items})
    assert server.inline(0, 6, uri="cell:a") == []


def test_after_a_change_that_cannot_be_read_the_cells_are_not_known(server):
    notebook = Notebook(server, "total = 1", "print()")
    assert len(notebook.inline(1, 0, 6)) == 1
    notebook.change(textContent=[{"document": {"uri": uri(1)}, "changes": [{"text": 7}]}])
    assert notebook.inline(1, 0, 6) == []
    notebook.close(0, 1)
    again = Notebook(server, "total = 1", "print()")
    assert len(again.inline(1, 0, 6)) == 1


def test_a_closed_notebook_is_forgotten(server):
    notebook = Notebook(server, "total = 1", "print()")
    notebook.close(0, 1)
    assert notebook.inline(1, 0, 6) == []
    assert notebook.reason(1, 0, 6) == "the document is not open"
