"""JavaScript, JSX included; TypeScript begins from here."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("array", "arrow_function", "await_expression", "binary_expression", "call_expression", "member_expression"),
    *("new_expression", "object", "string", "subscript_expression", "template_string", "ternary_expression"),
    "unary_expression",
)
FUNCTIONS = ("function_declaration", "function_expression", "method_definition", "arrow_function")
WORDS = r"(?:export |default |declare |abstract |async |static )*"
GIVERS = (
    *("import_statement", "export_clause", "object_pattern", "array_pattern", "rest_pattern"),
    "shorthand_property_identifier_pattern",
    *("variable_declarator.name", "function_declaration.name", "generator_function_declaration.name"),
    *("function_expression.name", "generator_function.name", "class_declaration.name", "class.name"),
    *("formal_parameters.", "arrow_function.parameter", "catch_clause.parameter", "for_in_statement.left"),
    *("assignment_pattern.left", "assignment_expression.left"),
)
ELEMENTS = frozenset({"jsx_opening_element.name", "jsx_closing_element.name", "jsx_self_closing_element.name"})


@cache
def global_names() -> frozenset[str]:
    """Read the names that scripts have without a definition."""
    text = (files(__package__) / "javascript_globals.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


ELEMENT = r"<([A-Za-z][\w.:-]*)?(?:\s(?:[^<>]|=>)*)?(?<![/=])>$"
JSX_ENDINGS = ("", "}}", " {{}}", ";", " />", " : x")  # the last one of `x ? y`

LANGUAGE = Language(
    name="javascript",
    extensions=(".js", ".mjs", ".cjs", ".jsx"),
    grammar="tree_sitter_javascript",
    ids=("javascriptreact",),
    modes=("js-mode", "js-ts-mode"),
    long_quotes="`",
    literals=r"(?<=[=(,:])\s*/(?![/*])(?:\\.|[^/\n\\])+/",  # regular expressions
    word_chars="_$",
    comments=frozenset({"comment", "html_comment"}),
    strings=frozenset({"string", "template_string"}),
    interpolations=frozenset({"template_substitution"}),
    header=r".*(?:\)|=>|\b(?:else|try|catch|finally|do|static)) ?\{$|(?:.*\W)?class\b[^{}]*\{$|(?:case\b.*|default):$",
    openers=frozenset({"{", ":"}),
    lists=frozenset({"formal_parameters", "parenthesized_expression", "arguments"}),
    endings=JSX_ENDINGS,
    element=ELEMENT,
    scope=WORDS + r"(?:class|function)\b|(?!if|for|while|switch|catch|return\b)(?:async |static )*[\w$#]+\(.*\) ?\{$",
    imports=frozenset({"import_statement"}),
    import_names=r"(?s)import(.*?)(?:\bfrom\b|$)",
    definitions=frozenset(
        {
            "class_declaration",
            "function_declaration",
            "generator_function_declaration",
            "method_definition",
            "field_definition",
            "lexical_declaration",
        }
    ),
    owners=frozenset({"class_declaration"}),
    names=frozenset({"identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"}),
    givers=ELEMENTS | set(GIVERS),
    predefined=global_names,
    unseen=r"\b(?:with|eval)\s*+\(|/\*\s*globals?\s",
    holes={"identifier": "identifier", "property_identifier": "identifier"}
    | dict.fromkeys(("arguments", "formal_parameters"), "arguments")
    | dict.fromkeys(EXPRESSIONS, "expression")
    | dict.fromkeys(FUNCTIONS, "function_body"),
)
