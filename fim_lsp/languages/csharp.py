"""C#."""

from __future__ import annotations

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("binary_expression", "cast_expression", "conditional_expression", "element_access_expression"),
    *("interpolated_string_expression", "invocation_expression", "lambda_expression", "member_access_expression"),
    *("object_creation_expression", "string_literal"),
)
WORDS = (
    r"(?:public |protected |private |internal |static |sealed |abstract |partial |readonly |override |async |virtual )*"
)
DEFINITIONS = r"(?:class|enum|interface|record|struct|namespace)\b"

LANGUAGE = Language(
    name="csharp",
    extensions=(".cs",),
    grammar="tree_sitter_c_sharp",
    ids=("cs",),
    literals=r"(?m:^[ \t]*+#.*)",  # directives
    strings=frozenset(
        {"string_literal", "verbatim_string_literal", "raw_string_literal", "character_literal"}
        | {"interpolated_string_expression"}
    ),
    interpolations=frozenset({"interpolation"}),
    string_ends=frozenset({'"', "'", "interpolation_quote", "raw_string_end"}),
    header=rf"(?:.*\W)?{DEFINITIONS}[^=]*\{{$"
    r"|.*\)[^;=]*\{$|.*=> ?\{$|(?:case\b.*|default) ?:$"
    r"|.*\b(?:else|try|catch|finally|do|get|set|checked|unsafe) ?\{$|\{$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"parameter_list", "argument_list"}),
    scope=WORDS + rf"{DEFINITIONS}|{WORDS}(?!return\b|else\b|new\b)[\w<>\[\],?]+ \w+\([^;]*$",
    imports=frozenset({"using_directive"}),
    shares_folder=True,
    import_names=r"using(.*)",
    definitions=frozenset(
        {
            "class_declaration",
            "interface_declaration",
            "enum_declaration",
            "struct_declaration",
            "record_declaration",
            "namespace_declaration",
            "method_declaration",
            "constructor_declaration",
            "property_declaration",
            "field_declaration",
            "enum_member_declaration",
            "delegate_declaration",
        }
    ),
    owners=frozenset(
        {
            "class_declaration",
            "interface_declaration",
            "enum_declaration",
            "struct_declaration",
            "record_declaration",
            "namespace_declaration",
        }
    ),
    holes={"identifier": "identifier"}
    | dict.fromkeys(("argument_list", "parameter_list"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | dict.fromkeys(("method_declaration", "constructor_declaration", "local_function_statement"), "function_body"),
)
