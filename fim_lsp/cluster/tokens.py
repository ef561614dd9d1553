"""The file of tokens: owners and digests under [tokens]."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from fim_lsp.errors import ConfigError, InputError
from fim_lsp.http.tokens import MARK, digest, make

HEAD = "[tokens]  # digests; whoever has a token is its owner\n"


def read(path: Path) -> dict[str, str]:
    """Read owners by digest; raises ConfigError."""
    remedy = f"`fim-lsp cluster token NAME --to {path}` adds one"
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("tokens")
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}; {remedy}") from None
    except ValueError as problem:
        raise ConfigError(f"{path} is not TOML: {problem}") from None
    if not isinstance(rows, dict) or not rows:
        raise ConfigError(f"{path} has nothing under [tokens]; {remedy}")
    for owner, said in rows.items():
        if not (isinstance(said, str) and said.startswith(MARK) and len(said) == len(MARK) + 64):
            raise ConfigError(f"{path}: what {owner} has is no digest; take the line out, and {remedy}")
    return {said: owner for owner, said in rows.items()}


def add(owner: str, path: Path) -> str:
    """Add a token to a file, begun where there is none, and return it; raises ConfigError, InputError."""
    known = read(path).values() if path.exists() else ()
    if not owner or owner in known:
        raise InputError(f"{path} has {owner!r} already: take that line out first, then its old token is worth nothing")
    token = make()
    row = f"{json.dumps(owner, ensure_ascii=False)} = {json.dumps(digest(token))}\n"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(row if known else HEAD + row)
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from None
    return token
