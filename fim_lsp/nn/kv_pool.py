"""Several places kept warm: each cached sequence is one of them, and a prompt goes on from the one most like it.

`print(║`      → suffix `\\n…`      cache 1
`print(║)`     → suffix `)\\n…`     cache 2: nothing before the cursor changed, but the suffix comes first
`print(x)║`    → suffix `\\n…`      cache 1 again, from `print(` on
"""

from __future__ import annotations

from typing import Any

from fim_lsp.nn.decode import Model

WORTH = 32  # tokens in common are worth giving up the rest of a sequence, and so are fewer if they are most of it


class Pool:
    """K/V caches of one model within a budget of bytes, the least recently used ones given up first."""

    def __init__(self, model: Model, capacity: int, most_bytes: int):
        self.model, self.capacity, self.most_bytes = model, capacity, most_bytes
        self.caches: list[Any] = [model.new_cache(capacity)]  # the latest comes last

    def shared(self, prompt: list[int]) -> int:
        """Return how many tokens of a prompt need not be computed."""
        return self._best(prompt)[1]

    def take(self, prompt: list[int]) -> Any:
        """Return the cache to go on from; it holds nothing but a beginning of the prompt."""
        best, _ = self._best(prompt)
        best = self._fresh() if best is None else best
        self.caches.remove(best)
        self.caches.append(best)
        best.reuse(prompt)
        return best

    def forget(self) -> None:
        """Keep no sequence, and the memory of one."""
        del self.caches[1:]
        self.caches[0].truncate(0)

    def _best(self, prompt: list[int]) -> tuple[Any, int]:
        """Return the cache most like a prompt and how much they share, or None and 0 where that is too little."""
        shared, at = max((int(cache.shared(prompt)), at) for at, cache in enumerate(self.caches))
        given_up = len(self.caches[at]) - shared
        return (self.caches[at], shared) if shared >= min(WORTH, max(given_up, 1)) else (None, 0)

    def _fresh(self) -> Any:
        """Return an empty cache if there is one or room for one, else the one used longest ago."""
        oldest = next((cache for cache in self.caches if not len(cache)), self.caches[0])
        if len(oldest) and sum(cache.nbytes for cache in self.caches) + oldest.nbytes <= self.most_bytes:
            oldest = self.model.new_cache(self.capacity)
            self.caches.append(oldest)
        return oldest
