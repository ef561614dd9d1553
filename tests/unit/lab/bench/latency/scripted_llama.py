"""A llama-server that says what it was told to: just what of it the tests need."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def serving(say: Callable[[dict[str, Any]], str]) -> Iterator[tuple[tuple[str, int], list[dict[str, Any]]]]:
    """Yield (address, bodies of the requests that came); every /infill is answered with say(body)."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            answer = {"content": say(body), "timings/prompt_n": 3, "timings/cache_n": 7, "timings/predicted_n": 2}
            out = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[:2], bodies
    finally:
        server.shutdown()
        server.server_close()
