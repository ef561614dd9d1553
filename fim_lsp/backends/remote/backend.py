"""Ask a server as if it were a family on this machine: drafts grow as its pieces come."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx2

from fim_lsp.backends.base import CODE, Budget, Endpoint
from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.remote.breaker import Breaker
from fim_lsp.backends.remote.courier import Courier, Exchange
from fim_lsp.backends.remote.wire import PUBLISHERS, WIRES, Piece, kind_of, whole_path
from fim_lsp.domain import Cancel, FimRequest, Finish, Meter, Suggestion, TokenEstimate
from fim_lsp.errors import ModelMismatch, RemoteFault
from fim_lsp.privacy.outbound import without_secrets

LOOK_S = 0.01  # between two looks at the cancel while nothing comes
GRACE_S = 0.25  # after the deadline, for the connection: the decode thread is gone by then, with what there is
LOCAL_SHARE = 0.35  # of the time, kept for a local model when the server has not begun by then
LONG_TOKEN_CHARS = 32  # a server that goes on beyond that many for each token asked for is not heard out


class RemoteBackend:
    """A model behind an address; what is sent there is counted, and nothing is sent anywhere else."""

    name = "remote"
    has_prefix_cache = False
    budget = Budget(prefix_chars=6000, suffix_chars=2000)
    calibration: Calibration | None = None

    def __init__(self, endpoint: Endpoint):
        url = _url(endpoint)
        self.kind = kind_of(endpoint, url.host, url.path)
        if not endpoint.model and (self.kind in PUBLISHERS.values()):
            raise ModelMismatch(f"fimLsp.remote.model is empty, and {url.host} has several: name one")
        self.endpoint, self.wire = endpoint, WIRES[self.kind]
        self.url = url.copy_with(path=whole_path(url.path, self.kind))
        self.host = url.host
        self.breaker = Breaker()
        self.courier = Courier(self.url, self.wire, endpoint.key_variable)

    def resting(self) -> str:
        """Say why the server is not asked now, "" when it may be."""
        return f"{self.host} {resting}" if (resting := self.breaker.resting()) else ""

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Yield one stream; it raises RemoteFault where the server gives nothing that can be used."""
        if len(request.segments) > 2:
            raise ModelMismatch("a server fills one hole at a time: set fimLsp.backend to gpt or bert for several")
        yield self._drafts(request, cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        return iter(())

    def estimate(self, request: FimRequest) -> TokenEstimate:
        return TokenEstimate(int(sum(map(len, request.segments)) / CODE.usual))

    def forget(self) -> None:
        """Keep nothing: what the server keeps is its own."""

    def _drafts(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Suggestion]:
        shown = without_secrets(request)
        body = json.dumps(self.wire.body(shown, self.endpoint), ensure_ascii=False)
        exchange = self.courier.post(body, request.limits.deadline + GRACE_S)
        try:
            yield from self._grow(exchange, request, cancel, meter)
        except RemoteFault as fault:
            self.breaker.fail(fault)
            raise RemoteFault(f"{self.host}: {fault}", fault.rest_s) from None
        except GeneratorExit:
            self.breaker.succeed()
            raise
        else:
            if not cancel.is_set():
                self.breaker.succeed()
        finally:  # who has enough closes the stream, and the connection with it
            exchange.close()
            if exchange.is_sent:
                meter.send(self.host, len(body))

    def _grow(self, exchange: Exchange, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Suggestion]:
        limits, text = request.limits, ""
        now = time.monotonic()
        begin_by = now + (limits.deadline - now) * (1 - LOCAL_SHARE)
        while True:
            until = limits.deadline if text else begin_by
            with meter.stage("remote"):
                piece = _wait(exchange, until, cancel)
            if cancel.is_set():
                yield Suggestion((text,), finish="cancelled")
                return
            if piece is None and not text:
                raise RemoteFault("it did not begin to answer in time")
            if piece is None:
                yield Suggestion((text,), finish="deadline")
                return
            text += piece.text
            is_long = len(text) > limits.max_tokens * LONG_TOKEN_CHARS
            finish: Finish = "stop" if piece.is_end else "length"
            if piece.text or piece.is_end:
                yield Suggestion((text,), finish=finish)
            if piece.is_end or is_long:
                return


def _wait(exchange: Exchange, until: float, cancel: Cancel) -> Piece | None:
    """Return the next piece, None at a cancel or when the time is over."""
    while not cancel.is_set() and (left := until - time.monotonic()) > 0:
        if (piece := exchange.next(min(left, LOOK_S))) is not None:
            return piece
    return None


def _url(endpoint: Endpoint) -> httpx2.URL:
    """Read the address; raises ModelMismatch."""
    if not endpoint.url:
        raise ModelMismatch("fimLsp.backend is remote and fimLsp.remote.url is empty: name the server's address")
    try:
        url = httpx2.URL(endpoint.url)
    except httpx2.InvalidURL as problem:
        raise ModelMismatch(f"fimLsp.remote.url is {endpoint.url!r:.200}, which is no address: {problem}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ModelMismatch(
            f"fimLsp.remote.url is {endpoint.url!r:.200}: it begins with http:// or https:// and a host"
        )
    if url.userinfo:
        raise ModelMismatch("fimLsp.remote.url holds a password: put it into a variable, see fimLsp.remote.keyVariable")
    return url
