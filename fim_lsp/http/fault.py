"""What a client is told when it gets no completion, in the shape of OpenAI's errors."""

from __future__ import annotations

from starlette.responses import JSONResponse

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class Fault(Exception):
    """A request that is not answered: the status, the reason, and the parameter that is at fault."""

    def __init__(
        self, status: int, message: str, param: str | None = None, code: str | None = None, retry_after_s: int = 1
    ):
        super().__init__(status, message, param, code, retry_after_s)  # all of them: a fault may cross processes
        self.status, self.message, self.param, self.code = status, message, param, code
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message

    def response(self) -> JSONResponse:
        kind = TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        later = {"Retry-After": str(self.retry_after_s)}
        headers = {401: {"WWW-Authenticate": "Bearer"}, 429: later, 503: later}.get(self.status)
        return JSONResponse({"error": error}, self.status, headers)
