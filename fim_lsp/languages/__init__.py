"""What the parser knows about the text. The only importer of tree_sitter and its grammars."""

from fim_lsp.languages.definitions import Definition, definitions
from fim_lsp.languages.known import DEFAULT, LANGUAGES, get, ids, language_of, wheels
from fim_lsp.languages.language import Language
from fim_lsp.languages.site import Site, describe, locate
from fim_lsp.languages.tree import SyntaxTree, Trees

__all__ = [
    "DEFAULT",
    "LANGUAGES",
    "Definition",
    "Language",
    "Site",
    "SyntaxTree",
    "Trees",
    "definitions",
    "describe",
    "get",
    "ids",
    "language_of",
    "locate",
    "wheels",
]
