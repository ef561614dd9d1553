"""How often one owner may ask."""

from __future__ import annotations

import math
import time

from limits import parse_many
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from fim_lsp.errors import ConfigError
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Caller


class RateGate:
    """Count each owner's requests over a window that slides; all who share a token share its count."""

    def __init__(self, rate: str, storage: str):
        try:
            self.items = parse_many(rate) if rate else []
            self.limiter = SlidingWindowCounterRateLimiter(storage_from_string(storage))
        except (ValueError, ConfigurationError) as problem:
            raise ConfigError(f"rate {rate!r}, counted in {storage}: {problem}; `20/second` is one") from None

    async def admit(self, caller: Caller) -> Fault | None:
        """Count a request; return what is said to one too many."""
        for item in self.items:
            if not await self.limiter.hit(item, caller.owner):
                stats = await self.limiter.get_window_stats(item, caller.owner)
                wait_s = max(1, math.ceil(stats.reset_time - time.time()))
                return Fault(429, f"more than {item} with this token", code="rate_limited", retry_after_s=wait_s)
        return None
