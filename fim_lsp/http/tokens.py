"""Tokens and who has each. Only their digests are kept: a token has too many bits to be found from one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

MARK = "sha256:"


def make() -> str:
    """Return a new token."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """Return what may be written down of a token."""
    return MARK + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True)
class TokenBook:
    """Owners by digest. Looking a digest up takes no longer for a token that is nearly right."""

    owners: Mapping[str, str]

    @classmethod
    def of(cls, token: str) -> TokenBook:
        """Return the book of one token that all share."""
        return cls({digest(token): ""})

    def owner(self, token: str) -> str | None:
        """Return who has a token, "" for one that all share; None where nobody has it."""
        return self.owners.get(digest(token))
