"""Both families at the cursor in a real Neovim: the window, what it says, and what its keys do."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.editor

BEFORE, AFTER = "def area(width, height):\n    return width * height\n\n\nif any(area(", "))\n"
ROW, COL = BEFORE.count("\n"), len("if any(area(")
BERT = ("--bert-texts", '["é, 世)):"]')
WIDE = {"width": 120, "height": 30}


def compare(screen) -> list[str]:
    """Compare at the cursor and return the rows of the window."""
    screen.nvim.command("FimLsp compare")
    return screen.until(lambda: any("GPT-style" in row for row in screen.rows()) and screen.rows(), "both sides", 240)


def is_open(screen) -> bool:
    return any("BERT and GPT" in row for row in screen.rows())


def shown(screen) -> list[str]:
    """Return what is highlighted as a suggestion, side by side or one below the other, in the order of the screen."""
    return screen.lua(
        """local found = {}
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, {details = true})) do
          if mark[4].hl_group == 'FimLspGhost' then
            local line = vim.api.nvim_buf_get_lines(0, mark[2], mark[2] + 1, false)[1]
            table.insert(found, line:sub(mark[3] + 1, mark[4].end_col))
          end
        end
        return found"""
    )


def test_it_says_what_the_server_says(screen, asked_both):
    """With the shipped models."""
    before = "import os\n\n\ndef area(width, height):\n    return "
    screen.edit(before + "\n", before.count("\n"), len("    return "))
    screen.nvim.input("<Esc>")
    rows = compare(screen)
    sides = asked_both(before + "\n", before.count("\n"), len("    return "))["sides"]
    expected = [line for side in sides if side["item"] for line in side["item"]["insertText"].split("\n")]
    assert expected
    assert sorted(filter(None, shown(screen))) == sorted(expected)
    screen_text = "\n".join(rows)
    (taken,) = re.findall(r"(\w+)-style \w+  ● taken", screen_text)
    first, onward = re.search(r"goes to (\w+)(?:, which hands over to (\w+))?", screen_text).groups()
    assert taken.lower() == (onward or first)  # costs are measured: two servers may choose differently
    screen.nvim.input("<Esc>")
    screen.until(lambda: not is_open(screen), "no window after Escape")


@pytest.mark.parametrize(("key", "side"), [("1", 0), ("2", 1)])
def test_either_one_can_be_inserted(scripted, key, side):
    screen = scripted('["width, height"]', more=BERT, **WIDE)
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.nvim.input("<Esc>")  # the place is where insert mode was left
    rows = compare(screen)
    row = next(row for row in rows if "2  BERT-style" in row)
    assert "1  GPT-style" in row  # beside each other
    text = shown(screen)[side]
    screen.nvim.input(key)
    rest = AFTER.removeprefix("))") if text.endswith(")):") else AFTER  # the infiller closes what stands already
    screen.until(lambda: screen.text() + "\n" == BEFORE + text + rest, "the inserted text")
    assert not is_open(screen)
    assert screen.nvim.api.get_mode()["mode"] == "n"
    screen.nvim.input("u")
    screen.until(lambda: screen.text() + "\n" == BEFORE + AFTER, "the text as it was")


def test_one_below_the_other_where_it_is_narrow(scripted):
    screen = scripted('["width, height"]', more=BERT, width=60, height=30)
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.nvim.input("<Esc>")
    rows = compare(screen)
    gpt, bert = (next(at for at, row in enumerate(rows) if name in row) for name in ("GPT-style", "BERT-style"))
    assert gpt < bert
    assert shown(screen) == ["width, height", "é, 世)):"]


def test_from_insert_mode_typing_goes_on_behind_what_was_inserted(scripted):
    screen = scripted('["width, height"]', more=BERT, init="vim.keymap.set('i', '<F2>', '<Cmd>FimLsp compare<CR>')")
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.until_ghost()
    screen.nvim.input("<F2>")
    screen.until(lambda: any("GPT-style" in row for row in screen.rows()), "both sides")
    screen.nvim.input("2")
    screen.until(lambda: screen.nvim.api.get_mode()["mode"] == "i", "insert mode")
    screen.nvim.input("!")
    screen.until(lambda: screen.text() + "\n" == BEFORE + "é, 世)):!\n", f"the text, not {screen.text()!r}")


def test_a_family_that_fails_shows_its_error(scripted):
    screen = scripted('["width, height"]', more=(*BERT, "--broken", "bert"), **WIDE)
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.nvim.input("<Esc>")
    rows = compare(screen)
    assert any("no weights of bert here: put some" in row for row in rows)
    assert any("GPT-style decoder  ● taken" in row for row in rows)
    screen.nvim.input("2")  # there is nothing to insert
    screen.nvim.input("1")
    screen.until(lambda: screen.text() + "\n" == BEFORE + "width, height" + AFTER, "the other one inserted")


def test_closing_the_window_cancels_and_the_editor_was_never_blocked(scripted):
    screen = scripted('["' + "word " * 100 + '"]', step_s=0.1, **WIDE)
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.nvim.input("<Esc>")
    screen.nvim.command("FimLsp compare")
    screen.until(lambda: any("comparing at the cursor" in row for row in screen.rows()), "the window")
    pending = "return #vim.tbl_keys(vim.lsp.get_clients()[1].requests)"
    assert screen.lua(pending) > 0
    screen.nvim.input("q")
    screen.until(lambda: not is_open(screen), "no window")
    screen.until(lambda: screen.lua(pending) == 0, "an answer to what was cancelled", 20)


def test_it_runs_again_and_refuses_what_has_changed(scripted):
    screen = scripted('["width, height"]', more=BERT, **WIDE)
    screen.edit(BEFORE + AFTER, ROW, COL)
    screen.nvim.input("<Esc>")
    buf = screen.nvim.current.buffer
    compare(screen)
    screen.nvim.input("r")
    screen.until(lambda: any("GPT-style" in row for row in screen.rows()), "both sides again")
    buf.append("# changed meanwhile")
    screen.nvim.input("1")
    screen.until(lambda: "the text has changed since" in screen.messages(), "a refusal")
    assert "width, height))" not in "\n".join(buf[:])


def test_nothing_to_compare_is_said(scripted):
    screen = scripted(**WIDE)
    screen.edit("word\n", 0, 2)
    screen.nvim.input("<Esc>")
    screen.nvim.command("FimLsp compare")
    screen.until(lambda: any("nothing was compared: the cursor is inside a word" in r for r in screen.rows()), "why")
