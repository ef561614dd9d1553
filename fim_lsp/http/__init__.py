"""Completions over HTTP, in the words that other editors' plugins speak. The only importer of starlette and uvicorn."""
