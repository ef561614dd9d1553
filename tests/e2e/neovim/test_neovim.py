"""Ghost text as a person sees it: real Neovim, real server, the shipped model."""

from __future__ import annotations

import time

import psutil
import pytest

pytestmark = pytest.mark.editor

AREA = "import os\n\n\ndef area(width, height):\n    return "
BRACKETS = "def area(width, height):\n    return width * height\n\n\nprint(str(area()))\n"
ACCENTS = 'def greet(name):\n    print("Grüße, 世界", '
BLOCK = "class Point:\n    def __init__(self, x, y):\n"


def place_of(text: str) -> tuple[int, int]:
    row = text.count("\n")
    return row, len(text.rsplit("\n", 1)[-1])


def start(screen, text: str, rest: str = "\n") -> tuple[int, int]:
    row, col = place_of(text)
    screen.edit(text + rest, row, len(text.rsplit("\n", 1)[-1].encode()))
    return row, col


def test_ghost_text_appears_and_tab_accepts_it_to_the_letter(screen, asked):
    row, col = start(screen, AREA)
    screen.until_ghost()
    frame = screen.frame()
    assert AREA.rsplit("\n", 1)[-1] + frame["ghost"] in frame["rows"]
    assert screen.text() + "\n" == AREA + "\n"
    screen.nvim.input("<Tab>")
    expected = asked(AREA + "\n", row, col)
    screen.until(lambda: screen.text() + "\n" == expected, "the accepted text")
    screen.nvim.input("<Esc>")
    screen.nvim.command("write")
    assert (screen.folder / "work.py").read_text(encoding="utf-8") == expected


def test_undo_takes_back_what_was_accepted_and_no_more(screen):
    start(screen, AREA[:-1])
    screen.nvim.input(" ")
    screen.until_ghost()
    screen.nvim.input("<Tab>")
    screen.until(lambda: screen.text() != AREA, "the accepted text")
    screen.nvim.input("<Esc>u")
    screen.until(lambda: screen.text() == AREA, "the text as it was")


def test_escape_puts_it_away(screen):
    start(screen, AREA)
    ghost = screen.until_ghost()
    screen.nvim.input("<Esc>")
    screen.until(lambda: screen.ghost() is None, "no suggestion")
    assert not any(ghost in row for row in screen.rows())


def test_a_word_and_then_a_line(screen):
    start(screen, AREA)
    ghost = screen.until_ghost()
    screen.nvim.input("<M-w>")
    screen.until(lambda: screen.text() != AREA, "a word")
    taken = screen.text()[len(AREA) :]
    assert ghost.startswith(taken)
    assert 0 < len(taken) <= len(ghost)
    if taken != ghost:
        assert screen.ghost() == ghost[len(taken) :]  # the rest stays on screen
        screen.nvim.input("<M-l>")
        screen.until(lambda: screen.text() == AREA + ghost, "the line")


def test_typing_along_keeps_it_in_every_frame(screen):
    start(screen, AREA)
    ghost = screen.until_ghost()
    for n in range(1, len(ghost)):
        screen.nvim.input(ghost[n - 1] if ghost[n - 1] != "<" else "<lt>")
        assert screen.ghost() == ghost[n:]
        assert AREA.rsplit("\n", 1)[-1] + ghost in screen.rows()


def test_several_lines(screen):
    start(screen, BLOCK, "\n\n\nprint(Point(1, 2).x)\n")
    screen.nvim.input("        ")
    ghost = screen.until_ghost()
    assert "\n" in ghost
    expected = screen.accepted()
    rows = screen.rows()
    for line in ghost.split("\n"):
        assert any(row.endswith(line.rstrip()) for row in rows), line
    screen.nvim.input("<Tab>")
    screen.until(lambda: screen.text() == expected, "the block")


