"""docs/adding-a-backend.md, done: its file is written, its line added, a completion asked for."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

from fim_lsp.backends import ModelRequest, create, registry
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config

PAGE = Path(__file__).resolve().parents[3] / "docs/adding-a-backend.md"


def test_the_page_adds_a_backend(monkeypatch, tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    file, line = (dedent(body) for body in re.findall(r"^   ```\w*\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL))
    name, path = re.fullmatch(r'"(\w+)": "([\w.]+)",\n', line).groups()
    module = ModuleType(path)
    exec(file, module.__dict__)
    monkeypatch.setitem(sys.modules, path, module)
    monkeypatch.setitem(registry.FAMILIES, name, path)

    completer = Completer(Config(backend="gpt"), lambda family, wanted: create(name, ModelRequest(str(tmp_path))))
    outcome = completer.complete(Snapshot("u", 0, "python", "total, value = value, \n", 22), Cancel())
    assert [suggestion.text for suggestion in outcome.suggestions] == ["value,"]
