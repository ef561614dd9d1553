"""The plugin's own manners: keys, menus, pauses, options, help; the server says what it is told."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.e2e.neovim.conftest import lua_list
from tests.e2e.neovim.screen import PLUGIN, ROOT, Screen, find_nvim

pytestmark = pytest.mark.editor

LINE = "total = \n"


def wait_for(screen, text: str) -> None:
    screen.until(lambda: screen.text() == text, f"the text {text!r}, not {screen.text()!r}")


def test_several_lines_move_the_rest_of_the_line_down(scripted):
    screen = scripted()
    screen.edit("def f():\n    total = sum()\n    return total\n", 1, 16)
    screen.until_ghost()
    screen.lua(
        """local session = require('fim_lsp.session')
        local range = {start = {line = 1, character = 16}, ['end'] = {line = 1, character = 17}}
        session.show(0, session.place(), {{insertText = 'alpha,\\n        beta)', range = range}}, 'utf-16')"""
    )
    assert screen.ghost() == "alpha,\n        beta)"
    rows = screen.rows()
    assert rows[1] == "    total = sum(alpha,"
    assert rows[2] == "        beta)"
    screen.nvim.input("<Tab>")
    wait_for(screen, "def f():\n    total = sum(alpha,\n        beta)\n    return total")


@pytest.mark.parametrize(
    ("name", "text"),
    [("work.go", "package p\n\nvar x = \n"), ("work.tsx", "a()\nb()\nlet x = \n"), ("work.sh", "a\nb\ndeclare \n")],
)
def test_it_attaches_to_files_of_every_language(scripted, name, text):
    screen = scripted()
    screen.edit(text, 2, 8, name)
    assert screen.until_ghost() == "alpha + beta"


def test_tab_does_what_it_did_before(scripted):
    mine = "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({'MINE'}, 'c', false, true) end)"
    screen = scripted(init=mine)
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.nvim.input("<Tab>")
    wait_for(screen, "total = alpha + beta")
    screen.nvim.input("<C-]><Tab>")
    screen.until(lambda: "MINE" in screen.text(), "my own mapping")


@pytest.mark.parametrize(
    "mine",
    [
        "vim.keymap.set('i', '<Tab>', function() return 'MINE' end, {expr = true})",
        "vim.cmd('inoremap <Tab> MINE')",
        'vim.cmd(\'inoremap <expr> <Tab> "MI" . "NE"\')',
    ],
)
def test_tab_falls_through_to_every_kind_of_mapping(scripted, mine):
    screen = scripted(init=mine)
    screen.edit("", 0, 0)
    screen.nvim.input("<Tab>")
    wait_for(screen, "MINE")


def test_without_a_suggestion_tab_is_a_tab(scripted):
    screen = scripted()
    screen.nvim.input("<Esc>")
    screen.edit("x\n", 0, 0)
    screen.lua("vim.bo.expandtab = false; require('fim_lsp').toggle('all')")
    screen.nvim.input("<Tab>")
    wait_for(screen, "\tx")


def test_several_suggestions_are_cycled(scripted):
    screen = scripted('["alpha", "gamma()", "delta"]')
    screen.edit(LINE, 0, 8)
    assert screen.until_ghost() == "alpha"
    screen.nvim.input("<M-]>")
    screen.until(lambda: screen.ghost() == "gamma()", "the second")
    screen.nvim.input("<M-]>")
    screen.until(lambda: screen.ghost() == "delta", "the third")
    screen.nvim.input("<M-[>")
    screen.until(lambda: screen.ghost() == "gamma()", "the second again")
    screen.nvim.input("<Tab>")
    wait_for(screen, "total = gamma()")


def test_typing_elsewhere_drops_it_and_asks_again(scripted):
    screen = scripted()
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.nvim.input("alZ")
    assert screen.ghost() is None
    assert not any("pha + beta" in row for row in screen.rows())
    screen.until_ghost()


def test_what_is_on_screen_is_not_asked_for_again(scripted, tmp_path):
    def requests() -> int:
        return (tmp_path / "trace.jsonl").read_text().count("textDocument/inlineCompletion")

    screen = scripted()
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.lua(
        """require('fim_lsp.session').ask_soon(vim.api.nvim_get_current_buf())
        later = false
        vim.defer_fn(function() later = true end, require('fim_lsp.config').get().debounce_ms + 20)"""
    )
    screen.until(lambda: screen.lua("return later"), "the end of the timer")
    screen.until(lambda: not screen.lua("return next(vim.lsp.get_clients()[1].requests)"), "an answer to every request")
    assert requests() == 1


def test_a_late_answer_is_not_shown(scripted):
    screen = scripted(step_s=0.2)
    screen.edit(LINE, 0, 8)
    state = "return require('fim_lsp.status').latest().state"
    screen.until(lambda: screen.lua(state) == "ready", "a loaded model")
    screen.nvim.input("p")
    screen.until(lambda: screen.lua(state) == "busy", "a request that runs")
    screen.nvim.input("<Esc>")
    waiting = "return next(vim.lsp.get_clients({name = 'fim_lsp'})[1].requests) ~= nil"
    screen.until(lambda: not screen.lua(waiting), "an answer to every request")
    assert screen.ghost() is None


def test_what_is_superseded_is_cancelled(scripted, tmp_path):
    screen = scripted('["' + "x" * 60 + '"]', step_s=0.1)
    screen.edit(LINE, 0, 8)
    state = "return require('fim_lsp.status').latest().state"
    screen.until(lambda: screen.lua(state) == "ready", "a loaded model")
    screen.nvim.input("p")
    screen.until(lambda: screen.lua(state) == "busy", "a request that runs")
    screen.nvim.input("q")
    screen.until(lambda: "cancelled" in (tmp_path / "trace.jsonl").read_text(), "a cancelled request")


def test_quiet_while_a_menu_is_open(scripted):
    screen = scripted()
    screen.edit("totals = 1\ntotal = to\n", 1, 10)
    screen.until_ghost()
    screen.nvim.input("<C-n>")
    screen.until(lambda: screen.lua("return vim.fn.pumvisible()") == 1, "the menu")
    assert screen.ghost() is None
    time.sleep(0.4)
    assert screen.ghost() is None
    screen.nvim.input("<C-e>")
    screen.until_ghost()


@pytest.mark.parametrize("scope", ["buffer", "language", "all"])
def test_pauses(scripted, scope):
    screen = scripted()
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.nvim.command(f"FimLsp toggle {scope}")
    assert screen.ghost() is None
    screen.nvim.input("a")
    time.sleep(0.3)
    assert screen.ghost() is None
    assert "off" in screen.lua("return require('fim_lsp').statusline()")
    screen.nvim.input("<M-Bslash>")  # by hand all the same
    screen.until_ghost()
    screen.nvim.command(f"FimLsp toggle {scope}")
    screen.nvim.input("b")
    screen.until_ghost()


def test_the_completion_menu_can_be_fed_too(scripted):
    screen = scripted(options="settings = { completionFallback = true }")
    screen.edit(LINE, 0, 8)
    screen.lua("vim.o.completeopt = 'menuone,noinsert,noselect'")
    screen.lua("vim.lsp.completion.enable(true, vim.lsp.get_clients()[1].id, 0)")
    screen.lua("vim.lsp.completion.get()")
    screen.until(lambda: screen.lua("return vim.fn.pumvisible()") == 1, "the menu")
    assert screen.ghost() is None
    assert any("alpha + beta" in row for row in screen.rows())


def test_bad_options_are_named_and_defaults_used(scripted):
    screen = scripted(
        options="debounce_ms = 'soon', colour = 1, keys = { accept = 3 }, "
        "settings = { maxLines = 0, nothing = 1, words = false }"
    )
    said = screen.until(screen.messages, "messages")
    for words in (
        'debounce_ms = "soon" is not integer',
        "colour: no such option",
        "keys.accept = 3",
        "settings.maxLines = 0 is not a whole number",
        "settings.nothing: no such option",
        "settings.words is called settings.wordFallback now",
    ):
        assert words in said, said
    assert screen.lua("return require('fim_lsp.config').setting('wordFallback')") is False
    screen.edit(LINE, 0, 8)
    screen.until_ghost()


def test_explain_status_and_health_read_well(scripted):
    screen = scripted()
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.nvim.input("<Esc>")
    screen.nvim.command("FimLsp explain")
    screen.until(lambda: any("suggestion 1" in row for row in screen.rows()), "the explanation")
    screen.nvim.input("q")
    screen.nvim.command("FimLsp status")
    screen.until(lambda: any("ready" in row for row in screen.rows()), "the status")
    screen.nvim.input("q")
    assert screen.lua("return require('fim_lsp.commands').complete('', 'FimLsp ')") == [
        "backend",
        "compare",
        "explain",
        "log",
        "restart",
        "status",
        "toggle",
    ]
    assert screen.lua("return require('fim_lsp.commands').complete('g', 'FimLsp backend g')") == ["gpt"]


def test_health_finds_a_command_that_is_not_there(tmp_path):
    script = tmp_path / "health.lua"
    script.write_text(
        f"""vim.opt.rtp:prepend({str(PLUGIN)!r})
        require('fim_lsp').setup({{cmd = '/no/such/fim-lsp'}})
        vim.cmd('checkhealth fim_lsp')
        print(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'))""",
        encoding="utf-8",
    )
    said = subprocess.run(
        [find_nvim(), "--clean", "--headless", "-l", str(script)], capture_output=True, text=True
    ).stderr
    assert "/no/such/fim-lsp" in said
    assert "search for fim-lsp" in said
    assert "belongs to nobody now" in said  # the keys are not mapped under -l


