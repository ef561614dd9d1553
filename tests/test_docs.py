"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from fim_lsp.filters import FILTERS
from fim_lsp.settings import EDITOR_SETTINGS, SECTION, settings

ROOT = Path(__file__).resolve().parents[1]


spec = importlib.util.spec_from_file_location("editor_settings", ROOT / "editors/settings.py")
editor_settings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(editor_settings)


@pytest.mark.parametrize(
    "path", [editor_settings.PAGE, editor_settings.PACKAGE, editor_settings.LUA], ids=lambda path: path.name
)
def test_server_vs_code_neovim_and_docs_list_the_same_settings(path):
    assert path.read_text(encoding="utf-8") == editor_settings.written()[path], "run `make fix`"


def test_vs_code_has_every_setting_with_its_default():
    manifest = json.loads(editor_settings.PACKAGE.read_text(encoding="utf-8"))
    listed = manifest["contributes"]["configuration"]["properties"]
    every = [*(setting for _, setting in settings()), *EDITOR_SETTINGS]
    assert set(listed) == {f"{SECTION}.{setting.key}" for setting in every}
    for setting in every:
        row = listed[f"{SECTION}.{setting.key}"]
        default = tuple(row["default"]) if isinstance(row["default"], list) else row["default"]
        assert (default, row["markdownDescription"]) == (setting.default, setting.doc)
        assert setting.kind.accepts(row["default"]), setting.key


def test_every_setting_is_documented():
    for setting in [*(setting for _, setting in settings()), *EDITOR_SETTINGS]:
        assert setting.doc.endswith("."), setting.key


def test_links_in_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_in_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    cli = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "fim_lsp").glob("cli*.py"))
    for verb in set(re.findall(r"fim-lsp (serve|complete|demo|eval|compare|doctor)", readme)):
        assert f"def {verb}(" in cli or f'"{verb}"' in cli, verb


def test_architecture_names_every_filter():
    page = (ROOT / "docs/adding-a-filter.md").read_text(encoding="utf-8")
    for name, _ in FILTERS:
        assert name in page
