"""Who may ask: a client that knows the token, and that calls this machine by a name of its own.

A page in a browser can have its own domain's name point here (DNS rebinding); then the Host header has that name. No
answer has a CORS header, so a browser shows no page what another origin said.
"""

from __future__ import annotations

import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fim_lsp.http.fault import Fault

OPEN_PATHS = ("/health",)  # answered without a token


class Guard:
    """Refuse strangers before anything of their request is read."""

    def __init__(self, app: ASGIApp, token: str, host: str):
        self.app, self.token, self.host = app, token.encode(), host.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with what is wrong."""
        fault = self._check(Headers(scope=scope), scope["path"]) if scope["type"] == "http" else None
        await (fault.response() if fault else self.app)(scope, receive, send)

    def _check(self, headers: Headers, path: str) -> Fault | None:
        named = headers.get("host", "")
        if not self._is_own(named):
            return Fault(403, f"the Host header says {named!r}, which is not this server", code="wrong_host")
        if path in OPEN_PATHS:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode("latin-1"), self.token):
            return None
        return Fault(401, "the token is missing or wrong: send `Authorization: Bearer TOKEN`", code="invalid_api_key")

    def _is_own(self, named: str) -> bool:
        """True for localhost, an address, or the name this server was told to listen at: no stranger owns these."""
        host = named.rpartition("]")[0].removeprefix("[") if named.startswith("[") else named.partition(":")[0]
        if host.lower() in ("localhost", self.host):
            return True
        try:
            return bool(ipaddress.ip_address(host))
        except ValueError:
            return False
