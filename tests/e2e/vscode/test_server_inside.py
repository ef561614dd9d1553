"""The VSIX with the server inside, and nothing else: no Python, no fim-lsp, a profile that nobody has touched.

FIM_LSP_VSIX names one that is built, as a release uploads it; else it is built first (four minutes).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.vscode.window import ROOT, Server, Window, until

pytestmark = [pytest.mark.editor, pytest.mark.release, pytest.mark.timeout(1200)]
SECONDS = 60  # from the beginning of the installation to the suggestion on the screen
TEXT = "def area(width, height):\n    return"


@pytest.fixture(scope="module")
def vsix(tmp_path_factory) -> Path:
    if given := os.environ.get("FIM_LSP_VSIX"):
        return Path(given).absolute()
    out = tmp_path_factory.mktemp("vsix")
    node = subprocess.run([ROOT / "editors/node.sh"], capture_output=True, text=True, check=True).stdout.strip()
    env = {**os.environ, "PATH": os.pathsep.join([node, os.environ["PATH"]])}
    done = subprocess.run([sys.executable, ROOT / "editors/vscode/freeze.py", "--out", out], env=env)
    assert done.returncode == 0
    return next(out.glob("*.vsix"))


@pytest.fixture(scope="module")
def installed(browser, vsix, tmp_path_factory) -> Iterator[Server]:
    """VS Code with the VSIX, in an environment of two variables; its PATH is an empty folder."""
    home, empty = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("empty")
    server = Server(home, home, None, trusted=False, vsix=vsix, around={"PATH": str(empty), "HOME": str(home)})
    yield server
    server.close()


def program(server: Server) -> Path:
    (found,) = (server.home / "extensions").glob("fim-lsp.fim-lsp-*/server/fim-lsp")
    return found


def test_a_fresh_editor_with_the_vsix_alone_shows_a_suggestion(browser, installed, vsix, tmp_path):
    """In a folder that is not trusted, as every folder is at first."""
    opened_at = time.monotonic()
    opened = Window(installed, browser, tmp_path, TEXT)
    page = opened.page
    page.click(".monaco-editor .view-lines")
    page.keyboard.press("Control+End")
    page.keyboard.type(" ")
    ghost = opened.until_ghost()
    took = time.monotonic() - opened_at
    size = vsix.stat().st_size / 1e6
    print(
        f"\n{vsix.name}: {size:.0f} MB, installed in {installed.install_s:.1f} s, suggestion {took:.1f} s after opening"
    )
    assert installed.install_s + took < SECONDS
    page.hover('[id$="fimLsp.status"]')
    hover = page.wait_for_selector(".monaco-hover:has-text('inside the extension')")
    assert str(program(installed)) in hover.inner_text()
    page.click(".monaco-editor .view-lines")
    page.keyboard.press("Control+End")
    opened.until_ghost(ghost)
    page.keyboard.press("Tab")
    until(lambda: f"return {ghost.strip()}" in opened.visible(), lambda: f"{ghost!r} in {opened.visible()!r}")
    opened.close()


def test_the_bit_that_lets_it_run_is_packed_and_unpacked(installed, vsix):
    with zipfile.ZipFile(vsix) as packed:
        assert packed.getinfo("extension/server/fim-lsp").external_attr >> 16 & 0o100
    assert os.access(program(installed), os.X_OK)


def test_other_files_are_read_by_a_process_of_its_own(installed, tmp_path):
    """The server starts `sys.executable -P -m …`, and there is no other Python than itself."""
    (tmp_path / "shapes.py").write_text("def area_of_circle(radius): ...\n")
    words = ["-P", "-m", "fim_lsp.context.index", tmp_path, tmp_path / "kept.db", "100"]
    done = subprocess.run([program(installed), *words], capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 1"), done.stderr


def test_its_commands_find_their_files(installed, tmp_path):
    for words in (["demo", "--json"], ["stats"], ["doctor"]):
        environment = {"HOME": str(tmp_path)}
        done = subprocess.run([program(installed), *words], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_checksums_are_those_of_the_files(vsix):
    sums = (vsix.parent / "SHA256SUMS").read_text().splitlines()
    assert f"{hashlib.sha256(vsix.read_bytes()).hexdigest()}  {vsix.name}" in sums
