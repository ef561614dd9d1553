"""Who may ask: a client that knows a token, and that calls this server by a name of its own.

A page in a browser can have its own domain's name point here (DNS rebinding); then the Host header has that name. No
answer has a CORS header, so a browser shows no page what another origin said.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fim_lsp.http.fault import Fault
from fim_lsp.http.tokens import TokenBook

OPEN_PATHS = ("/health",)  # answered without a token
SESSION = "x-session-id"  # a client's own name for what it is working on; few send one


class Caller(NamedTuple):
    """Who asks: the owner of the token, "" where all share it, and the session it named."""

    owner: str = ""
    session: str = ""


async def everyone(caller: Caller) -> Fault | None:
    """Let every caller in that has a token."""
    return None


@dataclass(frozen=True)
class GuardRules:
    """Who is let in: tokens, the names that a Host header may have, and what else is asked of a caller."""

    tokens: TokenBook
    hosts: tuple[str, ...] = ()
    admit: Callable[[Caller], Awaitable[Fault | None]] = everyone


class Guard:
    """Refuse strangers before anything of their request is read; the rules may change while it stands."""

    def __init__(self, app: ASGIApp, rules: Callable[[], GuardRules]):
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with what is wrong."""
        fault = await self._check(scope, self.rules()) if scope["type"] == "http" else None
        await (fault.response() if fault else self.app)(scope, receive, send)

    async def _check(self, scope: Scope, rules: GuardRules) -> Fault | None:
        headers = Headers(scope=scope)
        named = headers.get("host", "")
        if not _is_own(named, rules.hosts):
            return Fault(403, f"the Host header says {named!r}, which is not this server", code="wrong_host")
        if scope["path"] in OPEN_PATHS:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        owner = rules.tokens.owner(token.strip()) if scheme.lower() == "bearer" else None
        if owner is None:
            return Fault(
                401, "the token is missing or wrong: send `Authorization: Bearer TOKEN`", code="invalid_api_key"
            )
        scope["caller"] = caller = Caller(owner, headers.get(SESSION, ""))
        return await rules.admit(caller)


def _is_own(named: str, hosts: tuple[str, ...]) -> bool:
    """True for localhost, an address, or a name this server was told to answer to: no stranger owns these."""
    host = named.rpartition("]")[0].removeprefix("[") if named.startswith("[") else named.partition(":")[0]
    if host.lower() in ("localhost", *(one.lower() for one in hosts)):
        return True
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
