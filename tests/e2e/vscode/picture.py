"""Capture docs/vscode.png and vscode.gif of real typing: `python -m tests.e2e.vscode.picture`, with Pillow there."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from PIL import Image
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


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = Path(name)
        folder = home / "work"
        folder.mkdir()
        path = program(home, sys.executable, "-m", "fim_lsp", "serve")
        server = Server(home / "code", folder, {**LOOKS, "fimLsp.path": path})
        window = Window(server, launch(playwright), folder)
        window.page.set_viewport_size({"width": 760, "height": 440})
        window.page.keyboard.press("Control+b")
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
        server.close()
    _save(frames)


def _save(frames: list[tuple[float, Image.Image]]) -> None:
    times = [at for at, _ in frames]
    spans = [1000 * (after - at) for at, after in pairwise(times)] + [1000 * LAST_S]
    images = [image for _, image in frames]
    images[0].save(
        ROOT / "docs/vscode.gif", save_all=True, append_images=images[1:], duration=spans, loop=0, optimize=True
    )


if __name__ == "__main__":
    main()
