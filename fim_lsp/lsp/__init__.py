"""The language server. The only importer of pygls and lsprotocol; no UTF-16 leaves this package."""
