"""fim-lsp: code completion by filling in the middle, on the user's own machine."""

__version__ = "0.1.0"
