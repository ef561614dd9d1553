"""Rust."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("binary_expression", "call_expression", "closure_expression", "field_expression", "index_expression"),
    *("macro_invocation", "reference_expression", "string_literal", "struct_expression", "tuple_expression"),
)
WORDS = r"(?:pub(?:\([^)]*\))? |async |const |unsafe |extern |default )*"

LANGUAGE = Language(
    name="rust",
    extensions=(".rs",),
    grammar="tree_sitter_rust",
    quotes='"',
    literals=r"'(?:\\[^\n]+?|[^\\'\n])'",  # a lone ' is a lifetime
    comments=frozenset({"line_comment", "block_comment"}),
    strings=frozenset({"string_literal", "raw_string_literal", "char_literal"}),
    string_ends=frozenset({'"', "'"}),
    header=r".*\b(?:fn|if|else|for|while|loop|match|impl|trait|struct|enum|mod|union|unsafe|async)\b.*\{$"
    r"|\).*\{$|.*=> ?\{$|.*\| ?\{$|where\b.*\{$|\{$",
    lists=frozenset({"parameters", "arguments"}),
    scope=WORDS + r"(?:fn|impl|trait|struct|enum|mod|union)\b",
    imports=frozenset({"use_declaration", "extern_crate_declaration"}),
    import_names=r"(?s)(?:use|crate)\b(.*)",
    definitions=frozenset(
        {
            "struct_item",
            "enum_item",
            "union_item",
            "trait_item",
            "impl_item",
            "mod_item",
            "function_item",
            "function_signature_item",
            "type_item",
            "const_item",
            "static_item",
            "field_declaration",
            "enum_variant",
            "macro_definition",
        }
    ),
    owners=frozenset({"struct_item", "enum_item", "union_item", "trait_item", "impl_item", "mod_item"}),
    holes=dict.fromkeys(("identifier", "field_identifier"), "identifier")
    | dict.fromkeys(("arguments", "parameters"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | {"function_item": "function_body"},
)
