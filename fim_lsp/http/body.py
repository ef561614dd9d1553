"""The JSON object of a request, read within bounds and field by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from fim_lsp.http.fault import Fault

MOST_BYTES = 4_000_000  # a document of a million characters, most of them beyond ASCII


@dataclass(frozen=True)
class Body:
    """Fields by name; one of a wrong type is a fault that names it, and null is as good as absent."""

    values: Mapping[str, Any]

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        return str(self._get(name, str, default, "a string"))

    def flag(self, name: str) -> bool:
        return bool(self._get(name, bool, False, "true or false"))

    def whole(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number, however it is spelt: some clients send 128.0."""
        value = self.number(name)
        if value is not None and value != int(value):
            raise Fault(400, f"{name} must be a whole number", name)
        return default if value is None else int(value)

    def number(self, name: str) -> float | None:
        value = self._get(name, (int, float), None, "a number")
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            raise Fault(400, f"{name} must be a number", name)
        return value  # type: ignore[no-any-return]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; one string is a list of one."""
        value = self.values.get(name)
        value = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Fault(400, f"{name} must be a string or a list of strings", name)
        return tuple(one for one in value if one)

    def objects(self, name: str) -> list[Body]:
        value = self._get(name, list, [], "a list of objects")
        if not all(isinstance(one, dict) for one in value):
            raise Fault(400, f"{name} must be a list of objects", name)
        return [Body(one) for one in value]

    def _get(self, name: str, kind: type | tuple[type, ...], default: Any, called: str) -> Any:
        value = self.values.get(name)
        if value is not None and not isinstance(value, kind):
            raise Fault(400, f"{name} must be {called}", name)
        return default if value is None else value


async def read(request: Request) -> Body:
    """Read a request's body; raises Fault where it is too large or no JSON object."""
    too_large = Fault(413, f"the body is larger than {MOST_BYTES} bytes")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 12 or int(length) > MOST_BYTES):
        raise too_large
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > MOST_BYTES:
                raise too_large
    except ClientDisconnect:
        raise Fault(400, "the body ended early") from None
    try:
        values = json.loads(bytes(raw))
    except (ValueError, RecursionError) as problem:
        raise Fault(400, f"the body is not JSON: {problem}") from None
    if not isinstance(values, dict):
        raise Fault(400, "the body must be a JSON object")
    return Body(values)