def test_a_plugin_manager_may_load_it_late_and_set_it_up_then(tmp_path):
    screen = Screen(tmp_path / "late", is_packed=False)
    command = lua_list([sys.executable, str(ROOT / "tests/fake_server.py")])
    screen.lua(
        f"""vim.opt.rtp:prepend({str(PLUGIN)!r})
        vim.cmd.runtime('plugin/fim_lsp.lua')
        require('fim_lsp').setup({{ cmd = {command}, keys = {{ accept = '<C-y>' }} }})"""
    )
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.nvim.input("<C-y>")
    wait_for(screen, "total = alpha + beta")
    screen.close()


def test_restart_brings_a_new_server(scripted):
    screen = scripted()
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    before = screen.client()
    screen.nvim.command("FimLsp restart")
    screen.until(lambda: screen.client() > before, "another server")
    screen.nvim.input("x")
    screen.until_ghost()


def test_help_is_fresh_and_its_tags_are_good(tmp_path):
    out = tmp_path / "doc/fim_lsp.txt"
    out.parent.mkdir()
    subprocess.run([find_nvim(), "--clean", "-l", str(PLUGIN / "scripts/help.lua"), str(out)], check=True)
    assert out.read_text(encoding="utf-8") == (PLUGIN / "doc/fim_lsp.txt").read_text(encoding="utf-8"), "run `make fix`"
    done = subprocess.run(
        [find_nvim(), "--clean", "--headless", "-c", f"helptags {out.parent}", "-c", "qall"],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert "fim_lsp-keys.accept" in (out.parent / "tags").read_text()
