"""What each kind of server is sent and what it sends back; the only file that knows their schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fim_lsp.backends.base import Endpoint
from fim_lsp.checkpoints.rendered import render
from fim_lsp.domain import FimRequest
from fim_lsp.errors import RemoteFault
from fim_lsp.sentinels import PUBLISHED

SHOWN_CHARS = 160  # of what a server says about itself
DONE = "[DONE]"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """A part of the answer, and whether it is the last one."""

    text: str
    is_end: bool = False


@dataclass(frozen=True)
class WireFormat:
    """One kind of server: where it listens, what it is asked, how its events are read."""

    path: str
    body: Callable[[FimRequest, Endpoint], Payload]
    piece: Callable[[Mapping[str, Any]], Piece | None]


def _openai(request: FimRequest, endpoint: Endpoint) -> Payload:
    """Ask with a `suffix`, or with sentinels where the server has no such parameter."""
    prefix, suffix = request.segments
    body = {"model": endpoint.model, "max_tokens": request.limits.max_tokens, "temperature": 0, "stream": True}
    if marks := PUBLISHED.get(endpoint.format):
        return body | {"prompt": render(request, marks), "stop": [*_stops(request), *marks.ends][:4]}
    return body | {"prompt": prefix, "suffix": suffix} | _stopping(request)


def _infill(request: FimRequest, endpoint: Endpoint) -> Payload:
    prefix, suffix = request.segments
    extra = [{"filename": snippet.path, "text": snippet.text} for snippet in request.snippets]
    body = {"input_prefix": prefix, "input_suffix": suffix, "input_extra": extra, "prompt": ""}
    options = {"n_predict": request.limits.max_tokens, "temperature": 0, "stream": True, "cache_prompt": True}
    return body | options | _stopping(request)


def _fim(request: FimRequest, endpoint: Endpoint) -> Payload:
    prefix, suffix = request.segments
    body = {"model": endpoint.model, "prompt": prefix, "suffix": suffix, "max_tokens": request.limits.max_tokens}
    return body | {"temperature": 0, "stream": True} | _stopping(request)


def _stops(request: FimRequest) -> list[str]:
    return [] if request.limits.multiline else ["\n"]


def _stopping(request: FimRequest) -> Payload:
    return {"stop": stops} if (stops := _stops(request)) else {}


def _choice(event: Mapping[str, Any]) -> Piece | None:
    choices = event.get("choices")
    if choices == []:
        return Piece("")  # how many tokens it took, at the end of a stream
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, Mapping):
        return None
    held = next((held for name in ("delta", "message") if isinstance(held := choice.get(name), Mapping)), None)
    text = choice.get("text") if held is None else held.get("content", "")
    text = "" if text is None and choice.get("finish_reason") else text
    return Piece(text, choice.get("finish_reason") is not None) if isinstance(text, str) else None


def _content(event: Mapping[str, Any]) -> Piece | None:
    text = event.get("content")
    return Piece(text, event.get("stop") is True) if isinstance(text, str) else None


WIRES: Mapping[str, WireFormat] = {
    "openai": WireFormat("/v1/completions", _openai, _choice),
    "infill": WireFormat("/infill", _infill, _content),
    "mistral": WireFormat("/v1/fim/completions", _fim, _choice),
    "deepseek": WireFormat("/beta/completions", _fim, _choice),
}
PUBLISHERS = {"mistral.ai": "mistral", "deepseek.com": "deepseek"}  # hosts that are known by their names


def kind_of(endpoint: Endpoint, host: str, path: str) -> str:
    """Return the kind that the settings name, or that the address gives away."""
    if endpoint.kind in WIRES:
        return endpoint.kind
    known = next((kind for name, kind in PUBLISHERS.items() if f".{host}".endswith(f".{name}")), "openai")
    return "infill" if path.rstrip("/").endswith("/infill") else known


def whole_path(path: str, kind: str) -> str:
    """Complete the path of an address: none, the version alone, what stands before it, or the whole."""
    path, wanted = path.rstrip("/"), WIRES[kind].path
    first = "/" + wanted.split("/")[1]
    if path.endswith(wanted):
        return path
    return path + wanted.removeprefix(first) if path.endswith(first) else path + wanted


def read(data: str, wire: WireFormat) -> Piece:
    """Read one event, or a whole answer; raises RemoteFault."""
    if data.strip() == DONE:
        return Piece("", is_end=True)
    if "\ufffd" in data:
        raise RemoteFault("its answer is not UTF-8")
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise RemoteFault("its answer is not JSON") from None
    if isinstance(event, Mapping):
        if said := complaint(event):
            raise RemoteFault(f"it says {said!r}")
        if (piece := wire.piece(event)) is not None:
            return piece
    raise RemoteFault("its answer has another schema than this kind of server's: see fimLsp.remote.kind")


def complaint(event: Any) -> str:
    """Return what a server says is wrong, shortened, "" where it says nothing."""
    if not isinstance(event, Mapping):
        return ""
    error = event.get("error")
    is_error = error is not None or event.get("object") == "error"
    said = error.get("message") if isinstance(error, Mapping) else error
    said = said if isinstance(said, str) else event.get("message") or event.get("detail")
    if not is_error and "choices" in event:
        return ""
    if isinstance(said, str):
        return " ".join("".join(char if char.isprintable() else " " for char in said).split())[:SHOWN_CHARS]
    return "an error" if is_error else ""
