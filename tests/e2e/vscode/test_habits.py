"""What a person's own VS Code brings along: notebooks, several cursors, variables in a path."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Window, until

pytestmark = pytest.mark.editor

CELLS = ["%matplotlib inline\n!ls\nwidth = 3", "area = "]


def notebook(*cells: str) -> str:
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return json.dumps(
        {
            "cells": [{**code, "source": cell.splitlines(keepends=True)} for cell in cells],
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 2,
        }
    )


@pytest.fixture(scope="module")
def own(code, browser, tmp_path_factory):
    """A window whose server is named by the folder it is in, and says what it is told."""
    folder = tmp_path_factory.mktemp("own")
    command = [sys.executable, str(ROOT / "tests/fake_server.py"), "--texts", '["alpha + beta"]']
    program(folder, *command)
    (folder / ".vscode").mkdir()
    (folder / ".vscode/settings.json").write_text(json.dumps({"fimLsp.path": "${workspaceFolder}/fim-lsp"}))
    (folder / "cells.ipynb").write_text(notebook(*CELLS))
    opened = Window(code, browser, folder)
    yield opened
    opened.close()


def test_a_path_within_the_open_folder(own):
    own.edit("total = ")
    own.until_ghost("alpha + beta")


def test_tab_accepts_at_every_cursor(own):
    text = own.edit("one = \none = ")
    own.command("Add Cursor Above")
    own.page.wait_for_timeout(300)
    own.page.keyboard.type("2 * ")
    own.until_ghost("alpha + beta" * 2)
    own.page.keyboard.press("Tab")
    own.until_disk(text.replace("one = ", "one = 2 * alpha + beta"))


def test_cells_of_a_notebook(own):
    file = own.folder / "cells.ipynb"
    own.page.goto(own.server.url(own.folder, file))
    own.page.wait_for_selector(".notebookOverlay .monaco-editor .view-line", timeout=60_000)
    own.until_ready()
    own.page.click(".notebookOverlay .monaco-editor .view-lines >> nth=1")
    own.page.keyboard.press("Control+End")
    own.page.keyboard.type("2 * ")
    own.until_ghost("alpha + beta")
    own.page.keyboard.press("Tab")
    until(lambda: sources(file)[1] == "area = 2 * alpha + beta", lambda: f"the cell, not {sources(file)}")
    assert sources(file)[0] == CELLS[0]


def sources(file: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]]
