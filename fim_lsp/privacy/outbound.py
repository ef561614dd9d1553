"""A request as it may leave this machine: secrets masked, and none where the cursor stands within one.

x = connect("https://me:hunter2@host║")       →  the server sees `https://me:xxxxxxxx@host`
password = "hun║ter2"                         →  the server is not asked; a model of this machine answers
"""

from __future__ import annotations

from dataclasses import replace

from fim_lsp.domain import FimRequest
from fim_lsp.errors import RemoteFault
from fim_lsp.privacy.secrets import Secret, cover, find, mask

WITHIN = "the cursor stands within what looks like a secret, so nothing was sent"


def without_secrets(request: FimRequest) -> FimRequest:
    """Mask what looks like a secret around the cursor, as snippets are when they are read; raises RemoteFault."""
    secrets, start, segments = find("".join(request.segments)), 0, []
    for number, segment in enumerate(request.segments):
        end = start + len(segment)
        if number and any(one.start <= start <= one.end for one in secrets):  # a hole is here
            raise RemoteFault(WITHIN)
        inside = [Secret(one.start - start, one.end - start) for one in secrets if start <= one.start < end]
        segments.append(mask(cover(segment, inside)))
        start = end
    return replace(request, segments=tuple(segments))
