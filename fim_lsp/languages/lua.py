"""Lua."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="lua",
    extensions=(".lua",),
    grammar="tree_sitter_lua",
    line_comments=("--",),
    block_comment=("--[[", "]]"),
    after_closer=",;",
    strings=frozenset({"string"}),
    string_ends=frozenset({'"', "'", "]]"}),
    header=r".*\b(?:then|do|else|repeat)$|.*\bfunction\b[^()]*\([^()]*\)$",
    openers=frozenset(),
    closers=("end", "}"),
    endings=("", "\nend", "\nuntil x", " then\nend", " do\nend", " x", " {{}}"),
    scope=r"(?:local )?function\b|(?:local )?[\w.]+ = function\b",
    imports=frozenset({"variable_declaration"}),
    import_text=r".*\brequire\b",
    import_names=r"local(.*?)=",
    definitions=frozenset({"function_declaration"}),
    elided="",
    holes={"identifier": "identifier"}
    | dict.fromkeys(("arguments", "parameters"), "arguments")
    | dict.fromkeys(("binary_expression", "function_call", "string", "table_constructor"), "expression")
    | dict.fromkeys(("function_declaration", "function_definition"), "function_body"),
)
