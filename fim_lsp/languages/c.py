"""C; C++ begins from here."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("assignment_expression", "binary_expression", "call_expression", "cast_expression", "conditional_expression"),
    *("field_expression", "pointer_expression", "string_literal", "subscript_expression", "unary_expression"),
)

LANGUAGE = Language(
    name="c",
    extensions=(".c", ".h"),
    grammar="tree_sitter_c",
    strings=frozenset({"string_literal", "char_literal", "system_lib_string"}),
    string_ends=frozenset({'"', "'", ">"}),
    header=r".*\) ?\{$|.*\b(?:else|do) ?\{$|(?:.*\W)?(?:struct|union|enum)\b[^=]*\{$|\{$|(?:case\b.*|default) ?:$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"parameter_list", "parenthesized_expression", "argument_list"}),
    endings=("", "}}", " {{}}", ";", "\n#endif", "}} while (x);"),
    scope=r"(?:typedef |static )*(?:struct|union|enum)\b|(?!if|for|while|switch|else|return\b)\w[\w*&<>:, ]* \*?\w+\(",
    imports=frozenset({"preproc_include"}),
    import_names=r"include(.*)",
    definitions=frozenset(
        {
            "struct_specifier",
            "union_specifier",
            "enum_specifier",
            "type_definition",
            "function_definition",
            "declaration",
            "field_declaration",
            "enumerator",
            "preproc_def",
            "preproc_function_def",
        }
    ),
    owners=frozenset({"struct_specifier", "union_specifier", "enum_specifier", "type_definition"}),
    holes=dict.fromkeys(("identifier", "field_identifier"), "identifier")
    | dict.fromkeys(("argument_list", "parameter_list"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | {"function_definition": "function_body"},
)
