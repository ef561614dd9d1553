"""What a person's own VS Code brings along: several cursors, variables in a path."""

from __future__ import annotations

import json
import sys

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Window

pytestmark = pytest.mark.editor


@pytest.fixture(scope="module")
def own(code, browser, tmp_path_factory):
    """A window whose server is named by the folder it is in, and says what it is told."""
    folder = tmp_path_factory.mktemp("own")
    command = [sys.executable, str(ROOT / "tests/fake_server.py"), "--texts", '["alpha + beta"]']
    program(folder, *command)
    (folder / ".vscode").mkdir()
    (folder / ".vscode/settings.json").write_text(json.dumps({"fimLsp.path": "${workspaceFolder}/fim-lsp"}))
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
