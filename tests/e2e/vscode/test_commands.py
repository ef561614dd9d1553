"""What a person sets, asks for by hand and is told, before a server that says what it is told to."""

from __future__ import annotations

import json
import sys

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Window, until

pytestmark = pytest.mark.editor


@pytest.fixture(scope="module")
def scripted(code, browser, tmp_path_factory):
    """A window on a folder whose own settings run a server that says what it is told."""
    folder = tmp_path_factory.mktemp("scripted")
    texts = '["total += value\\n        count += 1", "break", "continue"]'
    command = [sys.executable, str(ROOT / "tests/fake_server.py"), "--texts", texts]
    (folder / ".vscode").mkdir()
    (folder / ".vscode/settings.json").write_text(json.dumps({"fimLsp.path": program(folder, *command)}))
    opened = Window(code, browser, folder)
    yield opened
    opened.close()


LOOP = "def mean(values):\n    total = count = 0\n    for value in values:\n        "


def test_several_lines(scripted):
    text = scripted.edit(LOOP, "\n    return total / count\n")
    both = "total += value\n        count += 1"
    scripted.until_ghost(both)
    scripted.page.keyboard.press("Tab")
    scripted.until_disk(text.replace("        \n", "        total += value\n        count += 1\n"))


def test_by_hand_there_are_several(scripted):
    text = scripted.edit(LOOP, "\n    return total / count\n")
    scripted.until_ghost()
    scripted.page.keyboard.press("Alt+Backslash")
    scripted.page.wait_for_timeout(500)
    scripted.page.keyboard.press("Alt+BracketRight")
    scripted.page.wait_for_timeout(300)
    scripted.until_ghost("break")
    scripted.page.keyboard.press("Tab")
    scripted.until_disk(text.replace("        \n", "        break\n"))


def test_a_changed_setting_takes_effect(scripted):
    settings = scripted.folder / ".vscode/settings.json"
    as_it_was = settings.read_text()
    settings.write_text(json.dumps({**json.loads(as_it_was), "fimLsp.maxLines": 1}))
    scripted.page.wait_for_timeout(1500)
    scripted.edit(LOOP, "\n    return total / count\n")
    scripted.until_ghost("total += value")
    settings.write_text(as_it_was)


def test_a_pause_is_quiet_and_ends(scripted):
    scripted.command("fim-lsp: Toggle Suggestions")
    until(lambda: "paused everywhere" in scripted.status(), "the pause in the status bar")
    scripted.edit(LOOP, "\n    return total / count\n")
    scripted.page.wait_for_timeout(700)
    assert scripted.ghost() == ""
    scripted.command("fim-lsp: Toggle Suggestions")
    until(lambda: "ready" in scripted.status(), "the end of the pause")
    scripted.edit(LOOP, "\n    return total / count\n")
    scripted.until_ghost()


def test_the_last_answer_is_explained(scripted):
    scripted.edit(LOOP, "\n    return total / count\n")
    scripted.until_ghost()
    scripted.page.keyboard.press("Escape")
    scripted.command("fim-lsp: Explain")
    scripted.page.wait_for_function(
        "() => document.body.innerText.replaceAll('\\u00a0', ' ').includes('total += value')"
    )
