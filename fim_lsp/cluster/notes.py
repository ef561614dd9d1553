"""What a cluster tells Prometheus, besides what Ray Serve tells by itself."""

from __future__ import annotations

from typing import Protocol

COUNTERS = {  # name: what it counts, and its tags
    "fim_lsp_tokens": ("Tokens a decoder prefilled, reused or decoded", ("kind",)),
    "fim_lsp_lost": ("Answers that ended with their decoder, and were asked for again", ()),
    "fim_lsp_given_up": ("Empty answers: no decoder gave any", ("why",)),
    "fim_lsp_refused": ("Requests turned away with a token", ("why",)),
}
HISTOGRAMS = {"fim_lsp_decoder_ms": "Milliseconds at a decoder, those in its queue among them"}
BOUNDARIES_MS = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600]


class Note(Protocol):
    """Take note of something that counts."""

    def __call__(self, name: str, value: float = 1.0, **tags: str) -> None: ...


def silent(name: str, value: float = 1.0, **tags: str) -> None:
    """Take no note."""
