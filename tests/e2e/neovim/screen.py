"""A real Neovim with a screen that a test can read, and keys that it can press."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvim

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "editors/neovim"
WIDTH, HEIGHT = 72, 16
FRAME = """vim.cmd.redraw()
local rows = {}
for row = 1, ... do
  local line = {}
  for col = 1, vim.o.columns do line[col] = vim.fn.screenstring(row, col) end
  rows[row] = table.concat(line):gsub('%s+$', '')
end
local session = package.loaded['fim_lsp.session']
local shown = session and session.visible()
return {
  rows = rows,
  ghost = shown and shown.text or '',
  place = session and session.place(),
  top = vim.fn.line('w0'),
}"""


def find_nvim() -> str | None:
    """Return the nvim of this environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("nvim")
    return str(beside) if beside.exists() else shutil.which("nvim")


class Screen:
    """Neovim, embedded, with the plugin as a plain pack/ checkout."""

    def __init__(self, folder: Path, setup: str = "", is_packed: bool = True, width: int = WIDTH, height: int = HEIGHT):
        start = folder / "site/pack/test/start"
        start.mkdir(parents=True)
        if is_packed:
            (start / "fim-lsp").symlink_to(PLUGIN)
        init = folder / "init.lua"
        init.write_text(f"vim.opt.packpath:append({str(folder / 'site')!r})\n{setup}\n", encoding="utf-8")
        nvim = find_nvim()
        assert nvim
        argv = [nvim, "--clean", "--embed", "--headless", "-n", "-u", str(init)]
        self.folder, self.height = folder, height
        self.nvim = pynvim.attach("child", argv=argv)
        self.nvim.ui_attach(width, height, rgb=True)
        self.nvim.options["shortmess"] += "I"

    def close(self) -> None:
        self.nvim.command("qall!", async_=True)
        self.nvim.close()

    def lua(self, code: str, *args: Any) -> Any:
        if self.nvim.api.get_mode()["blocking"]:  # a hit-enter prompt: requests would wait for ever
            self.nvim.input("<CR>")
            if "Error" in self.messages():
                raise AssertionError(self.messages())
        return self.nvim.exec_lua(code, *args)

    def edit(self, text: str, row: int, col: int, name: str = "work.py") -> Path:
        """Open a fresh file in insert mode with the cursor at (row, col), 0-based; col in bytes."""
        self.nvim.input("<Esc>")
        self.lua("vim.cmd('silent! %bwipeout!')")
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="")
        self.nvim.command(f"edit! {path}")
        self.until(lambda: self.lua("return #vim.lsp.get_clients({bufnr = 0}) > 0"), "a server attached to the buffer")
        line = self.nvim.current.line if row == 0 else self.nvim.current.buffer[row]
        if col >= len(line.encode()):
            self.nvim.current.window.cursor = (row + 1, max(col - 1, 0))
            self.nvim.input("a" if line else "i")
        else:
            self.nvim.current.window.cursor = (row + 1, col)
            self.nvim.input("i")
        return path

    def rows(self) -> list[str]:
        """Return the screen as a person sees it."""
        return self.frame()["rows"]

    def frame(self) -> dict[str, Any]:
        """Return one moment: the screen's rows, and the suggestion, the cursor's place and the top line as of then.

        An answer may come between two calls, so what is compared is read in one.
        """
        return dict(self.lua(FRAME, self.height))

    def text(self) -> str:
        return "\n".join(self.nvim.current.buffer[:])

    def ghost(self) -> str | None:
        """Return the suggestion on screen."""
        return self.lua("local s = require('fim_lsp.session').visible() return s and s.text")

    def client(self) -> int:
        """Return the id of the running client, 0 for none."""
        return self.lua("local c = vim.lsp.get_clients({name = 'fim_lsp'})[1] return c and c.id or 0")

    def accepted(self) -> str:
        """Return what the buffer would be after accepting what is shown."""
        return self.lua(
            """local s = require('fim_lsp.session').visible()
            local p = require('fim_lsp.session').place()
            local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
            local whole = p.before .. s.text .. p.rest:sub(#s.covered + 1)
            lines[p.row + 1] = whole
            return table.concat(lines, '\\n')"""
        )

    def until(self, is_so: Callable[[], Any], what: str, timeout_s: float = 60) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if value := is_so():
                return value
            time.sleep(0.02)
        raise AssertionError(
            f"waited {timeout_s} s for {what}; the screen:\n" + "\n".join(self.rows()) + "\n" + self.messages()
        )

    def until_ghost(self) -> str:
        return self.until(self.ghost, "a suggestion")

    def messages(self) -> str:
        return str(self.nvim.command_output("messages"))
