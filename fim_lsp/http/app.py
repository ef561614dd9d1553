"""The endpoints: decode, complete, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.http import body, choices, completions, infill
from fim_lsp.http.body import Body
from fim_lsp.http.choices import TextChoice
from fim_lsp.http.decoder import SnapshotDecoder
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Guard, GuardRules
from fim_lsp.http.place import CompletionAsk

MOST_CHARS = 1_000_000  # around a cursor; parsing them takes half a second, and all others wait

AnswerShape = Callable[[CompletionAsk, list[TextChoice], Outcome], dict[str, Any]]
Events = Callable[[CompletionAsk, list[TextChoice], Outcome], str]


def make_app(decoder: SnapshotDecoder, rules: Callable[[], GuardRules]) -> Starlette:
    """Build the application around what decodes; the rules are asked for at every request."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        decoder.stop()

    def endpoint(path: str, read: Callable[[Body], CompletionAsk], answer: AnswerShape, events: Events) -> Route:
        async def handle(request: Request) -> Response:
            ask = read(await body.read(request))
            snap = ask.snapshot()
            if len(snap.text) > MOST_CHARS:
                raise Fault(413, f"more than {MOST_CHARS} characters around the cursor")
            outcome = Outcome() if ask.max_tokens == 0 else await _while_connected(request, decoder, snap)
            found = choices.read(ask, snap, outcome)
            if ask.is_stream:
                return Response(events(ask, found, outcome), media_type="text/event-stream")
            return JSONResponse(answer(ask, found, outcome))

        return Route(path, handle, methods=["POST"])

    async def models(request: Request) -> Response:
        return JSONResponse(
            {
                "object": "list",
                "data": [{"id": CompletionAsk.model, "object": "model", "owned_by": CompletionAsk.model}],
            }
        )

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            endpoint("/v1/completions", completions.read, completions.answer, completions.events),
            endpoint("/infill", infill.read_infill, infill.answer, infill.events),
            endpoint("/completion", infill.read_completion, infill.answer, infill.events),
            Route("/v1/models", models),
            Route("/health", health),
        ],
        middleware=[Middleware(Guard, rules=rules)],
        exception_handlers={Fault: tell, HTTPException: tell, Exception: tell},
        lifespan=lifespan,
    )


async def _while_connected(request: Request, decoder: SnapshotDecoder, snap: Snapshot) -> Outcome:
    """Return the outcome, or none at all once the client is gone; its body has been read."""

    async def has_left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    work = asyncio.ensure_future(decoder.complete(snap, request.scope["caller"]))
    left = asyncio.ensure_future(has_left())
    try:
        await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else Outcome(reason="the client left")
    finally:
        work.cancel()
        left.cancel()


async def tell(request: Request, problem: Exception) -> Response:
    """Answer a fault, a path or method that is not there, or an error of our own."""
    if isinstance(problem, HTTPException):
        problem = Fault(problem.status_code, f"{request.method} {request.url.path}: {problem.detail}")
    known = problem if isinstance(problem, Fault) else Fault(500, "the server failed; its log says why")
    return known.response()
