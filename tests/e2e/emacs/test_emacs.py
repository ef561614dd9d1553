"""The recipe of editors/README.md in a real Emacs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.editors import missing

pytestmark = pytest.mark.editor

HERE = Path(__file__).resolve().parent
RECIPE = HERE.parents[2] / "editors/emacs/fim-lsp.el"
CODE = "import os\n\n\ndef area(width, height):\n    return \n"


def test_eglot_offers_the_suggestion(tmp_path):
    emacs = shutil.which("emacs")
    if emacs is None:
        missing("Emacs", "apt-get install emacs-nox elpa-eglot")
    file = tmp_path / "work.py"
    file.write_text(CODE, encoding="utf-8")
    program = "\n".join([sys.executable, "-m", "fim_lsp", "serve"])
    command = [emacs, "--batch", "-q", "-l", str(HERE / "ask.el"), str(RECIPE), program, str(file), "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    asked = [sys.executable, "-m", "fim_lsp", "complete", f"{file}:5:12"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert done.stdout, done.stderr
    assert done.stdout in shown
