"""What a release is made of works outside the repository: the wheel alone, and with the weights beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.client import Client

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
MARKED = "def add(first, second):\n    return first[MASK]\n"


class Venv:
    """A fresh environment in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.run(sys.executable, "-m", "venv", folder / "venv")
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(self, *command: object, code: int = 0, **more) -> str:
        words = [str(word) for word in command]
        done = subprocess.run(words, capture_output=True, text=True, cwd=self.folder, env=CLEAN, **more)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def pip(self, *words: object) -> None:
        self.run(self.python, "-m", "pip", "--quiet", *words)

    def complete(self, code: int = 0) -> str:
        script = self.python.with_name("fim-lsp")
        return self.run(script, "complete", "-", "--json", input=MARKED, code=code)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with everything a release uploads, its wheel for this machine alone; the others: test_prebuilt.py."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / "models/release.py"), "--here", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=CLEAN)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return out


def size_mb(folder: Path) -> float:
    """Return what was installed, without the bytecode that Python adds."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6


def serve_once(command: Path, folder: Path) -> str:
    """Ask a served file for one inline completion and return its text."""
    with Client([str(command), "serve"], folder, env={"PYTHONPATH": ""}) as client:
        client.start()
        client.open("def add(first, second):\n    return first\n")
        return client.inline(1, 16)[0]["insertText"]


def names_in(wheel: Path) -> list[str]:
    return [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]


@pytest.mark.wheel
@pytest.mark.timeout(600)
def test_weights_lie_in_wheels_of_their_own(dist):
    assert all(path.stat().st_size < 95e6 for path in dist.iterdir())
    (wheel,) = dist.glob("fim_lsp-*.whl")
    names = names_in(wheel)
    assert "py3-none" in wheel.name
    assert "fim_lsp/cli/samples/LICENSES.txt" in names
    assert "fim_lsp/nn/native/engine.so" in names
    assert all(name.startswith("fim_lsp/") and not name.endswith(".safetensors") for name in names)
    (sdist,) = dist.glob("fim_lsp-*.tar.gz")
    assert sdist.stat().st_size < 5e6
    data = sorted(dist.glob("fim_lsp_weights_*-py3-none-any.whl"))
    shipped = [name for wheel in data for name in names_in(wheel)]
    assert len(shipped) == len(set(shipped))
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT / "models", text=True).split()
    marks = {f"fim_lsp_weights/part-{n}-of-{len(data)}.txt" for n in range(1, len(data) + 1)}
    assert {name.removeprefix("fim_lsp_weights/") for name in set(shipped) - marks} == {
        name for name in tracked if "/" in name
    }


@pytest.mark.wheel
@pytest.mark.timeout(600)
def test_a_fresh_environment_completes_once_the_weights_are_there(dist, tmp_path):
    venv = Venv(tmp_path)
    (wheel,) = dist.glob("fim_lsp-*.whl")
    before = size_mb(tmp_path)
    venv.pip("install", "--constraint", ROOT / "constraints.txt", wheel)
    assert size_mb(tmp_path) - before < 150
    assert venv.run(venv.python, "-c", "import importlib.util as u; print(u.find_spec('torch'))") == "None\n"
    assert str(tmp_path) in venv.run(venv.python, "-c", "import fim_lsp; print(fim_lsp.__file__)")
    assert "pip install 'fim-lsp[weights]'" in venv.complete(code=3)
    venv.pip("install", "--no-index", "--find-links", dist, "fim-lsp[weights]")
    assert json.loads(venv.complete())["text"] == " + second"
    assert serve_once(venv.python.with_name("fim-lsp"), tmp_path) == " + second"
    told = json.loads(venv.run(venv.python.with_name("fim-lsp"), "doctor", "--json"))
    assert (told["ok"], told["packages"]["torch"]) == (True, "not installed")
    said = venv.run(venv.python.with_name("fim-lsp"), "compare", "--limit", "1", code=3)
    assert "pip install 'fim-lsp[compare]'" in said
    venv.pip("uninstall", "--yes", "fim-lsp-weights-1")
    assert "fim-lsp-weights-1==" in venv.complete(code=3)


@pytest.mark.wheel
@pytest.mark.timeout(600)
def test_a_clones_models_are_a_package(tmp_path):
    target = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
        str(ROOT / "models"),
    ]
    done = subprocess.run(pip, capture_output=True, text=True, env=CLEAN)
    assert done.returncode == 0, done.stderr
    find = (
        "from fim_lsp.checkpoints import catalogue as m; m.PACKAGE = m.Path('/none/fim_lsp'); print(m.models_folder())"
    )
    env = {**CLEAN, "PYTHONPATH": os.pathsep.join([str(ROOT), str(target)])}
    found = subprocess.check_output([sys.executable, "-c", find], text=True, env=env, cwd=tmp_path)
    assert found.strip() == str(target / "fim_lsp_weights")
    assert (target / "fim_lsp_weights/qwen2.5-coder-0.5b/tokenizer.json").is_file()
    assert not (target / "fim_lsp_weights/release.py").exists()
