"""Damaged and lying model folders are told by name: none ends the process, none raises another error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.unit.checkpoints.fuzz import child, folders

ROOT = Path(__file__).resolve().parents[3]
FEW, MANY, BATCH = 500, 10_000, 500
BATCH_S = 280
GUIDED, GUIDED_S = 20_000, 1800
READERS = ("adapter", "config", "gguf", "index", "safetensors", "slots", "tokenizer")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("folders")
    folders.write_all(path)
    return path


def run(root: Path, first: int, last: int) -> Counter[str]:
    """Try seeds in a process of their own and count what came of them; a crash or another error fails."""
    command = [sys.executable, "-m", "tests.unit.checkpoints.fuzz.child", str(first), str(last), str(root)]
    environment = os.environ | {"FIM_LSP_THREADS": "2", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=BATCH_S)
    lines = done.stdout.splitlines()
    again = "python -m tests.unit.checkpoints.fuzz.child SEED NEXT; this was seed"
    assert done.returncode == 0, f"exit {done.returncode}, {again} {lines[-1:]}\n{done.stderr[-2000:]}"
    results = [line.rpartition(" -> ")[2].strip("'\"") for line in lines]
    faults = [line for line, result in zip(lines, results, strict=True) if result.startswith(child.FAULT)]
    assert not faults, f"{again} {faults[0]}"
    return Counter(result.partition(":")[0] for result in results)


@pytest.mark.parametrize("layout", sorted(set(child.LAYOUTS)))
def test_whole_folders_load_and_complete(root, layout, tmp_path):
    shutil.copytree(root / layout, tmp_path / layout)
    child.complete(tmp_path / layout, layout)


def test_damaged_folders_are_named(root):
    seen = run(root, 0, FEW)
    assert seen.total() == FEW
    assert all(seen[name] for name in ("ModelCorrupt", "ModelMismatch", "ModelMissing", child.LOADED)), seen


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_many_damaged_folders_are_named(root):
    seen = sum((run(root, first, first + BATCH) for first in range(FEW, FEW + MANY, BATCH)), Counter())
    print(dict(seen))
    assert seen.total() == MANY


@pytest.mark.fuzz
@pytest.mark.timeout(GUIDED_S)
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 alone")
@pytest.mark.parametrize("reader", READERS)
def test_any_bytes_are_read_or_refused(reader, tmp_path):
    command = [sys.executable, "-m", "tests.unit.checkpoints.fuzz.guided", reader, str(tmp_path), f"-runs={GUIDED}"]
    environment = os.environ | {"RUST_BACKTRACE": "0"}
    with (tmp_path / "said").open("w+") as said:  # a panic of the tokenizers is told there, whoever catches it
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=said, stderr=said, timeout=GUIDED_S)
    end = (tmp_path / "said").read_text(errors="replace")[-3000:]
    assert done.returncode == 0, f"exit {done.returncode} over {tmp_path}/tried\n{end}"
    assert f"Done {GUIDED} runs" in end
