"""Java."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("array_access", "binary_expression", "cast_expression", "field_access", "lambda_expression"),
    *("method_invocation", "object_creation_expression", "string_literal", "ternary_expression", "unary_expression"),
)
WORDS = r"(?:@\w+ )*(?:public |protected |private |static |final |abstract |sealed |default |synchronized )*"
DEFINITIONS = r"(?:class|enum|interface|record|@interface)\b"

LANGUAGE = Language(
    name="java",
    extensions=(".java",),
    grammar="tree_sitter_java",
    comments=frozenset({"line_comment", "block_comment"}),
    strings=frozenset({"string_literal", "character_literal"}),
    string_ends=frozenset({'"', "'", '"""'}),
    header=rf"(?:.*\W)?{DEFINITIONS}[^=]*\{{$"
    r"|.*\)(?: throws [\w., ]+)? ?\{$|.*-> ?\{$|.*\b(?:else|try|finally|do|static) ?\{$|\{$|(?:case\b.*|default) ?:$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"formal_parameters", "parenthesized_expression", "argument_list"}),
    scope=WORDS + rf"{DEFINITIONS}|{WORDS}[\w<>\[\], ]+ \w+\(.*\{{$",
    imports=frozenset({"import_declaration"}),
    shares_folder=True,
    import_names=r"(\w+|\*)\s*;",
    definitions=frozenset(
        {
            "class_declaration",
            "interface_declaration",
            "enum_declaration",
            "record_declaration",
            "method_declaration",
            "constructor_declaration",
            "field_declaration",
            "constant_declaration",
            "enum_constant",
        }
    ),
    owners=frozenset({"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}),
    holes={"identifier": "identifier", "type_identifier": "identifier"}
    | dict.fromkeys(("argument_list", "formal_parameters"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | dict.fromkeys(("method_declaration", "constructor_declaration"), "function_body"),
)
