"""Ghost text as a person sees it: real VS Code, the packaged extension, the real server, the shipped model."""

from __future__ import annotations

import json
import re
import statistics
import time
from itertools import pairwise

import psutil
import pytest

from fim_lsp.metrics import store
from tests.e2e.vscode.window import Window, until

pytestmark = pytest.mark.editor
AREA = "import os\n\n\ndef area(width, height):\n    return "
BRACKETS = ("def area(width, height):\n    return width * height\n\n\nwidth, height = 3, 4\nprint(str(area(", ")))\n")
ACCENTS = ('def greet(name):\n    print("Grüße, 世界", ', ")\n")


def accepted(asked, text: str, before: str) -> str:
    row = before.count("\n")
    return asked(text, row, utf16(before.rsplit("\n", 1)[-1]))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def expect(window: Window, asked, before: str, after: str = "\n") -> str:
    """Put text in place, wait for ghost text and return the file as it should be once accepted."""
    text = window.edit(before, after)
    ghost = window.until_ghost()
    expected = accepted(asked, text, text[: len(text) - len(after)])
    assert ghost.split("\n")[0] in window.visible()
    return expected


def test_tab_accepts_to_the_letter_and_undo_restores(window, asked):
    expected = expect(window, asked, AREA)
    before = window.on_disk()
    window.page.keyboard.press("Tab")
    window.until_disk(expected)
    until(lambda: not window.is_dirty(), "a saved file")
    window.page.wait_for_timeout(500)
    window.page.keyboard.press("Control+z")
    window.until_disk(before)


def test_what_tab_accepts_is_counted(window, asked):
    expect(window, asked, AREA)
    before = taken_whole()
    window.page.keyboard.press("Tab")
    until(lambda: taken_whole() == before + 1, "a suggestion counted as accepted")


def taken_whole() -> int:
    return sum(row["is_whole"] for row in store.read()[0])


def test_a_word_leaves_the_rest(window, asked):
    expected = expect(window, asked, AREA)
    ghost = window.until_ghost()
    window.page.keyboard.press("Control+ArrowRight")
    window.page.wait_for_timeout(500)
    taken = window.on_disk()
    assert expected.startswith(taken.rstrip("\n"))
    assert len(taken) < len(expected)
    left = window.until_ghost()
    assert ghost.endswith(left)
    window.page.keyboard.press("Tab")
    window.until_disk(expected)


def test_escape_puts_it_away(window, asked):
    expect(window, asked, AREA)
    window.page.keyboard.press("Escape")
    window.page.wait_for_timeout(300)
    assert window.ghost() == ""


def test_typing_along_keeps_it_in_every_frame(window, asked):
    expect(window, asked, AREA)
    ghost = window.until_ghost()
    window.record()
    for char in ghost[:-1]:
        window.page.keyboard.type(char)
        window.page.wait_for_timeout(100)
    frames = window.recorded()
    assert len(frames) > len(ghost)
    for frame in frames:
        assert frame["line"] is not None, "a frame without ghost text"
        assert frame["line"] + frame["ghost"] == "    return " + ghost


def test_closing_brackets_right_of_the_cursor(window, asked):
    expected = expect(window, asked, *BRACKETS)
    window.page.keyboard.press("Tab")
    window.until_disk(expected)


def test_a_line_with_wide_and_accented_letters(window, asked):
    expected = expect(window, asked, *ACCENTS)
    window.page.keyboard.press("Tab")
    window.until_disk(expected)


def test_the_server_dies_and_comes_back(window, asked, trace):
    expect(window, asked, AREA)
    (server,) = servers(trace)
    server.kill()
    until(lambda: [other for other in servers(trace) if other.pid != server.pid], "another server")
    window.until_ready()
    expect(window, asked, AREA)


def servers(trace) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(trace) in (one.info["cmdline"] or [])]


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
def test_thirty_seconds_of_typing_eight_keys_a_second(window, trace):
    typed = (ACCOUNT * 2)[: 30 * 8]
    logged = set(window.server.logs().splitlines())
    head = window.edit("\n", "")
    window.record()
    for char in typed:
        began = time.monotonic()
        window.page.keyboard.press("Enter") if char == "\n" else window.page.keyboard.type(char)
        time.sleep(max(0, 1 / 8 - (time.monotonic() - began)))
    frames = window.recorded()
    window.page.keyboard.press("Escape")
    window.until_disk(head + typed)
    answers = [json.loads(line) for line in trace.read_text().splitlines()]
    seen = [frame for frame in frames if frame["line"] is not None]
    stale = [frame for frame in seen if not any(is_of(frame, answer) for answer in answers)]
    print(f"\n{len(typed)} keys, {len(frames)} frames, {len(seen)} with ghost text, {len(stale)} of them stale")
    assert len(frames) > len(typed)
    assert not stale
    until(lambda: not unanswered(window.server.logs()), lambda: f"answers to {unanswered(window.server.logs())}")
    said = set(window.server.logs().splitlines()) - logged
    assert not [line for line in said if "[error]" in line]


def unanswered(log: str) -> set[str]:
    """Return the requests in a message trace that have no response."""
    asked = set(re.findall(r"Sending request '(textDocument/inlineCompletion - \(\d+\))'", log))
    return asked - set(re.findall(r"Received response '(textDocument/inlineCompletion - \(\d+\))'", log))


def is_of(frame, answer) -> bool:
    """True when the ghost text of a frame is what is left of this answer once the line was typed so far.

    What was suggested in a line that is indentation only VS Code goes on showing, and moving along, when the line comes
    to be indented otherwise than it.
    """
    line, before = frame["line"], answer["line_prefix"]
    shown = frame["ghost"].rstrip("\n")
    if not before.strip() and any(
        text.strip().startswith(line.strip()) and text.strip()[len(line.strip()) :].strip() == shown.strip()
        for text in answer["texts"]
    ):
        return True
    if not line.startswith(before):
        return False
    typed = line[len(before) :]
    return any(text.startswith(typed) and text[len(typed) :].rstrip("\n") == shown for text in answer["texts"])


@pytest.mark.typing
def test_how_long_an_answer_takes_to_be_seen(window, trace):
    waits = []
    for _ in range(12):
        known = len(trace.read_text().splitlines())
        window.record()
        window.edit(AREA, "\n")
        window.until_ghost()
        frames = window.recorded()
        shown = [a for a in map(json.loads, trace.read_text().splitlines()[known:]) if a["texts"]]
        for before, after in pairwise(frames):
            if after["ghost"] and not before["ghost"] and shown:
                waits.append(after["at"] - 1000 * shown[0]["time"])
    middle, most = statistics.median(waits), max(waits)
    print(f"\nfrom answer to ghost text: median {middle:.0f} ms of {len(waits)}, most {most:.0f} ms")
    assert waits
