"""Languages as data: grammar, comment mark, block style. Adding one is adding a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import PurePath

import tree_sitter


@dataclass(frozen=True)
class Language:
    """One language; node types are those of its grammar."""

    name: str
    extensions: tuple[str, ...]
    grammar: str  # module of the one-grammar wheel
    comment: str
    strings: frozenset[str]
    comments: frozenset[str]
    scope_words: tuple[str, ...]  # beginnings of a header line that is kept when the middle of a file is cut away
    imports: frozenset[str]
    block_opener: str  # the token that ends a block's header
    block_keywords: frozenset[str]  # first words of such a header
    endings: tuple[str, ...]  # what makes whole a text that ends in an unfinished head; tried in this order
    holes: Mapping[str, str]  # node types worth hiding: the kind of hole each makes

    @cached_property
    def _parser(self) -> tree_sitter.Parser:
        return tree_sitter.Parser(self.ts_language)

    @cached_property
    def ts_language(self) -> tree_sitter.Language:
        load: Callable[[], object] = import_module(self.grammar).language
        return tree_sitter.Language(load())

    def parse(self, source: bytes, old: tree_sitter.Tree | None = None) -> tree_sitter.Tree:
        """Parse UTF-8 source, reusing what an edited old tree still knows."""
        return self._parser.parse(source) if old is None else self._parser.parse(source, old)


EXPRESSIONS = (
    *("attribute", "binary_operator", "boolean_operator", "call", "comparison_operator", "conditional_expression"),
    *("dictionary", "lambda", "list", "list_comprehension", "not_operator", "string", "subscript", "tuple"),
)

PYTHON = Language(
    name="python",
    extensions=(".py", ".pyi", ".pyw"),
    grammar="tree_sitter_python",
    comment="#",
    strings=frozenset({"string", "string_content", "string_start", "string_end", "concatenated_string"}),
    comments=frozenset({"comment"}),
    scope_words=("class ", "def ", "async def "),
    imports=frozenset({"import_statement", "import_from_statement", "future_import_statement"}),
    block_opener=":",
    block_keywords=frozenset(
        {"async", "case", "class", "def", "elif", "else", "except"}
        | {"finally", "for", "if", "match", "try", "while", "with"}
    ),
    endings=(
        "",
        "\n{deeper}pass",
        "\n{deeper}pass\n{indent}except x:\n{deeper}pass",
        "\n{indent}def x(): pass",
        ":\n{deeper}pass",
        " x:\n{deeper}pass",
        " x(): pass",
    ),
    holes={"identifier": "identifier", "argument_list": "arguments", "parameters": "arguments"}
    | {"function_definition": "function_body"}
    | dict.fromkeys(EXPRESSIONS, "expression"),
)

LANGUAGES = {language.name: language for language in (PYTHON,)}


def language_of(path: str) -> str:
    """Return the language id for a file name, "" when none is known."""
    suffix = PurePath(path).suffix.lower()
    return next((language.name for language in LANGUAGES.values() if suffix in language.extensions), "")
