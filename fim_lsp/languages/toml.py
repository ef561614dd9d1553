"""TOML."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="toml",
    extensions=(".toml",),
    grammar="tree_sitter_toml",
    modes=("conf-toml-mode", "toml-mode", "toml-ts-mode"),
    line_comments=("#",),
    block_comment=None,
    word_chars="_-",
    after_closer=",",
    strings=frozenset({"string"}),
    string_ends=frozenset({'"', "'", '"""', "'''"}),
    header=r".*= ?[\[{]$",
    openers=frozenset({"[", "{"}),
    closers=("]", "}"),
    endings=("", "]", " = 0"),
    expression="1",
    holes={"bare_key": "identifier"} | dict.fromkeys(("array", "inline_table", "pair", "string"), "expression"),
)
