"""Cells in VS Code's own notebook editor, no kernel running, before a server that says what it is told to."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Server, Window, until

pytestmark = pytest.mark.editor

CELLS = ["%matplotlib inline\n!ls\nwidth = 3", "height = 4\n%time area = width * height", "%timeit area\ntotal = "]
READ = ["#matplotlib inline\n#ls\nwidth = 3", "height = 4\n#time area = width * height", "#timeit area\ntotal = "]


class Notebook:
    """A window whose cells are typed into by keys."""

    def __init__(self, window: Window, code: Server, is_ready: bool = True):
        self.window, self.page = window, window.page
        self.file = window.folder / "cells.ipynb"
        self.prompts = window.folder / "prompts"
        self.file.write_text(written(CELLS))
        self.page.goto(code.url(window.folder, self.file))
        self.page.wait_for_selector(".notebookOverlay .monaco-editor .view-line", timeout=60_000)
        if is_ready:
            window.until_ready()

    def type(self, cell: int, text: str) -> None:
        """Type at the end of a cell."""
        self.page.click(f".notebookOverlay .monaco-editor .view-lines >> nth={cell}")
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def cells(self) -> list[str]:
        """Return the cells as they are on the disk; none while VS Code is writing them."""
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            return []
        return ["".join(cell["source"]) for cell in found["cells"]]

    def until(self, *cells: str) -> None:
        until(lambda: self.cells() == list(cells), lambda: f"the cells {cells}, not {self.cells()}")

    def tabs(self) -> list[str]:
        names = (tab.get_attribute("data-resource-name") for tab in self.page.query_selector_all(".tab"))
        return [name for name in names if name]

    def prompt(self) -> dict[str, Any]:
        """Return what the model was shown last."""
        return json.loads(self.prompts.read_text(encoding="utf-8").splitlines()[-1])


def written(cells: list[str]) -> str:
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
def opened(code, browser, tmp_path_factory) -> Iterator[Window]:
    """A window on a file: of a notebook VS Code makes text where that is the first it ever opens."""
    folder: Path = tmp_path_factory.mktemp("cells")
    command = [sys.executable, str(ROOT / "tests/fake_server.py"), "--texts", '["width + area"]']
    command += ["--prompts", str(folder / "prompts")]
    (folder / ".vscode").mkdir()
    settings = {"fimLsp.path": program(folder, *command), "fimLsp.lookAhead": False}
    (folder / ".vscode/settings.json").write_text(json.dumps(settings))
    window = Window(code, browser, folder)
    yield window
    window.close()


@pytest.fixture
def notebook(opened, code) -> Notebook:
    """Three cells anew; what a test before has not left on the disk VS Code would bring back."""
    return Notebook(opened, code)


def test_tab_accepts_in_the_last_cell_what_those_above_gave_rise_to(notebook):
    notebook.type(2, "2 * ")
    notebook.window.until_ghost("width + area")
    assert notebook.prompt()["segments"] == ["\n\n".join(READ) + "2 * ", ""]
    notebook.page.keyboard.press("Tab")
    notebook.until(*CELLS[:2], CELLS[2] + "2 * width + area")


def test_a_cell_that_is_added_and_moved_counts_where_it_stands(notebook):
    notebook.type(2, "1")
    notebook.window.command("Notebook: Insert Code Cell Below")
    until(lambda: len(notebook.cells()) == 4, "a fourth cell")
    notebook.page.keyboard.type("fresh = ")
    notebook.window.until_ghost("width + area")
    assert notebook.prompt()["segments"] == ["\n\n".join(READ) + "1\n\nfresh = ", ""]
    notebook.page.keyboard.press("Escape")
    notebook.window.command("Notebook: Move Cell Up")
    notebook.until(*CELLS[:2], "fresh = ", CELLS[2] + "1")
    notebook.type(2, "2 * ")
    notebook.window.until_ghost("width + area")
    assert notebook.prompt()["segments"] == ["\n\n".join(READ[:2]) + "\n\nfresh = 2 * ", f"\n\n{READ[2]}1"]
    notebook.until(*CELLS[:2], "fresh = 2 * ", CELLS[2] + "1")


def test_a_pause_in_this_file_holds_in_every_cell(notebook):
    notebook.type(2, "2")
    notebook.window.command("fim-lsp: Pause or Resume in This File")
    until(lambda: "paused in this file" in notebook.window.status(), "the pause in the status bar")
    asked = len(notebook.prompts.read_text().splitlines())
    notebook.type(1, "\nx = ")
    notebook.until(CELLS[0], CELLS[1] + "\nx = ", CELLS[2] + "2")
    assert "paused in this file" in notebook.window.status()
    notebook.window.command("fim-lsp: Pause or Resume in This File")
    until(lambda: "ready" in notebook.window.status(), "the end of the pause")
    notebook.type(1, "3 * ")
    notebook.window.until_ghost("width + area")
    assert len(notebook.prompts.read_text().splitlines()) > asked
    notebook.until(CELLS[0], CELLS[1] + "\nx = 3 * ", CELLS[2] + "2")


def test_a_comparison_is_inserted_into_the_cell_it_was_made_in(notebook):
    notebook.type(2, "2 * ")
    notebook.window.until_ghost()
    notebook.page.keyboard.press("Escape")
    notebook.window.command("fim-lsp: Compare BERT and GPT")
    page = notebook.window.until_page("section.side")
    assert "cells.ipynb, cell 3, line 2" in page.inner_text("header")
    notebook.page.keyboard.press("1")
    notebook.until(*CELLS[:2], CELLS[2] + "2 * width + area")
    until(lambda: "BERT and GPT" not in notebook.tabs(), "the page to close")
    notebook.page.keyboard.type("!")  # the cursor stands behind what was inserted
    notebook.until(*CELLS[:2], CELLS[2] + "2 * width + area!")
    assert notebook.tabs() == ["cells.ipynb"], "another editor was opened"


def test_a_missing_server_is_told_of_once_and_not_for_each_cell(opened, code):
    settings, missing = opened.folder / ".vscode/settings.json", opened.folder / "missing"
    as_it_was, said = settings.read_text(), f"fimLsp.path is {missing}, which is not a file"
    settings.write_text(json.dumps({"fimLsp.path": str(missing)}))
    until(lambda: said in code.logs(), "a word on what is missing")
    before = code.logs().count(said)
    notebook = Notebook(opened, code, is_ready=False)
    until(lambda: code.logs().count(said) > before, "a word on what is missing in the window opened anew")
    notebook.type(2, "1")
    notebook.until(*CELLS[:2], CELLS[2] + "1")
    assert code.logs().count(said) == before + 1
    settings.write_text(as_it_was)
    opened.until_ready()
