"""`python -m fim_lsp` is the `fim-lsp` command."""

from fim_lsp.cli.app import app

app()
