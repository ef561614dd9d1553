"""What a person's own Neovim brings along: nameless buffers, other menus, `.`, macros, mappings of every kind."""

from __future__ import annotations

import json
import subprocess

import pytest

from fim_lsp.languages import LANGUAGES, ids
from tests.e2e.neovim.screen import PLUGIN, Screen, find_nvim

pytestmark = pytest.mark.editor

LINE = "total = \n"
MENU_OF_CMP = """
local heard = {}
package.loaded['cmp'] = { event = { on = function(_, name, callback) heard[name] = callback end } }
function menu(does) heard['menu_' .. does]({}) end
"""
MENU_OF_BLINK = """
function menu(does)
  vim.api.nvim_exec_autocmds('User', { pattern = does == 'opened' and 'BlinkCmpMenuOpen' or 'BlinkCmpMenuClose' })
end
"""


def wait_for(screen, text: str) -> None:
    screen.until(lambda: screen.text() == text, f"the text {text!r}, not {screen.text()!r}")


def test_of_two_nameless_buffers_the_edited_one_is_the_servers(scripted):
    screen = scripted()
    screen.nvim.command("set filetype=python")
    screen.nvim.command("enew! | set hidden filetype=python")
    attached = "return vim.tbl_keys(vim.lsp.get_clients({name = 'fim_lsp'})[1].attached_buffers)"
    for _ in range(3):
        screen.nvim.command("set filetype=python")
        screen.nvim.input("Stotal = ")
        screen.until_ghost()
        assert screen.lua(attached) == [screen.nvim.current.buffer.number]
        screen.nvim.input("<Esc>")
        screen.nvim.command("bnext")


def test_a_buffer_that_gets_a_name_goes_on_under_it(scripted):
    screen = scripted()
    screen.nvim.command("set filetype=python")
    for name in ("named.py", "renamed.py"):
        screen.nvim.command(f"file {screen.folder}/{name}")
        screen.nvim.input("Stotal = ")
        screen.until_ghost()
        screen.nvim.input("<Esc>")


@pytest.mark.parametrize("plugin", [MENU_OF_CMP, MENU_OF_BLINK], ids=["nvim-cmp", "blink.cmp"])
def test_a_floating_menu_and_ghost_text_take_turns(scripted, plugin):
    screen = scripted(init=plugin)
    screen.edit(LINE, 0, 8)
    screen.until_ghost()
    screen.lua("menu('opened')")
    assert screen.ghost() is None
    screen.nvim.input("x<M-Bslash>")
    screen.lua("vim.wait(300)")
    assert screen.ghost() is None
    screen.lua("menu('closed')")
    screen.until_ghost()


def show(screen, text: str, covered: int = 0) -> None:
    """Show a suggestion at the cursor that the filters would cut."""
    screen.until_ghost()
    screen.lua(
        """local session, text, covered = require('fim_lsp.session'), ...
        session.dismiss()
        local place = session.place()
        local range = {start = {line = place.row, character = place.col}}
        range['end'] = {line = place.row, character = place.col + covered}
        session.show(vim.api.nvim_get_current_buf(), place, {{insertText = text, range = range}}, 'utf-8')""",
        text,
        covered,
    )


def test_dot_repeats_what_was_accepted(scripted):
    screen = scripted()
    screen.edit("a\nb\n", 0, 1)
    screen.nvim.input("<Esc>A = ")
    show(screen, "alpha(\n    beta)")
    screen.nvim.input("<Tab>")
    wait_for(screen, "a = alpha(\n    beta)\nb")
    screen.nvim.input("!<Esc>G.")
    wait_for(screen, "a = alpha(\n    beta)!\nb = alpha(\n    beta)!")


def test_dot_repeats_what_was_accepted_over_brackets(scripted):
    screen = scripted(init="vim.cmd('inoremap ( ()<C-g>U<Left>')")
    screen.edit("a\nb\n", 0, 1)
    screen.nvim.input("<Esc>A = f(")
    show(screen, "x, y)", 1)
    screen.nvim.input("<Tab>")
    wait_for(screen, "a = f(x, y)\nb")
    screen.nvim.input("<Esc>j.")
    wait_for(screen, "a = f(x, y)\nb = f(x, y)")


def test_a_macro_holds_what_was_accepted_and_no_tab(scripted):
    screen = scripted()
    screen.edit("a\nb\n", 0, 1)
    screen.nvim.input("<Esc>qqA = ")
    show(screen, 'say "ä"\n    it\'s')
    screen.nvim.input("<M-w>")
    wait_for(screen, "a = say\nb")
    screen.nvim.input("<Tab>")
    wait_for(screen, 'a = say "ä"\n    it\'s\nb')
    screen.nvim.input("!<Esc>q")
    screen.nvim.command("FimLsp toggle all")
    screen.nvim.input("G@q")
    wait_for(screen, 'a = say "ä"\n    it\'s!\nb = say "ä"\n    it\'s!')
    screen.nvim.input("u")
    assert "fim_lsp" not in screen.lua("return vim.fn.keytrans(vim.fn.getreg('q'))")


