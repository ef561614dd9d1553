"""Python."""

from __future__ import annotations

import builtins
import sys

from fim_lsp.languages.language import Language

EXPRESSIONS = (
    *("attribute", "binary_operator", "boolean_operator", "call", "comparison_operator", "conditional_expression"),
    *("dictionary", "lambda", "list", "list_comprehension", "not_operator", "string", "subscript", "tuple"),
)
GIVERS = (
    *("import_statement", "import_from_statement", "future_import_statement", "global_statement", "nonlocal_statement"),
    *("as_pattern_target", "case_pattern", "type_parameter", "type_alias_statement", "print_statement"),
    *("assignment.left", "for_statement.left", "for_in_clause.left", "named_expression.name"),
    *("function_definition.name", "class_definition.name", "default_parameter.name", "typed_default_parameter.name"),
    *("parameters.", "lambda_parameters.", "typed_parameter.", "pattern_list.", "tuple_pattern.", "list_pattern."),
    *("list_splat_pattern.", "dictionary_splat_pattern."),
)
OF_MODULES = ("__annotations__", "__builtins__", "__class__", "__file__", "__path__", "_", "WindowsError")
OF_NOTEBOOKS = ("In", "Out", "display", "get_ipython")
PREDEFINED = frozenset(
    (*dir(builtins), *OF_MODULES, *OF_NOTEBOOKS, *sys.stdlib_module_names)
)  # whose import may be yet to come

LANGUAGE = Language(
    name="python",
    extensions=(".py", ".pyi", ".pyw"),
    grammar="tree_sitter_python",
    line_comments=("#",),
    block_comment=None,
    has_magics=True,
    after_closer=":,",
    strings=frozenset({"string"}),
    interpolations=frozenset({"interpolation"}),
    string_starts=frozenset({"string_start"}),
    string_ends=frozenset({"string_end"}),
    header=r"(?:async|case|class|def|elif|else|except|finally|for|if|match|try|while|with)\b",
    openers=frozenset({":"}),
    closers=(),
    endings=(
        "",
        "\n{deeper}pass",
        "\n{deeper}pass\n{indent}except x:\n{deeper}pass",
        "\n{indent}def x(): pass",
        ":\n{deeper}pass",
        " x:\n{deeper}pass",
        " x(): pass",
    ),
    lists=frozenset({"parameters", "argument_list"}),
    scope=r"class |def |async def ",
    imports=frozenset({"import_statement", "import_from_statement", "future_import_statement"}),
    import_names=r"(?s).*import(.*)",
    definitions=frozenset({"class_definition", "function_definition", "assignment"}),
    owners=frozenset({"class_definition"}),
    elided=" ...",
    names=frozenset({"identifier"}),
    givers=frozenset(GIVERS),
    members=frozenset({"attribute.attribute", "keyword_argument.name"}),
    predefined=lambda: PREDEFINED,
    # commented ones of IPython, by languages/magics.py
    unseen=r"\bimport\s*+(?:\(\s*+)?\*|\b(?:exec|globals)\s*+\("
    r"|(?m:^[ \t]*+#(?:%?(?:run|pylab|load|store|capture)\b|time[ \t][\w, \t]*+=(?!=)))",
    holes={"identifier": "identifier", "argument_list": "arguments", "parameters": "arguments"}
    | {"function_definition": "function_body"}
    | dict.fromkeys(EXPRESSIONS, "expression"),
)
