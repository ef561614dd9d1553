"""Where the weights are looked for, what is said where they are not, and how they are shared out to wheels."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

from fim_lsp.checkpoints import catalogue as models
from fim_lsp.errors import ModelMissing
from fim_lsp.routing.tables import read_table

ROOT = Path(__file__).resolve().parents[3]
spec = importlib.util.spec_from_file_location("release", ROOT / "models/release.py")
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site-packages with fim_lsp in it, and no weights yet."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(models, "PACKAGE", folder / "fim_lsp")
    monkeypatch.setattr(models, "__version__", "1.0")
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def put(site: Path, *parts: int, of: int = 3, version: str = "1.0") -> Path:
    """Do what installing data wheels does; nobody makes an __init__.py."""
    folder = site / "fim_lsp_weights"
    (folder / "gpt").mkdir(parents=True, exist_ok=True)
    for part in parts:
        (folder / f"part-{part}-of-{of}.txt").write_text(version + "\n")
        (folder / f"gpt/model-{part}.safetensors").touch()
    return folder


def test_the_clone_comes_first(site):
    put(site, 1, 2, 3)
    clone = site / "models"
    (clone / models.SHIPPED["gpt"]).mkdir(parents=True)
    (clone / models.SHIPPED["gpt"] / "config.json").write_text("{}")
    assert models.models_folder() == clone


def test_a_models_package_of_somebody_elses_is_passed_over(site):
    (site / "models").mkdir()
    (site / "models/__init__.py").touch()
    folder = put(site, 1, 2, 3)
    assert models.models_folder() == folder


def test_each_family_lies_in_the_one_folder_of_the_data_wheels(site):
    folder = put(site, 1, 2, 3)
    assert models.find_model("bert", "") == folder / "infiller"
    assert models.find_model("lstm", "") == folder / "study" / "lstm"


def test_nothing_there_says_how_to_get_it(site):
    with pytest.raises(ModelMissing, match=r"pip install 'fim-lsp\[weights\]'"):
        models.find_model("gpt", "")
    assert read_table("gpt", "") is None


def test_what_pip_left_of_an_uninstalled_set_is_nothing(site):
    put(site)
    with pytest.raises(ModelMissing, match=r"fim-lsp\[weights\]"):
        models.models_folder()


def test_an_incomplete_set_names_the_missing_wheel(site):
    put(site, 1, 3)
    with pytest.raises(ModelMissing, match=r"incomplete: pip install .* fim-lsp-weights-2==1\.0,"):
        models.models_folder()


def test_parts_of_two_versions_are_not_a_set(site):
    put(site, 1, 2, version="1.0")
    put(site, 3, version="1.1")
    with pytest.raises(ModelMissing, match=r"fim-lsp-weights-3==1\.0,"):
        models.models_folder()


def test_parts_left_of_a_larger_release_do_no_harm(site):
    put(site, 4, of=4, version="0.9")
    folder = put(site, 1, 2, 3)
    assert models.models_folder() == folder


def test_weights_of_another_version_are_not_taken(site):
    put(site, 1, 2, 3, version="0.9")
    with pytest.raises(ModelMissing, match=r"not those of fim-lsp 1\.0: pip install 'fim-lsp\[weights\]'"):
        models.models_folder()


def test_of_two_places_the_complete_one_is_taken(site, tmp_path, monkeypatch):
    put(tmp_path / "user", 1)
    folder = put(site, 1, 2, 3)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "user"), str(site)])
    assert models.models_folder() == folder


def test_a_set_torn_between_two_places_is_incomplete(site, tmp_path, monkeypatch):
    put(tmp_path / "user", 1)
    put(site, 2, 3)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "user"), str(site)])
    with pytest.raises(ModelMissing, match=r"site-packages.* are incomplete: .*fim-lsp-weights-1==1\.0,"):
        models.models_folder()


def sized(folder: Path, **sizes: int) -> Path:
    for name, size in sizes.items():
        path = folder / "gpt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return folder


def test_files_are_shared_out_whole_and_below_the_limit(tmp_path):
    groups = release.group(sized(tmp_path, a=47, b=47, c=47, d=45, e=7, f=1), 95)
    assert [[path.name for path in files] for files in groups] == [["a", "b", "f"], ["c", "d"], ["e"]]


def test_a_file_above_the_limit_is_told(tmp_path):
    with pytest.raises(SystemExit, match=r"gpt.a has 96 bytes.*smaller shards"):
        release.group(sized(tmp_path, a=96), 95)


def test_every_model_file_ships_and_the_script_does_not():
    shipped = {path.relative_to(ROOT / "models").as_posix() for files in release.group() for path in files}
    assert {"qwen2.5-coder-0.5b/config.json", "infiller/slots.safetensors", "study/tokenizer.json"} <= shipped
    assert not [name for name in shipped if name.endswith((".py", ".pyc"))]


def test_the_extra_lists_the_wheels_that_are_made():
    release.check_pins(len(release.group()))
    with pytest.raises(SystemExit, match=r'weights = \["fim-lsp-weights-1=='):
        release.check_pins(99)


def test_a_large_file_stops_the_release(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "LIMIT", 10)
    small, large = tmp_path / "small.whl", tmp_path / "large.whl"
    small.write_bytes(bytes(9))
    large.write_bytes(bytes(10))
    with pytest.raises(SystemExit, match=r"large\.whl"):
        release.check_sizes([small, large])
    assert "small.whl" in capsys.readouterr().out


def test_a_data_wheels_project_names_its_files_and_its_mark(tmp_path):
    files = [release.MODELS / "gpt/config.json"]
    release.write_project(tmp_path, 2, 3, files)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "fim-lsp-weights-2"
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert sorted(included.values()) == ["fim_lsp_weights/gpt/config.json", "fim_lsp_weights/part-2-of-3.txt"]
    assert models.MARK.fullmatch("part-2-of-3.txt")
