"""PHP."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("array_creation_expression", "binary_expression", "conditional_expression", "encapsed_string"),
    *("function_call_expression", "member_access_expression", "member_call_expression", "scoped_call_expression"),
    *("object_creation_expression", "string", "subscript_expression"),
)
DEFINITIONS = r"(?:class|enum|interface|trait|namespace)\b"
WORDS = r"(?:public |protected |private |static |final |abstract |readonly )*"

LANGUAGE = Language(
    name="php",
    extensions=(".php",),
    grammar="tree_sitter_php:language_php",
    line_comments=("//", "#"),
    literals=r"#\[",  # an attribute
    word_chars="_$",
    strings=frozenset({"string", "encapsed_string", "heredoc", "nowdoc", "shell_command_expression"}),
    string_ends=frozenset({'"', "'", "`", "heredoc_end"}),
    header=rf"(?:.*\W)?{DEFINITIONS}[^=]*\{{$|.*\)[^;=]*\{{$"
    r"|.*\b(?:else|try|finally|do) ?\{$|\{$|(?:case\b.*|default) ?:$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"formal_parameters", "parenthesized_expression", "arguments"}),
    scope=rf"{WORDS}(?:{DEFINITIONS}|function\b)",
    imports=frozenset({"namespace_use_declaration"}),
    import_names=r"(?s)use(.*)",
    definitions=frozenset(
        {
            "class_declaration",
            "interface_declaration",
            "trait_declaration",
            "enum_declaration",
            "function_definition",
            "method_declaration",
            "property_declaration",
            "const_declaration",
        }
    ),
    owners=frozenset({"class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"}),
    holes={"variable_name": "identifier", "name": "identifier"}
    | dict.fromkeys(("arguments", "formal_parameters"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | dict.fromkeys(("function_definition", "method_declaration", "anonymous_function"), "function_body"),
)