SCRIPT_LOCAL = "function! s:mine()\n  return 'MINE'\nendfunction\n"


MINE = [
    SCRIPT_LOCAL + "inoremap <Tab> <C-R>=<SID>mine()<CR>",
    SCRIPT_LOCAL + "inoremap <expr> <Tab> <SID>mine()",
    "inoremap <Plug>(mine) MINE\nimap <Tab> <Plug>(mine)",
    "inoremap <Plug>(mine) MINE\nimap <expr> <Tab> '<Plug>(mine)'",
    "autocmd FileType python inoremap <buffer> <Tab> MINE",
    SCRIPT_LOCAL + "autocmd FileType python inoremap <buffer> <expr> <Tab> <SID>mine()",
    SCRIPT_LOCAL + "autocmd InsertEnter * ++once inoremap <buffer> <silent> <Tab> <C-R>=<SID>mine()<CR>",
    "set softtabstop=4 expandtab\nimap <Tab> <Tab><BS>MINE",
]


def test_tab_takes_and_else_does_what_its_owner_wanted(scripted, tmp_path):
    screen = scripted()
    screen.edit(LINE, 0, 8)
    for number, mine in enumerate(MINE):
        screen.nvim.input("<Esc>")
        screen.lua("require('fim_lsp.keys').unmap()")
        script = tmp_path / f"{number}.vim"
        script.write_text(f"silent! iunmap <Tab>\naugroup mine\nautocmd!\n{mine}\naugroup END\n", encoding="utf-8")
        screen.nvim.command(f"source {script}")
        screen.lua("require('fim_lsp.keys').map(require('fim_lsp.config').get().keys)")
        screen.edit(LINE, 0, 8)
        screen.until_ghost()
        screen.nvim.input("<Tab>")
        wait_for(screen, "total = alpha + beta")
        screen.nvim.input("<C-]><Tab>")
        wait_for(screen, "total = alpha + betaMINE")


def test_a_filetype_with_dots_is_that_of_its_known_part(scripted):
    screen = scripted(init="vim.filetype.add({ pattern = { ['.*/test_.*%.py'] = 'python.pytest' } })")
    screen.edit(LINE, 0, 8, "test_it.py")
    assert screen.nvim.eval("&filetype") == "python.pytest"
    screen.until_ghost()
    screen.nvim.command("FimLsp toggle language")
    assert "for python\n" in screen.messages() + "\n"


def test_without_a_server_it_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    screen = Screen(tmp_path / "bare")
    try:
        screen.nvim.command(f"edit {tmp_path}/work.py")
        screen.until(lambda: "no server to run; see :checkhealth fim_lsp" in screen.rows()[-1], "the message")
        screen.nvim.command("FimLsp status")
        screen.until(lambda: any("/path/to/fim-lsp" in row for row in screen.rows()), "all of what is missing")
    finally:
        screen.close()


def run_lua(folder, code: str, **environment: str) -> object:
    """Run Lua that returns something beside the plugin."""
    script = folder / "run.lua"
    script.write_text(
        f"vim.opt.rtp:prepend({str(PLUGIN)!r})\nio.write(vim.json.encode((function() {code} end)()))", encoding="utf-8"
    )
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), str(find_nvim())]
    done = subprocess.run([*command, "--clean", "-l", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("programs", ["bin", "Scripts"])
def test_the_program_of_a_virtual_environment(tmp_path, programs):
    program = tmp_path / "venv" / programs / "fim-lsp"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = run_lua(tmp_path, "return require('fim_lsp.command').find()[1]", VIRTUAL_ENV=str(tmp_path / "venv"))
    assert found == str(program)


@pytest.mark.parametrize("cmd", ["'~/fim-lsp'", "'$HOME/fim-lsp'", "{ '~/fim-lsp', 'serve' }"])
def test_a_command_in_the_home_folder(tmp_path, cmd):
    program = tmp_path / "fim-lsp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    code = f"require('fim_lsp.config').set({{ cmd = {cmd} }}) return require('fim_lsp.command').find()[1]"
    assert run_lua(tmp_path, code, HOME=str(tmp_path)) == str(program)


def test_files_of_every_language_have_a_filetype_that_it_attaches_to(tmp_path):
    names = [f"{tmp_path}/work{extension}" for language in LANGUAGES.values() for extension in language.extensions]
    code = f"""vim.cmd('filetype on')
        local strangers, language = {{}}, require('fim_lsp.filetype').language
        for _, name in ipairs(vim.json.decode({json.dumps(names)!r})) do
          vim.cmd.edit(name)
          if not language(0) then strangers[#strangers + 1] = {{ name, vim.bo.filetype }} end
        end
        return {{ strangers, require('fim_lsp.config').setting('languages') }}"""
    strangers, attached = run_lua(tmp_path, code)
    assert not strangers
    assert attached == list(ids())
