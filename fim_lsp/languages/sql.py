"""SQL, what its many dialects share."""

from __future__ import annotations

from fim_lsp.languages.language import Language

LANGUAGE = Language(
    name="sql",
    extensions=(".sql",),
    grammar="tree_sitter_sql",
    line_comments=("--",),
    quotes="\"'`",
    after_closer=",;",
    comments=frozenset({"comment", "marginalia"}),
    strings=frozenset({"literal"}),
    string_text=r"\w?['\"$]",  # a number is one too
    header=r"(?i)(?:.*\W)?(?:create|insert|with|as|from|join|in|exists|values|over)\b[^()]*\($|.*\b(?:begin|loop|then)$",
    openers=frozenset(),  # no token ends a header: its line does
    closers=(")", "END", "end"),
    endings=("", ";", ")", ");", " x"),
    holes={"identifier": "identifier"}
    | dict.fromkeys(("column_definitions", "list"), "arguments")
    | dict.fromkeys(("binary_expression", "invocation", "literal", "term"), "expression"),
)
