"""Which tokens a cache of keys and values stands for, and how much of it the next prompt can use."""

from __future__ import annotations


class TokenCache:
    """The ids of one sequence; what holds their keys and values adds `nbytes` and `make_room`."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.ids: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def shared(self, prompt: list[int]) -> int:
        """Return the length of the longest common prefix with `prompt`, but its last token."""
        limit = max(min(len(self.ids), len(prompt) - 1), 0)
        return next((at for at in range(limit) if self.ids[at] != prompt[at]), limit)

    def reuse(self, prompt: list[int]) -> int:
        """Keep what is shared with `prompt` and return its length."""
        self.truncate(self.shared(prompt))
        return len(self.ids)

    def truncate(self, length: int) -> None:
        del self.ids[length:]
