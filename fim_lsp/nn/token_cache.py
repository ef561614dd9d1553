"""The bookkeeping of a K/V cache: which tokens it stands for, and what of them a prompt can use again."""

from __future__ import annotations


class TokenCache:
    """The ids of one cached sequence; who keeps keys and values for them adds these."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.ids: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Return the bytes that keys and values take, used or not."""
        return 0

    def make_room(self, capacity: int) -> None:
        """Grow to at least `capacity` tokens, keeping what is there."""
        self.capacity = max(self.capacity, capacity)

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
