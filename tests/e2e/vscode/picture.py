"""Capture docs/vscode.png and vscode.gif of real typing, which wants Pillow, or docs/compare-vscode.png.

`python -m tests.e2e.vscode.picture [compare]`
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Server, Window, launch

HEAD = """\
from dataclasses import dataclass


@dataclass
class Rectangle:
    width: float
    height: float

    def perimeter(self):
        return 2 * (self.width + self.height)
"""
TYPED = "\n    def area(self):\n        return "
LOOKS = {
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.sideBar.location": "right",
    "breadcrumbs.enabled": False,
    "window.commandCenter": False,
}
KEY_S, LAST_S = 0.09, 2.5


def main(play: Callable[[Window], None], width: int, height: int) -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = Path(name)
        folder = home / "work"
        folder.mkdir()
        path = program(home, sys.executable, "-m", "fim_lsp", "serve")
        server = Server(home / "code", folder, {**LOOKS, "fimLsp.path": path})
        window = Window(server, launch(playwright), folder)
        window.page.set_viewport_size({"width": width, "height": height})
        window.page.keyboard.press("Control+b")
        try:
            play(window)
        finally:
            server.close()


def compare(window: Window) -> None:
    """Compare at the place where the typing of the other picture ends."""
    window.edit(HEAD + TYPED)
    window.page.keyboard.press("Escape")
    window.command("fim-lsp: Compare BERT and GPT")
    window.until_page("section.side")
    window.page.wait_for_timeout(1000)
    window.page.screenshot(path=ROOT / "docs/compare-vscode.png")


def typing(window: Window) -> None:
    """Type a method, accept what is suggested, and keep every frame."""
    from PIL import Image

    window.edit(HEAD, "")
    window.page.wait_for_timeout(1500)
    frames, began = [], time.monotonic()

    def shoot() -> None:
        image = Image.open(io.BytesIO(window.page.screenshot()))
        frames.append((time.monotonic() - began, image.convert("P", palette=Image.Palette.ADAPTIVE, colors=32)))

    for char in TYPED:
        window.page.keyboard.press("Enter") if char == "\n" else window.page.keyboard.type(char)
        end = time.monotonic() + KEY_S
        shoot()
        time.sleep(max(0, end - time.monotonic()))
    window.until_ghost()
    shoot()
    window.page.screenshot(path=ROOT / "docs/vscode.png")
    window.page.wait_for_timeout(1200)
    window.page.keyboard.press("Tab")
    window.page.wait_for_timeout(300)
    shoot()
    _save(frames)


def _save(frames: list[tuple[float, Any]]) -> None:
    times = [at for at, _ in frames]
    spans = [1000 * (after - at) for at, after in pairwise(times)] + [1000 * LAST_S]
    images = [image for _, image in frames]
    images[0].save(
        ROOT / "docs/vscode.gif", save_all=True, append_images=images[1:], duration=spans, loop=0, optimize=True
    )


if __name__ == "__main__":
    main(compare, 1180, 700) if sys.argv[1:] == ["compare"] else main(typing, 760, 440)
