"""What the parser knows about the text. The only importer of tree_sitter."""

from fim_lsp.languages.language import LANGUAGES, Language, language_of
from fim_lsp.languages.site import Site, describe
from fim_lsp.languages.tree import SyntaxTree, Trees

__all__ = ["LANGUAGES", "Language", "Site", "SyntaxTree", "Trees", "describe", "language_of"]
