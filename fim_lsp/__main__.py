"""`python -m fim_lsp` is the `fim-lsp` command."""

from fim_lsp.cli import app

app()
