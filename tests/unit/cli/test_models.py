"""`fim-lsp models` as a person runs it, on tiny decoders and on the shipped one."""

from __future__ import annotations

import json
import shutil
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from fim_lsp.backends.hole_test import HOLES, HoleTest
from fim_lsp.checkpoints import shelf
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.config import read_config
from fim_lsp.cli.app import app
from fim_lsp.compare import contenders
from fim_lsp.errors import InputError
from tests.unit.checkpoints.fuzz import folders


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("sources")
    folders.write_all(root)
    (root / "floats/README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# A model\n")
    return root


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*words, stdin=None):
    return CliRunner().invoke(app, ["models", *map(str, words)], input=stdin)


@pytest.fixture
def able(monkeypatch):
    """Any model fills all holes, and more of them suffix first."""
    test = HoleTest({"prefix-first": 1, "suffix-first": len(HOLES)}, {"prefix-first": ("",), "suffix-first": ("",)})
    monkeypatch.setattr(HoleTest, "of", classmethod(lambda cls, reader: test))


def test_a_model_from_its_arrival_to_its_leaving(sources, able):
    added = run("add", sources / "floats", "--name", "mine")
    assert added.exit_code == 0, added.output
    assert "fim-lsp models use mine" in added.output
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert (rows["mine"]["bits"], rows["mine"]["licence"], rows["mine"]["is_used"]) == ("8", "mit", False)
    assert rows["qwen2.5-coder-0.5b"]["is_used"]
    assert "mine" in run("list").stdout
    told = json.loads(run("info", "mine", "--json").stdout)
    assert told["ms a token decoded"] > 0
    assert told["memory"] > told["size"] > 0
    assert run("verify", "mine").stdout.startswith("files: as they were written")
    assert '"fimLsp.gpt.model": "mine"' in run("use", "mine").stdout
    assert run("remove", "mine", stdin="n\n").exit_code == 1
    assert shelf.find("mine")
    assert run("remove", "mine", stdin="y\n").exit_code == 0
    assert shelf.find("mine") is None


def test_what_is_shipped_is_told_and_tried():
    assert "where fimLsp.gpt.model is empty" in run("use", "qwen2.5-coder-0.5b").stdout
    assert "where fimLsp.backend is bert" in run("use", "infiller").stdout
    tried = run("verify", "qwen2.5-coder-0.5b")
    assert "suffix-first 3 of 3" in tried.stdout
    assert "files:" not in tried.stdout  # no checksums were noted of them
    assert run("verify", "infiller").exit_code == 2
    assert json.loads(run("info", "infiller", "--json").stdout)["architecture"] == "slots beside the decoder"


def test_the_settings_file_says_which_is_in_use(sources, able, tmp_path):
    run("add", sources / "rows", "--name", "mine", "--bits", "4")
    (tmp_path / "settings.toml").write_text('gpt.model = "mine"\n')
    rows = json.loads(run("list", "--json", "--config", tmp_path / "settings.toml").stdout)
    assert [(row["name"], row["bits"]) for row in rows if row["is_used"]] == [("mine", "4")]


def test_the_order_that_fills_more_is_taken(tmp_path, able):
    folder = tmp_path / "published"
    shutil.copytree(shipped_beside(tmp_path), folder)
    assert run("add", folder).exit_code == 0
    fim = read_config(shelf.get("published").folder).fim
    assert (fim["order"], fim["prefix"]) == ("suffix-first", "<|fim_prefix|>")


def shipped_beside(tmp_path):
    """Return a tiny folder whose config.json does not say how it fills in."""
    folders.write_all(tmp_path / "all")
    config = tmp_path / "all/floats/config.json"
    raw = json.loads(config.read_text())
    del raw["fim"]
    config.write_text(json.dumps(raw))
    return config.parent


