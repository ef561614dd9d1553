"""What the documents say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from fim_lsp.config import settings, settings_page
from fim_lsp.filters import FILTERS

ROOT = Path(__file__).resolve().parents[1]


def test_settings_page_is_fresh():
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page(), "run `make fix`"


def test_every_setting_is_documented():
    for _, key, _, doc, _ in settings():
        assert doc.endswith("."), key


def test_links_in_documents_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_in_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    cli = (ROOT / "fim_lsp/cli.py").read_text(encoding="utf-8")
    for verb in set(re.findall(r"fim-lsp (serve|complete|demo|eval|doctor)", readme)):
        assert f"def {verb}(" in cli or f'"{verb}"' in cli, verb


def test_architecture_names_every_filter():
    page = (ROOT / "docs/adding-a-filter.md").read_text(encoding="utf-8")
    for name, _ in FILTERS:
        assert name in page
