"""What the parser knows about the text. The only importer of tree_sitter."""

from fim_lsp.syntax.languages import LANGUAGES, Language, language_of
from fim_lsp.syntax.site import Site, describe
from fim_lsp.syntax.tree import SyntaxTree, Trees

__all__ = ["LANGUAGES", "Language", "Site", "SyntaxTree", "Trees", "describe", "language_of"]
