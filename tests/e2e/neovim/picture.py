"""Draw docs/neovim.svg or docs/compare-neovim.svg from a real Neovim's screen.

`python -m tests.e2e.neovim.picture [compare]`
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pynvim
from rich.console import Console
from rich.style import Style
from rich.text import Text

from fim_lsp.cli.terminal import save_svg
from tests.e2e.neovim.screen import HEIGHT, ROOT, WIDTH, Screen

CODE = """\
from dataclasses import dataclass


@dataclass
class Rectangle:
    width: float
    height: float

    def perimeter(self):
        return 2 * (self.width + self.height)

    def area(self):
        """
LINES = 14


def typing(screen: Screen) -> int:
    """Type up to a suggestion; returns how many lines of the screen to draw."""
    screen.until_ghost()
    return LINES


def compare(screen: Screen) -> int:
    """Open the comparison there; returns how many lines of the screen to draw."""
    screen.until_ghost()
    screen.nvim.input("<Esc>")
    screen.nvim.command("FimLsp compare")
    screen.until(lambda: any("GPT-style" in row for row in screen.rows()), "both sides", 240)
    return screen.height - 2  # without the status line


PICTURES = {"neovim.svg": (typing, WIDTH, HEIGHT), "compare-neovim.svg": (compare, 112, 27)}


def main(name: str) -> None:
    play, width, height = PICTURES[name]
    with tempfile.TemporaryDirectory() as folder:
        command = f"{{ {sys.executable!r}, '-m', 'fim_lsp', 'serve' }}"
        setup = f"require('fim_lsp').setup({{ cmd = {command} }})"
        screen = Screen(Path(folder), setup, width=width, height=height)
        screen.edit(CODE + "\n", CODE.count("\n"), 8)
        lines = play(screen)
        with Path(os.devnull).open("w") as nowhere:
            console = Console(record=True, width=width, file=nowhere, force_terminal=True, color_system="truecolor")
            for line in cells(screen.nvim, width, height)[:lines]:
                console.print(Text.assemble(*line), overflow="crop", no_wrap=True)
            save_svg(console, ROOT / "docs" / name)
        screen.close()


def cells(nvim: pynvim.Nvim, width: int, height: int) -> list[list[tuple[str, Style]]]:
    """Return the screen, cell by cell with its colours, from the events a fresh UI is sent (:help ui-linegrid)."""
    nvim.ui_detach()
    grid = [[(" ", 0)] * width for _ in range(height)]
    styles = {0: Style()}
    nvim.ui_attach(width, height, rgb=True, ext_linegrid=True)
    while True:
        _, method, events = nvim.next_message()
        if method != "redraw":
            continue
        for name, *calls in events:
            for call in calls:
                if name == "hl_attr_define":
                    styles[call[0]] = _style(call[1])
                elif name == "grid_line":
                    _put(grid[call[1]], call[2], call[3])
        if events[-1][0] == "flush" and any(text.strip() for text, _ in grid[0]):
            return [[(text, styles[at]) for text, at in row] for row in grid]


def _put(row: list[tuple[str, int]], col: int, runs: list[list[Any]]) -> None:
    last = 0
    for text, *more in runs:
        last = more[0] if more else last
        for _ in range(more[1] if len(more) > 1 else 1):
            row[col] = (text, last)
            col += 1


def _style(rgb: dict[str, Any]) -> Style:
    colour = f"#{rgb['foreground']:06x}" if "foreground" in rgb else None
    return Style(color=colour, bold=rgb.get("bold"), italic=rgb.get("italic"))


if __name__ == "__main__":
    main("compare-neovim.svg" if sys.argv[1:] == ["compare"] else "neovim.svg")
