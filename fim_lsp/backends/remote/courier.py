"""Carry a request to the one host that the user named, and its answer back, piece by piece.

decode thread   ──post──────── next ─ next ─ close        waits at most until the deadline, for pieces in a queue
                   │             ▲      ▲      │
own thread         └─ connect ─ send ─ read ─ read ✗      one event loop; what is closed is closed at once

Nothing is sent twice: only a connection that failed before the first byte went out is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import ssl
import threading
import time
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import Future
from typing import Any

import httpx2

from fim_lsp.backends.remote import replies
from fim_lsp.backends.remote.keys import find_key
from fim_lsp.backends.remote.wire import Piece, WireFormat
from fim_lsp.errors import RemoteFault

TRIES, FIRST_PAUSE_S = 3, 0.05
KEPT_S = 60.0  # that a connection is kept open for the next request
AGENT = "fim-lsp"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Exchange:
    """One request under way, as the decode thread sees it."""

    def __init__(self) -> None:
        self.pieces: queue.SimpleQueue[Piece | RemoteFault] = queue.SimpleQueue()
        self.is_sent = False  # the request has begun to leave this machine
        self.work: Future[None] | None = None

    def next(self, wait_s: float) -> Piece | None:
        """Return the next piece, None when none came in that time; raises RemoteFault."""
        try:
            found = self.pieces.get(timeout=max(wait_s, 0.0))
        except queue.Empty:
            return None
        if isinstance(found, RemoteFault):
            raise found
        return found

    def close(self) -> None:
        """Have the connection closed if the answer is not whole; does not wait for it."""
        if self.work is not None:
            self.work.cancel()


class Courier:
    """A thread with an event loop, and the client that keeps connections to one address."""

    def __init__(self, url: httpx2.URL, wire: WireFormat, key_variable: str):
        self.url, self.wire, self.key_variable = url, wire, key_variable
        self.is_near = url.host in LOOPBACK
        self.client: httpx2.AsyncClient | None = None
        self.key: str | None = None
        self.trust = ssl_context()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="remote", daemon=True).start()
        weakref.finalize(self, self.loop.call_soon_threadsafe, self.loop.stop)

    def post(self, body: str, deadline: float) -> Exchange:
        """Begin to send; `deadline` in time.monotonic() seconds ends it wherever it is."""
        exchange = Exchange()
        exchange.work = asyncio.run_coroutine_threadsafe(self._carry(body, deadline, exchange), self.loop)
        return exchange

    async def _carry(self, body: str, deadline: float, exchange: Exchange) -> None:
        put = exchange.pieces.put
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0.0)):
                async with self._response(body, exchange) as response:
                    async for piece in replies.read(response, self.wire):
                        put(piece)
        except TimeoutError:
            put(RemoteFault("it did not answer in time"))
        except RemoteFault as fault:
            put(fault)
        except (httpx2.HTTPError, httpx2.StreamError) as problem:
            put(RemoteFault(_describe(problem, exchange)))
        except Exception as problem:  # whoever waits is told whatever happens
            put(RemoteFault(f"asking it failed: {problem!r}"))

    @contextlib.asynccontextmanager
    async def _response(self, body: str, exchange: Exchange) -> AsyncIterator[httpx2.Response]:
        """Send the request, and yield the answer once its head is there."""
        client = self.client = self.client or self._client()
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self.key is None:
            self.key = await asyncio.to_thread(find_key, self.url.host, self.key_variable)
        if self.key:
            if self.url.scheme != "https" and not self.is_near:
                raise RemoteFault(f"a key is not sent to {self.url.host} over plain http: use https", rest_s=60)
            headers["Authorization"] = f"Bearer {self.key}"

        async def note(event: str, info: Any) -> None:
            exchange.is_sent |= event.endswith("send_request_headers.started")

        request = client.build_request(
            "POST", self.url, content=body.encode(), headers=headers, extensions={"trace": note}
        )
        response = await self._send(client, request, exchange)
        try:
            yield response
        finally:
            await response.aclose()

    async def _send(self, client: httpx2.AsyncClient, request: httpx2.Request, exchange: Exchange) -> httpx2.Response:
        for attempt in range(1, TRIES + 1):
            try:
                return await client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as problem:
                if attempt == TRIES or exchange.is_sent or _is_certificate(problem):
                    raise
            await asyncio.sleep(FIRST_PAUSE_S * attempt * random.uniform(0.5, 1.5))
        raise AssertionError("the last attempt returns or raises")

    def _client(self) -> httpx2.AsyncClient:
        """Make the client: no redirect is followed, proxies of the environment are used but for this machine."""
        return httpx2.AsyncClient(
            verify=self.trust,
            trust_env=not self.is_near,
            follow_redirects=False,
            timeout=None,  # the deadline is over all of it
            limits=httpx2.Limits(max_connections=4, max_keepalive_connections=1, keepalive_expiry=KEPT_S),
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
        )


def ssl_context() -> ssl.SSLContext:
    """Return what certificates are checked with: the system's, or those SSL_CERT_FILE names."""
    return httpx2.create_ssl_context()


def _is_certificate(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(problem):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _describe(problem: Exception, exchange: Exchange) -> str:
    if _is_certificate(problem):
        return "its certificate cannot be verified, so nothing was sent"
    said = str(problem) or type(problem).__name__
    if isinstance(problem, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"it cannot be reached: {said}"
    return f"the connection broke: {said}" if exchange.is_sent else f"asking it failed: {said}"
