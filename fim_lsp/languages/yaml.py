"""YAML."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="yaml",
    extensions=(".yaml", ".yml"),
    grammar="tree_sitter_yaml",
    ids=("dockercompose", "github-actions-workflow"),
    line_comments=("#",),
    block_comment=None,
    literals=r"(?<=\S)#|(?<=\w)'",  # `a#b`, and an apostrophe
    word_chars="_-",
    after_closer=",",
    strings=frozenset({"double_quote_scalar", "single_quote_scalar"}),
    string_ends=frozenset({'"', "'"}),
    header=r"(?:- )*[^#\s].*:(?: [|>][-+\d]*)?$",
    openers=frozenset(),  # no token ends a header: its line does
    closers=(),
    endings=("", ": x"),
    scope=r"[\w.-]+:$",
    holes={"plain_scalar": "expression", "double_quote_scalar": "expression", "single_quote_scalar": "expression"}
    | {"flow_sequence": "expression", "block_mapping_pair": "expression"},
)