def test_closing_brackets_right_of_the_cursor(screen, asked):
    before, after = BRACKETS[: BRACKETS.index(")))")], ")))\n"
    row, col = start(screen, before, after)
    ghost = screen.until_ghost()
    (line,) = [shown for shown in screen.rows() if shown.startswith("print(")]
    assert line.count(")") == line.count("(")
    screen.nvim.input("<Tab>")
    expected = asked(before + after, row, col)
    screen.until(lambda: screen.text() + "\n" == expected, f"the call with {ghost!r}")


def test_a_line_with_wide_and_accented_letters(screen, asked):
    row, col = start(screen, ACCENTS, ")\n")
    screen.until_ghost()
    screen.nvim.input("<Tab>")
    expected = asked(ACCENTS + ")\n", row, col)
    screen.until(lambda: screen.text() + "\n" == expected, "the accepted text")


def test_the_server_dies_and_comes_back(screen):
    start(screen, AREA)
    screen.until_ghost()
    before = screen.client()
    (server,) = [p for p in psutil.Process(screen.lua("return vim.fn.getpid()")).children() if "serve" in p.cmdline()]
    server.kill()
    screen.until(lambda: screen.client() not in (0, before), "a new server")
    start(screen, AREA)
    screen.until_ghost()
    assert screen.messages().count("starting it again") == 1
    screen.nvim.command("messages clear")


def test_a_changed_setting_takes_effect(screen):
    start(screen, AREA)
    screen.until_ghost()
    screen.lua("require('fim_lsp.server').set('trigger', 'manual')")
    start(screen, AREA)
    time.sleep(0.5)
    assert screen.ghost() is None
    screen.nvim.input("<M-Bslash>")
    screen.until_ghost()
    screen.lua("require('fim_lsp.server').set('trigger', 'automatic')")
    start(screen, AREA)
    screen.until_ghost()


ACCOUNT = """\
class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        return self.balance
"""


@pytest.mark.typing
def test_thirty_seconds_of_typing_eight_keys_a_second(screen):
    start(screen, "", "")
    screen.nvim.command("setlocal noautoindent indentexpr= nosmartindent")
    trace = screen.folder / "trace.jsonl"
    before = len(trace.read_text().splitlines())
    typed, frames, seen = (ACCOUNT * 2)[: 30 * 8], 0, 0
    for char in typed:
        screen.nvim.input("<CR>" if char == "\n" else char)
        until = time.monotonic() + 1 / 8
        while time.monotonic() < until:
            frames += 1
            seen += is_ghost_true(screen)
            time.sleep(0.02)
    screen.nvim.input("<Esc>")
    assert screen.text() == typed
    assert "Error" not in screen.messages()
    screen.until(lambda: not screen.lua("return next(vim.lsp.get_clients()[1].requests)"), "an answer to every request")
    requests = len(trace.read_text().splitlines()) - before
    print(f"\n{len(typed)} keys, {frames} frames, {seen} of them with a suggestion, {requests} requests")
    assert frames > len(typed)
    assert requests


def is_ghost_true(screen) -> bool:
    """Check that what is on screen is the document and a suggestion for this very place."""
    frame = screen.frame()
    ghost, place = frame["ghost"], frame["place"]
    row = frame["rows"][place["row"] - frame["top"] + 1]
    assert row == (place["before"] + ghost.split("\n")[0] + place["rest"]).rstrip()
    return bool(ghost)


def test_how_long_an_answer_takes_to_be_seen(screen):
    screen.lua(
        """waits = {}
        local decode, arrived = vim.json.decode, 0
        vim.json.decode = function(body, ...)
          if body:find('insertText', 1, true) then arrived = vim.uv.hrtime() end
          return decode(body, ...)
        end
        vim.api.nvim_create_autocmd('User', {pattern = 'FimLspShown', callback = function()
          vim.cmd.redraw()
          table.insert(waits, (vim.uv.hrtime() - arrived) / 1e6)
        end})"""
    )
    for _ in range(20):
        start(screen, AREA)
        screen.until_ghost()
    waits = sorted(screen.lua("return waits"))
    print(f"\nfrom the wire to the screen: median {waits[len(waits) // 2]:.1f} ms, most {waits[-1]:.1f} ms")
    assert len(waits) >= 20
