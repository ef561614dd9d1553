"""CSS."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="css",
    extensions=(".css",),
    grammar="tree_sitter_css",
    line_comments=(),
    literals=r"url\([^)'\"\n]*\)",
    word_chars="_-",
    after_closer=",;{",
    strings=frozenset({"string_value"}),
    openers=frozenset({"{"}),
    endings=("", ";", "}}", ";}}", " {{}}", ": x;", ": x;}}"),
    scope=r"@(?:media|supports|layer|container|keyframes)\b",
    imports=frozenset({"import_statement"}),
    holes=dict.fromkeys(("property_name", "class_name", "tag_name"), "identifier")
    | {"arguments": "arguments"}
    | dict.fromkeys(("call_expression", "declaration", "plain_value", "string_value"), "expression"),
)