def test_what_fills_no_hole_is_refused_and_kept_by_force(sources, data):
    refused = run("add", sources / "floats", "--name", "dumb")
    assert refused.exit_code == 3
    assert "fills none of the holes" in refused.output
    assert "prefix-first 0 of 3, suffix-first 0 of 3" in refused.output
    assert list((data / "models").iterdir()) == []
    assert "--bits 8" not in refused.output
    assert "try --bits 8" in " ".join(run("add", sources / "floats", "--name", "dumb", "--bits", "4").output.split())
    assert run("add", sources / "floats", "--name", "dumb", "--force").exit_code == 0
    assert run("verify", "dumb").exit_code == 3


def test_a_format_that_is_not_known_is_told(tmp_path, monkeypatch):
    folder = shipped_beside(tmp_path)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace("fim_prefix", "begins"))
    refused = run("add", folder, "--name", "left")
    assert "format not recognised" in refused.output
    test = HoleTest({"prefix-only": 3}, {"prefix-only": ("second",)})
    monkeypatch.setattr(HoleTest, "of", classmethod(lambda cls, reader: test))
    added = run("add", folder, "--name", "left")
    assert added.exit_code == 0
    assert "format not recognised" in added.output
    assert "format not recognised" in run("verify", "left").output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "nowhere.gguf"), 2, "nowhere.gguf is not there"),
        (("add", "./nowhere/at all"), 2, "is not there: give a folder"),
        (("add", __file__), 2, "is neither a folder of safetensors nor a .gguf file"),
        (("info", "other"), 3, "no model 'other': there are qwen2.5-coder-0.5b, infiller"),
        (("use", "other"), 3, "no model 'other'"),
        (("verify", "other"), 3, "no model 'other'"),
        (("remove", "qwen2.5-coder-0.5b"), 3, "no model 'qwen2.5-coder-0.5b'"),
    ],
)
def test_what_is_not_there_is_told(words, code, said):
    found = run(*words)
    assert found.exit_code == code
    assert said in " ".join(found.output.split())


def test_a_flipped_byte_is_told(sources, able):
    run("add", sources / "floats", "--name", "mine")
    path = shelf.get("mine").folder / "layers-000.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    found = run("verify", "mine")
    assert found.exit_code == 3
    assert "layers-000.safetensors is not as it was written" in " ".join(found.output.split())


def hub(monkeypatch, fetch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=fetch))


def test_a_repository_is_fetched(sources, able, monkeypatch):
    asked = []

    def fetch(repository, allow_patterns):
        asked.append((repository, allow_patterns))
        return str(sources / "floats")

    hub(monkeypatch, fetch)
    added = run("add", "Owner/Some-Coder")
    assert added.exit_code == 0, added.output
    assert asked[0][0] == "Owner/Some-Coder"
    assert "*.safetensors" in asked[0][1]
    assert not any("bin" in pattern or "py" in pattern for pattern in asked[0][1])
    assert shelf.get("Some-Coder").notes.raw["source"] == "Owner/Some-Coder"


def test_a_repository_of_pickles_is_refused(tmp_path, monkeypatch):
    hub(monkeypatch, lambda repository, allow_patterns: str(tmp_path))
    found = run("add", "owner/old")
    assert found.exit_code == 3
    assert "pickled weights can run code" in " ".join(found.output.split())


def test_what_the_hub_says_is_one_line(monkeypatch):
    def fetch(repository, allow_patterns):
        raise OSError("401 Client Error.\nlong explanation")

    hub(monkeypatch, fetch)
    found = run("add", "owner/private")
    assert found.exit_code == 3
    assert "owner/private cannot be fetched: 401 Client Error." in " ".join(found.output.split())
    assert "long explanation" not in found.output


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    found = run("add", "owner/name")
    assert found.exit_code == 3
    assert "pip install 'fim-lsp[hub]'" in found.output


def test_a_model_is_a_contender_by_its_name(sources, able):
    run("add", sources / "floats", "--name", "mine")
    (contender,) = contenders.contend(["mine"])
    assert (contender.name, contender.folder) == ("gpt mine", find_model("gpt", "mine"))
    with pytest.raises(InputError, match="fim-lsp models list has mine"):
        contenders.contend(["other"])
