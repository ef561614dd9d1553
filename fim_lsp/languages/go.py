"""Go."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("binary_expression", "call_expression", "composite_literal", "func_literal", "index_expression"),
    *("interpreted_string_literal", "selector_expression", "slice_expression", "unary_expression"),
)

LANGUAGE = Language(
    name="go",
    extensions=(".go",),
    grammar="tree_sitter_go",
    long_quotes="`",
    strings=frozenset({"interpreted_string_literal", "raw_string_literal", "rune_literal"}),
    header=r".*\b(?:func|if|else|for|switch|select|struct|interface)\b.*\{$|\).*\{$|(?:case\b.*|default):$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"parameter_list", "argument_list"}),
    scope=r"func |type ",
    imports=frozenset({"import_declaration"}),
    shares_folder=True,
    import_names=r"(?s)import(.*)",
    definitions=frozenset(
        {
            "type_spec",
            "function_declaration",
            "method_declaration",
            "method_elem",
            "const_spec",
            "var_spec",
            "field_declaration",
        }
    ),
    owners=frozenset({"type_spec"}),
    holes={"identifier": "identifier", "field_identifier": "identifier"}
    | dict.fromkeys(("argument_list", "parameter_list"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | dict.fromkeys(("function_declaration", "method_declaration", "func_literal"), "function_body"),
)
