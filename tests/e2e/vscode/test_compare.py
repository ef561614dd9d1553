"""Both families at the cursor in a real VS Code: the page, what it says, and what its buttons do."""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Window, until

pytestmark = pytest.mark.editor

CALL = ("def area(width, height):\n    return width * height\n\n\nif any(area(", "))\n")
GPT, BERT = "width=3,\n      height=4", "2, 5)):"


def compare(window: Window, before: str, after: str):
    """Type up to a place, compare there; return the whole text and the page."""
    text = window.edit(before, after)
    window.page.keyboard.press("Escape")
    window.command("fim-lsp: Compare BERT and GPT")
    return text, window.until_page("section.side")


def said(page) -> dict[str, str | None]:
    """Return what each column shows as the suggestion."""
    sides = {one.get_attribute("data-family"): one for one in page.query_selector_all("section.side")}
    return {family: (found := one.query_selector("ins")) and found.text_content() for family, one in sides.items()}


def marked(page) -> str:
    """Return the family of the one column that is marked as taken."""
    (taken,) = page.query_selector_all("section.taken")
    assert "taken" in taken.inner_text()
    return taken.get_attribute("data-family")


def test_it_says_what_the_server_says(window, asked_both):
    """With the shipped models."""
    before, after = "import os\n\n\ndef area(width, height):\n    return ", "\n"
    text, page = compare(window, before, after)
    answer = asked_both(text, (text[: len(text) - len(after)]).count("\n"), len("    return "))
    sides = {side["family"]: side for side in answer["sides"]}
    expected = {family: side["item"] and side["item"]["insertText"] for family, side in sides.items()}
    assert said(page) == expected
    assert any(expected.values())
    route = page.query_selector_all("header strong")[1:]  # costs are measured: two servers may choose differently
    assert marked(page) == route[-1].inner_text() in expected
    for family, side in sides.items():
        shown = page.query_selector(f"section[data-family={family}]").inner_text()
        assert all(condition in shown for condition in side["runs"])
        if side["item"]:
            (sure,) = re.findall(r"(\d+) % sure", shown)  # both families read the path, which is another one here
            assert abs(int(sure) - 100 * side["confidence"]) < 20
    window.page.keyboard.press("Escape")
    until(lambda: not window.has_page(), "no page after Escape")


@pytest.fixture(scope="module")
def open_scripted(code, browser, tmp_path_factory):
    """Open a window whose two families say what they are told: open_scripted(*more arguments of the server)."""
    opened: list[Window] = []

    def start(*more: str) -> Window:
        folder = tmp_path_factory.mktemp("compared")
        texts = ["--texts", json.dumps([GPT]), "--bert-texts", json.dumps([BERT])]
        command = [sys.executable, str(ROOT / "tests/fake_server.py"), *texts, *more]
        (folder / ".vscode").mkdir()
        (folder / ".vscode/settings.json").write_text(json.dumps({"fimLsp.path": program(folder, *command)}))
        opened.append(Window(code, browser, folder))
        return opened[-1]

    yield start
    for window in opened:
        window.close()


@pytest.fixture(scope="module")
def scripted(open_scripted):
    return open_scripted()


@pytest.mark.parametrize(("family", "key"), [("gpt", "1"), ("bert", "2")])
def test_either_one_can_be_inserted(scripted, family, key):
    text, page = compare(scripted, *CALL)
    shown = said(page)[family]
    at = len(text) - len(CALL[1])
    if family == "gpt":
        page.click(f"section[data-family={family}] button")
    else:
        scripted.page.keyboard.press(key)
    rest = CALL[1].removeprefix("))") if shown.endswith(")):") else CALL[1]  # the infiller closes what stands already
    scripted.until_disk(text[:at] + shown + rest)
    until(lambda: not scripted.has_page(), "the page to close")
    scripted.page.keyboard.type("!")  # the cursor stands behind what was inserted
    scripted.until_disk(text[:at] + shown + "!" + rest)


def test_the_page_is_as_wide_as_the_theme_and_asks_nobody(scripted):
    wanted: list[str] = []
    scripted.page.on("request", lambda request: wanted.append(request.url))
    _, page = compare(scripted, *CALL)
    assert all("127.0.0.1" in url or url.startswith(("blob:", "data:", "vscode-")) for url in wanted), wanted
    frame = "getComputedStyle(document.querySelector('pre')).color"
    editor = "getComputedStyle(document.documentElement).getPropertyValue('--vscode-editor-foreground')"
    red, green, blue = (int(part) for part in page.evaluate(frame).removeprefix("rgb(").removesuffix(")").split(","))
    assert f"#{red:02x}{green:02x}{blue:02x}" == page.evaluate(editor).strip().lower()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    scripted.page.keyboard.press("Escape")
    until(lambda: not scripted.has_page(), "no page after Escape")


def test_it_runs_again_where_the_cursor_is_now_and_does_not_insert_into_another_text(scripted):
    text, page = compare(scripted, *CALL)
    scripted.page.click(".monaco-editor .view-lines")
    scripted.page.keyboard.press("Control+End")
    scripted.page.keyboard.type("y = ")
    scripted.page.keyboard.press("Escape")
    scripted.until_disk(text + "y = ")
    page.click("section[data-family=gpt] button")
    scripted.page.wait_for_selector("text=the text has changed since")
    assert scripted.on_disk() == text + "y = "
    page.click("text=Run again")
    line = (text + "y = ").count("\n") + 1
    page = scripted.until_page(f"strong:has-text('line {line}')")
    assert said(page)["gpt"] == GPT.split("\n")[0]  # behind `y =` one line is enough
    scripted.page.keyboard.press("Escape")
    until(lambda: not scripted.has_page(), "no page after Escape")


def test_a_family_that_fails_shows_its_error(open_scripted):
    _, page = compare(open_scripted("--broken", "bert"), *CALL)
    assert marked(page) == "gpt"
    assert "bert cannot be loaded" in page.inner_text("header")
    assert page.inner_text("section[data-family=bert] .error") == "no weights of bert here: put some"
    assert said(page)["gpt"]


def test_it_can_be_cancelled_while_it_runs(open_scripted):
    window = open_scripted("--step-s", "0.3", "--texts", json.dumps(["word " * 200]))
    window.edit(*CALL)
    window.command("fim-lsp: Compare BERT and GPT")
    window.page.click(".notification-toast >> text=Cancel")
    until(lambda: not window.page.query_selector(".notification-toast"), "the progress to end")
    window.page.wait_for_timeout(500)
    assert not window.has_page()
