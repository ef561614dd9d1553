"""The model families behind one seam."""

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.registry import create

__all__ = ["ModelRequest", "create"]
