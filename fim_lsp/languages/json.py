"""JSON, with the comments that many of its readers take."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="json",
    extensions=(".json", ".jsonc", ".webmanifest"),
    grammar="tree_sitter_json",
    ids=("jsonc",),
    modes=("js-json-mode", "json-mode", "json-ts-mode"),
    quotes='"',
    after_closer=",",
    string_ends=frozenset({'"'}),
    header=r".*[\[{]$",
    openers=frozenset({"{", "["}),
    closers=("}", "]"),
    endings=("", "}}", "]", ": 0", ",", ": 0,"),
    expression='"x"',
    scope=r'"[^"]+" ?: ?\{',
    holes={"string": "expression", "number": "expression", "pair": "expression"},
)
