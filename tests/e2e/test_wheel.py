"""The wheel carries the weights and works outside the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.wheel
@pytest.mark.timeout(600)
def test_the_wheel_completes_in_a_fresh_environment(tmp_path):
    def run(*command: object, **more) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [str(c) for c in command], capture_output=True, text=True, cwd=tmp_path, env=clean, **more
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "fim_lsp/_models/gpt/tokenizer.json" in names
    assert "fim_lsp/samples/LICENSES.txt" in names
    assert "fim_lsp/nn/native/engine.so" in names
    assert "py3-none" in wheel.name
    assert not [name for name in names if name.startswith(("tests", "models"))]
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    where = run(python, "-c", "import fim_lsp; print(fim_lsp.__file__)")
    assert str(tmp_path) in where
    script = python.with_name("fim-lsp")
    answer = run(script, "complete", "-", "--json", input="def add(first, second):\n    return first[MASK]\n")
    assert json.loads(answer)["text"] == " + second"
