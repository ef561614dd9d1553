"""What a file defines, drawn: each source and below it owner.name, signature and what is said about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fim_lsp.languages import LANGUAGES, definitions, get
from fim_lsp.languages.definitions import MOST

GOLDEN = Path(__file__).resolve().parents[2] / "golden/definitions.txt"
CASES = re.findall(r"^=== (\w+)\n(.*?)^---\n(.*?)(?=^===|\Z)", GOLDEN.read_text(encoding="utf-8"), re.S | re.M)


def told(source: str, language: str) -> str:
    return "".join(
        f"{one.line + 1}  {one.owner + '.' if one.owner else ''}{one.name}  {one.signature}"
        f"{f'  | {one.said}' if one.said else ''}\n"
        for one in definitions(source.encode(), get(language))
    )


@pytest.mark.parametrize(("language", "source", "expected"), CASES, ids=[case[0] for case in CASES])
def test_names_owners_and_signatures(language, source, expected):
    assert told(source, language) == expected


def test_every_language_that_defines_something_is_drawn():
    assert {case[0] for case in CASES} >= {name for name, one in LANGUAGES.items() if one.definitions} - {"tsx"}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_its_definitions_are_nodes_of_its_grammar(language):
    assert language.owners <= language.definitions
    assert not language.definitions or language.definition_query  # which the grammar would refuse


def test_a_broken_file_still_tells_what_it_can():
    assert told("def f(a):\n    return g(\n\ndef h(b):\n    pass\n", "python").endswith("4  h  def h(b):\n")


def test_one_file_defines_only_so_much():
    assert len(definitions(b"x = 1\n" * 2 * MOST, get("python"))) == MOST
    assert max(len(one.signature) for one in definitions(b"def f(" + b"a, " * 500 + b"): pass\n", get("python"))) < 200
