"""What is accepted in Neovim is counted, whole or in parts, as `fim-lsp stats` has it."""

from __future__ import annotations

import pytest

from fim_lsp.metrics import store

pytestmark = pytest.mark.editor

SAID = "alpha + beta"
QUICK = ("--second-s", "0.005")  # a second of those after which it is looked again


@pytest.fixture
def typing(scripted, tmp_path, monkeypatch):
    """Start a Neovim whose ghost is on screen: typing(texts, text)."""
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))

    def start(texts: str = f'["{SAID}"]', text: str = "x = \n"):
        screen = scripted(texts, more=QUICK)
        screen.edit(text, 0, 4)
        screen.until_ghost()
        return screen

    return start


def counted(screen, wanted) -> dict:
    """Return the only suggestion of the file of counts, once it is as wanted."""

    def row():
        rows = store.read()[0]
        return rows[0] if rows and rows[0]["chars"] == len(SAID) and wanted(rows[0]) else None

    return screen.until(row, f"a count as wanted among {store.read()[0]}")


def test_one_that_is_shown_and_left_is_counted_as_shown(typing):
    screen = typing()
    assert counted(screen, lambda row: True)["accepted"] == 0


def test_one_that_is_accepted_whole_and_left_alone_is_kept(typing):
    screen = typing()
    screen.nvim.input("<Tab>")
    row = counted(screen, lambda row: '"30":1' in row["kept"].replace(" ", ""))
    assert (row["accepted"], row["is_whole"]) == (len(SAID), 1)


def test_word_by_word_it_adds_up(typing):
    screen = typing()
    screen.nvim.input("<M-w>")
    assert counted(screen, lambda row: row["accepted"])["accepted"] == len("alpha")
    screen.until(lambda: screen.ghost() == " + beta", "the rest on screen")
    screen.nvim.input("<Tab>")
    assert counted(screen, lambda row: row["is_whole"])["accepted"] == len(SAID)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_and_wide_letters_are_counted_as_the_server_counts(scripted, tmp_path, monkeypatch, end):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    screen = scripted("[\"g('𝄞')\\n    y = 2\"]", more=QUICK)
    screen.edit(f"def f():{end}    {end}", 1, 4)
    screen.until_ghost()
    screen.nvim.input("<M-l>")
    screen.until(lambda: store.read()[0] and store.read()[0][0]["accepted"] == len("g('𝄞')"), "the line counted")
    screen.until(lambda: screen.ghost() == "\n    y = 2", "the rest on screen")
