"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest
import typer

from fim_lsp.cli.app import app
from fim_lsp.cli.base import EXTRAS
from fim_lsp.filters import FILTERS
from fim_lsp.languages import ids
from fim_lsp.settings import EDITOR_SETTINGS, SECTION, settings

ROOT = Path(__file__).resolve().parents[1]


spec = importlib.util.spec_from_file_location("editor_settings", ROOT / "editors/settings.py")
editor_settings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(editor_settings)


@pytest.mark.parametrize(
    "path",
    [editor_settings.PAGE, editor_settings.PACKAGE, editor_settings.LUA, editor_settings.EMACS],
    ids=lambda path: path.name,
)
def test_server_editors_and_docs_list_the_same_settings_and_languages(path):
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


def test_vs_code_wakes_for_every_language():
    manifest = json.loads(editor_settings.PACKAGE.read_text(encoding="utf-8"))
    assert set(manifest["activationEvents"]) == {*(f"onLanguage:{name}" for name in ids()), "onStartupFinished"}
    listed = manifest["contributes"]["configuration"]["properties"][f"{SECTION}.languages"]["default"]
    assert listed == list(ids())


def test_every_setting_is_documented():
    for setting in [*(setting for _, setting in settings()), *EDITOR_SETTINGS]:
        assert setting.doc.endswith("."), setting.key


def test_links_in_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_in_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make ([a-z]+)", readme))
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]), ids=lambda page: page.name
)
def test_commands_in_documents_exist_with_their_options(page):
    top = typer.main.get_command(app)
    for line in re.findall(r"\bfim-lsp ((?:[a-z-]+ )*[a-z-]+[^`\n#]*)", page.read_text(encoding="utf-8")):
        command, words = top, line.replace("|", " ").split()
        while words and hasattr(command, "commands") and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            assert words[0] in command.commands, f"{page.name}: fim-lsp {line}"
            command = command.commands[words.pop(0)]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
        for option in (word.split("=")[0] for word in words if re.match(r"--[a-z]", word)):
            assert option in known, f"{page.name}: fim-lsp {line}"


def test_the_page_about_filters_lists_them_in_their_order():
    page = (ROOT / "docs/adding-a-filter.md").read_text(encoding="utf-8")
    listed = re.search(r"Today: ((?:`\w+`(?:, )?)+)\.", page)
    assert listed and re.findall(r"\w+", listed[1]) == [name for name, _ in FILTERS]


def test_a_missing_package_is_named_with_its_extra():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {extra: {re.split(r"[>=<\[]", one)[0] for one in listed[extra]} - {"fim-lsp"} for extra in EXTRAS}
    assert names == {extra: set(packages) for extra, packages in EXTRAS.items()}


def test_files_that_the_security_page_names_exist():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:fim_lsp/|tests/|privacy/|lsp/|context/|backends/|checkpoints/|http/)[\w./]*)`", page)
    assert len(named) > 12
    for path in named:
        assert (ROOT / path).exists() or (ROOT / "fim_lsp" / path).exists(), path


def test_the_security_page_names_what_a_folder_may_not_set():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    keys = {setting.key for _, setting in settings() if setting.is_trusted}
    assert keys == {"backend", "backendByLanguage", "gpt.model", "bert.model", "exclude", "excludeIgnored"}, "say so"
    assert all(f"`{word}`" in page for word in ("backend", "exclude", "excludeIgnored", "remote.*"))
