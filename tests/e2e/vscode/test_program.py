"""Which program the extension runs: one it installs, and none that an untrusted folder chose."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.vscode.conftest import program
from tests.e2e.vscode.window import ROOT, Server, Window

pytestmark = pytest.mark.editor

AREA = "import os\n\n\ndef area(width, height):\n    return "


def stub_wheel(folder: Path, command: list[str]) -> Path:
    """Write a wheel whose fim-lsp runs a command."""
    wheel, info = folder / "fim_lsp-9.9-py3-none-any.whl", "fim_lsp-9.9.dist-info"
    files = {
        "stub.py": f"import os\n\n\ndef main():\n    os.execv({command[0]!r}, {command!r})\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: fim-lsp\nVersion: 9.9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nfim-lsp = stub:main\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


@pytest.mark.wheel
def test_the_server_is_installed_where_there_is_none(browser, tmp_path, monkeypatch):
    """The offer, a virtual environment, pip and the start; the wheel carries our scripted server."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    wheel = stub_wheel(tmp_path, [sys.executable, str(ROOT / "tests/fake_server.py")])
    without = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "fim-lsp").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
    server = Server(home, folder, {"fimLsp.installFrom": str(wheel)})
    try:
        opened = Window(server, browser, folder, is_ready=False)
        opened.page.click("text=Install >> nth=-1", timeout=30_000)
        opened.until_ready()
        opened.edit(AREA)
        opened.until_ghost()
        opened.close()
    finally:
        server.close()


def test_an_untrusted_folder_does_not_choose_the_program(browser, tmp_path):
    folder, home = tmp_path / "work", tmp_path / "home"
    (folder / ".vscode").mkdir(parents=True)
    home.mkdir()
    marker = tmp_path / "ran"
    bad = program(folder, "touch", str(marker))
    good = program(home, sys.executable, str(ROOT / "tests/fake_server.py"))
    (folder / ".vscode/settings.json").write_text(json.dumps({"fimLsp.path": bad}))
    trust = {"security.workspace.trust.enabled": True, "security.workspace.trust.startupPrompt": "never"}
    server = Server(
        home, folder, {"fimLsp.path": good, **trust, "security.workspace.trust.banner": "never"}, trusted=False
    )
    try:
        opened = Window(server, browser, folder)
        assert "fim-lsp" in opened.status()
        assert not marker.exists()
        opened.close()
    finally:
        server.close()
