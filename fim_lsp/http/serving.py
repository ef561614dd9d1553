"""Listen, say where, and serve until told to end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import uvicorn

from fim_lsp.errors import ConfigError
from fim_lsp.http import tokens
from fim_lsp.http.app import make_app
from fim_lsp.http.decoder import DecodeQueue
from fim_lsp.http.guard import GuardRules
from fim_lsp.http.tokens import TokenBook
from fim_lsp.pipeline.completer import Completer

GRACE_S = 2  # for answers under way when the server is told to end


def listen(host: str, port: int) -> socket.socket:
    """Open a port, any free one for 0; raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as problem:
        raise ConfigError(f"--http {port}: cannot listen at {host}: {problem}") from None


def serve(completer: Completer, listener: socket.socket, host: str, token: str, say: Callable[[str], None]) -> None:
    """Serve a completer that has its model; `say` is told the address and the token, made where none is given."""
    known = token or tokens.make()
    rules = GuardRules(TokenBook.of(known), (host,))
    name = f"[{host}]" if ":" in host else host
    config = uvicorn.Config(
        make_app(DecodeQueue(completer), lambda: rules),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ws="none",
    )
    say(f"listening at http://{name}:{listener.getsockname()[1]}")
    if not token:
        say(f"token: {known}")
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
