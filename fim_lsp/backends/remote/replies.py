"""Read a server's answer as it comes, a stream of events or one JSON text, and refuse whatever is neither."""

from __future__ import annotations

import contextlib
import email.utils
import json
import time
from collections.abc import AsyncIterator

import httpx2

from fim_lsp.backends.remote.wire import Piece, WireFormat, complaint
from fim_lsp.backends.remote.wire import read as read_event
from fim_lsp.errors import RemoteFault

MOST_BYTES = 1_000_000  # of an answer; 128 tokens as events take 50 kB
MOST_OF_ERROR = 4_000
REST_S = {401: 60.0, 402: 300.0, 403: 60.0, 404: 60.0, 429: 10.0, 503: 5.0}
REMEDIES = {
    401: "; set the key, see fimLsp.remote.keyVariable",
    403: "; set the key, see fimLsp.remote.keyVariable",
    404: "; correct fimLsp.remote.url, .kind or .model",
}
EVENTS, JSON = "text/event-stream", "application/json"


async def read(response: httpx2.Response, wire: WireFormat) -> AsyncIterator[Piece]:
    """Yield the pieces of an answer, the last one marked so; raises RemoteFault."""
    if response.is_redirect or 300 <= response.status_code < 400:
        there = httpx2.URL(response.headers.get("location", "")).host or "another address of its own"
        raise RemoteFault(f"it redirects to {there}, which was not followed: correct fimLsp.remote.url", rest_s=60)
    if response.status_code != 200:
        raise await _refusal(response)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise RemoteFault("its answer is compressed, which was not asked for")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == EVENTS:
        async for piece in _events(response, wire):
            yield piece
    elif kind == JSON:
        try:
            whole = (await _all(response, MOST_BYTES)).decode("utf-8")
        except UnicodeDecodeError:
            raise RemoteFault("its answer is not UTF-8") from None
        yield Piece(read_event(whole, wire).text, is_end=True)
    else:
        said = "a web page" if kind == "text/html" else f"{kind[:60] or 'something without a type'}"
        raise RemoteFault(f"it answers with {said}, not with a completion: see fimLsp.remote.url", rest_s=10)


async def _events(response: httpx2.Response, wire: WireFormat) -> AsyncIterator[Piece]:
    async for event in httpx2.EventSource(response, max_event_size=MOST_BYTES):
        _check_size(response)
        if event.data:
            piece = read_event(event.data, wire)
            yield piece
            if piece.is_end:
                return
    raise RemoteFault("its answer broke off before its end")


async def _all(response: httpx2.Response, most: int) -> bytes:
    parts = []
    async for part in response.aiter_bytes():
        parts.append(part)
        _check_size(response, most)
    return b"".join(parts)


def _check_size(response: httpx2.Response, most: int = MOST_BYTES) -> None:
    if response.num_bytes_downloaded > most:
        raise RemoteFault(f"its answer is longer than {most:,} bytes")


async def _refusal(response: httpx2.Response) -> RemoteFault:
    """Return what an answer other than 200 comes to."""
    status, said = response.status_code, ""
    with contextlib.suppress(ValueError, RecursionError, RemoteFault, httpx2.HTTPError):  # the status says enough
        said = complaint(json.loads(await _all(response, MOST_OF_ERROR)))
    told = f": {said!r}" if said else ""
    rest_s = _asked_pause(response.headers.get("retry-after", "")) or REST_S.get(status, 0.0)
    return RemoteFault(f"it answers {status} {response.reason_phrase}{told}{REMEDIES.get(status, '')}", rest_s)


def _asked_pause(retry_after: str) -> float:
    """Return the seconds that a Retry-After asks for, by number or by date (RFC 9110, 10.2.3)."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return 0.0
