"""docs/adding-a-language.md, done: its file is written, its line added, its case drawn."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel
from fim_lsp.languages import LANGUAGES, Trees, get, ids, known, language_of, locate
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw, shown

PAGE = Path(__file__).resolve().parents[3] / "docs/adding-a-language.md"


def blocks(kind: str) -> list[str]:
    found = re.findall(r"^   ```(\w*)\n(.*?)^   ```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [dedent(body) for which, body in found if which == kind]


def test_the_page_adds_a_language(monkeypatch):
    (file,), (line, case) = blocks("python"), blocks("")
    name = line.strip().strip('",')
    module = ModuleType(f"fim_lsp.languages.{name}")
    exec(file, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for added, language in known.read((name,)).items():
        monkeypatch.setitem(LANGUAGES, added, language)

    assert get(name).ts_language is not None
    assert language_of(f"a.{name}") == name in ids()

    document, said_and_shown = case.partition("\n")[2].split("\n>>>")
    said, _, expected = said_and_shown.partition("\n")
    snap = draw(document + "\n", language=name)
    backend = FakeBackend(said.replace("\\n", "\n"))
    outcome = Completer(Config(languages=ids()), lambda family, model: backend).complete(snap, Cancel())
    assert shown(snap, outcome.suggestions[0]).strip() == expected.strip()
    assert "no grammar" not in outcome.why

    query = draw("local found = [[--sql\nSELECT ║\n]]\n", language=name)
    assert locate(query, Trees()).snap.language == "sql"
