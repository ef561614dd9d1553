"""One name, one thing: types are defined once in the whole package, and editors know the stages by their names."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fim_lsp.domain import STAGES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fim_lsp"
ONCE = {"FAMILIES"}  # constants that several parts could think theirs


def is_type_name(name: str) -> bool:
    return name in ONCE or (name[:1].isupper() and not name.isupper())


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names of classes, type aliases and type variables that a module defines for others."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name) and is_type_name(target.id))


def defined_twice(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Return public names with all their modules, where there are several."""
    where = defaultdict(list)
    for path, text in sources.items():
        for name in defined(ast.parse(text)):
            if not name.startswith("_"):
                where[name].append(path)
    return {name: paths for name, paths in where.items() if len(paths) > 1}


def test_every_type_name_is_defined_once():
    sources = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert defined_twice(sources) == {}


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("class Hole: ...", "class Hole(tuple): ...", "Hole"),
        ("Report = dict", "class Report: ...", "Report"),
        ("Row = list", "Row: type = dict", "Row"),
        ("FAMILIES = ()", "FAMILIES: tuple = ()", "FAMILIES"),
    ],
)
def test_a_second_definition_is_named(first, second, name):
    assert defined_twice({"a.py": first, "b.py": second, "c.py": f"from a import {name}"}) == {name: ["a.py", "b.py"]}


def test_private_names_and_constants_may_be_the_same():
    assert defined_twice({"a.py": "class _Entry: ...\nMOST = 1", "b.py": "class _Entry: ...\nMOST = 2"}) == {}


@pytest.mark.parametrize(
    ("file", "table", "beside"),
    [
        ("editors/neovim/lua/fim_lsp/compare_view.lua", r"local STAGES = \{(.*?)\}", {"rest"}),
        ("editors/neovim/lua/fim_lsp/compare_view.lua", r"local COLOURS = \{(.*?)\}", set()),
        ("editors/vscode/src/comparePage.ts", r"const COLOURS: Record<string, string> = \{(.*?)\}", set()),
    ],
)
def test_stages_have_the_names_that_the_server_gives_them(file, table, beside):
    (found,) = re.findall(table, (ROOT / file).read_text(encoding="utf-8"), re.DOTALL)
    names = re.findall(r"(\w+) ?[:=]", found) or re.findall(r"'(\w+)'", found)
    assert len(names) >= 5
    assert set(names) - beside <= set(STAGES)
