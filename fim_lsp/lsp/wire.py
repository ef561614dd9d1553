"""What comes in, as pygls can read it: headers in any spelling, and no text too large to look at.

pygls 2.1 knows one spelling of one header; RFC 7230, which LSP refers to, allows any case and any white space.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from fim_lsp.lsp.documents import MOST_CHARS
from fim_lsp.lsp.orphan import LEFT_ALONE

if TYPE_CHECKING:
    from fim_lsp.lsp.server import FimServer

HEADER = re.compile(rb"(?:.*[^\w-])?content-length[ \t]*:[ \t]*(\d+)[ \t]*\r?\n", re.IGNORECASE)
BODY_MOST = 8 * MOST_CHARS  # bytes; \u00e9 takes six, and no file that is completed in takes as many throughout
EDGE = 1 << 16  # bytes at either end of a body that hold all but its text
TEXT = re.compile(rb'"text"\s*:\s*"(?=(?:[^"\\]|\\.)*+\\?\Z)', re.DOTALL)  # a text that does not end here
REST = re.compile(rb'(?:[^"\\]|\\.)*+(?=")', re.DOTALL)


def speak(server: FimServer) -> NoReturn:
    """Speak LSP over standard input and output until the client leaves, then exit, whatever is being loaded."""
    try:
        server.start_io(stdin=cast(BinaryIO, Wire(sys.stdin.buffer)))
    finally:
        server.requests.stop()
        server.indexing.stop()
        server.feedback.writer.stop()
    code = server.protocol.exit_code
    logging.shutdown()
    os._exit(LEFT_ALONE if code is None else code)  # no waiting for the decode thread


class Wire:
    """A stream of LSP messages; read in a thread of its own, so nobody waits for a large one."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream

    def readline(self) -> bytes:
        """Return a header line as pygls spells it, also behind what was left of a message that said it was shorter."""
        line = self.stream.readline()
        found = HEADER.fullmatch(line)
        return b"Content-Length: %s\r\n" % found[1] if found else line

    def read(self, size: int) -> bytes:
        """Return a body; a text in it that is too large for a document is as many blanks as are too many."""
        body = self.stream.read(size)
        return body if len(body) <= BODY_MOST else without_text(body)


def without_text(body: bytes) -> bytes:
    """Replace the text that takes most of a body, found by its two ends alone: where quotes end it is not asked.

    Parsing fifty megabytes to learn that they are too many holds up every other request for half a second.
    """
    found = TEXT.search(body[:EDGE])
    if found is None:
        return body
    tail = len(body) - EDGE
    before = body[tail - EDGE : tail]
    escapes = len(before) - len(before.rstrip(b"\\"))
    rest = REST.match(body, tail + escapes % 2)
    return body[: found.end()] + b" " * (MOST_CHARS + 1) + body[rest.end() :] if rest else body
