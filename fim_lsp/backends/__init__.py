"""The model families behind one seam."""

from fim_lsp.backends.base import Wanted
from fim_lsp.backends.registry import create

__all__ = ["Wanted", "create"]
