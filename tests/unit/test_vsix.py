"""The VSIX: what its manifest promises is there, and what freezes the server into it."""

from __future__ import annotations

import importlib.util
import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from fim_lsp import __version__
from fim_lsp.checkpoints.catalogue import SHIPPED
from fim_lsp.cli.base import reporting_errors
from fim_lsp.nn.native import cross

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "editors/vscode"
MANIFEST = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, EXTENSION / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


freeze, frozen = script("freeze"), script("frozen")


def test_the_stores_would_take_the_manifest():
    assert "private" not in MANIFEST
    assert MANIFEST["version"] == __version__
    assert len(MANIFEST["keywords"]) <= 30  # the Marketplace refuses more
    assert "telemetry" not in json.dumps(MANIFEST)
    icon = (EXTENSION / MANIFEST["icon"]).read_bytes()
    assert icon.startswith(b"\x89PNG")
    assert min(struct.unpack(">II", icon[16:24])) >= 128


def test_the_walkthrough_leads_to_what_is_there():
    (walkthrough,) = MANIFEST["contributes"]["walkthroughs"]
    assert [step["id"] for step in walkthrough["steps"]] == ["suggest", "keys", "compare", "pause", "privacy"]
    commands = {one["command"] for one in MANIFEST["contributes"]["commands"]}
    for step in walkthrough["steps"]:
        assert (EXTENSION / step["media"]["markdown"]).is_file()
        named = re.findall(r"\bcommand:(fimLsp\.\w+)", step["description"]) + step["completionEvents"]
        own = {name.removeprefix("onCommand:") for name in named if "fimLsp." in name}
        assert own <= commands, step["id"]


def test_every_command_is_registered():
    code = (EXTENSION / "src/commands.ts").read_text(encoding="utf-8")
    for one in MANIFEST["contributes"]["commands"]:
        name = one["command"].removeprefix("fimLsp.")
        assert re.search(rf"^\s+{name}(:|,$)", code, re.MULTILINE), name


def test_what_is_packed_beside_the_server_is_the_same_in_both():
    plain = (EXTENSION / ".vscodeignore").read_text().splitlines()
    assert (EXTENSION / "server.vscodeignore").read_text().splitlines() == [*plain, "!server/**"]


def test_every_target_has_an_engine_and_every_family_its_weights():
    assert {kind for kind, *_ in freeze.TARGETS.values()} == set(cross.TARGETS)
    assert set(freeze.WEIGHTS) == set(SHIPPED.values())


def test_another_system_is_frozen_on_that_system():
    other = next(name for name in freeze.TARGETS if name != freeze.this_platform())
    words = [sys.executable, EXTENSION / "freeze.py", "--target", other]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{other} is frozen on that system itself" in done.stderr


def test_the_newest_c_library_that_is_asked_for_is_found(tmp_path):
    (tmp_path / "a.so").write_bytes(b"\x7fELF GLIBC_2.9\0 GLIBC_2.17\0")
    (tmp_path / "b.txt").write_bytes(b"GLIBC_2.99")
    assert freeze.newest_glibc(tmp_path) == "2.17"


def test_checksums_are_as_sha256sum_reads_them(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"fim-lsp-{name}.vsix").write_text(name)
    (tmp_path / "fim-lsp.vsix").write_text("the plain one, made at another time")
    sums = freeze.note_checksums(tmp_path).read_text()
    assert [line.split("  ")[1] for line in sums.splitlines()] == ["fim-lsp-a.vsix", "fim-lsp-b.vsix"]
    assert sums.startswith("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  fim-lsp-a.vsix\n")


def test_the_frozen_server_is_python_to_those_whom_it_starts(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fim-lsp", "-P", "-m", "json.tool", "--help"])
    with pytest.raises(SystemExit):
        frozen.begin()
    assert "infile" in capsys.readouterr().out


def test_the_frozen_server_begins_with_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fim-lsp", "--version"])
    with pytest.raises(SystemExit):
        frozen.begin()
    assert capsys.readouterr().out == f"fim-lsp {__version__}\n"


@pytest.mark.parametrize(
    ("is_frozen", "said"), [(False, "this needs gguf: pip"), (True, "inside the extension does without")]
)
def test_the_remedy_for_a_missing_package_is_one_that_helps(monkeypatch, capsys, is_frozen, said):
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    with pytest.raises(typer.Exit), reporting_errors():
        raise ModuleNotFoundError(name="gguf")
    assert said in capsys.readouterr().err
