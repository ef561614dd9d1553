"""What the workspace holds besides the open file: its source files, their definitions, windows of their text."""

from fim_lsp.context.index.workspace import Workspace

__all__ = ["Workspace"]
