"""Where a client wants a completion: what it sent, whatever the shape it sent it in."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fim_lsp import languages
from fim_lsp.domain import Snapshot, Snippet, Terms
from fim_lsp.languages import known
from fim_lsp.privacy.names import EXCLUDED, reason
from fim_lsp.privacy.secrets import mask

SENT = "sent by the client"  # why a snippet of another file is there
PLAIN = "plaintext"  # of a text that does not say; lines and brackets decide
TOLD = re.compile(r"\W{0,8}language: ([\w+#-]+)\W*")  # the first line of what some clients send
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can spell them, no text has them


@dataclass(frozen=True)
class TextAround:
    """Text around a cursor, and what is known of its file."""

    prefix: str
    suffix: str = ""
    path: str = ""
    language: str = ""
    snippets: tuple[Snippet, ...] = ()


@dataclass(frozen=True)
class CompletionAsk:
    """One request for a completion."""

    place: TextAround
    max_tokens: int | None = None
    deadline_ms: float | None = None
    choices: int = 1
    stop: tuple[str, ...] = ()
    is_stream: bool = False
    wants_usage: bool = False  # a last event of a stream tells it
    model: str = "fim-lsp"  # as the client calls it
    fields: tuple[str, ...] = ()  # of the answer that are wanted; none: all

    def snapshot(self) -> Snapshot:
        """Return the document that the client means; more than one choice is what a person asks for by hand.

        What was sent beside the document is part of its name, for a suggestion made under other terms is another one.
        """
        place = self.place
        path = place.path or (_stand_in(place.snippets) if place.snippets else "")
        prefix, suffix = _whole_characters(place.prefix), _whole_characters(place.suffix)
        told = known.named(place.language) or languages.language_of(path) or _told(prefix)
        return Snapshot(
            uri=f"http:{self.max_tokens}:{_fingerprint(place.snippets)}:{path}",
            version=0,
            language=languages.get(told).name or PLAIN,
            text=prefix + suffix,
            offset=len(prefix),
            manual=self.choices > 1,
            eol="\r\n" if "\r\n" in prefix + suffix else "\n",
            path=path,
            refusal=_excluded(path),
            terms=Terms(self.max_tokens, self.deadline_ms, _shown(place.snippets)),
        )


def _excluded(path: str) -> str:
    why = reason(PurePosixPath(path)) if path else ""
    return EXCLUDED.format(why) if why else ""


def _shown(snippets: Iterable[Snippet]) -> tuple[Snippet, ...]:
    """Leave out files that hold secrets, and mask those of others."""
    return tuple(replace(one, text=mask(one.text)) for one in snippets if not _excluded(one.path))


def _fingerprint(snippets: tuple[Snippet, ...]) -> str:
    """Return a name for some snippets that is the same in every process."""
    said = "\0".join(part for one in snippets for part in (one.path, one.text))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() if said else ""


def _whole_characters(text: str) -> str:
    return LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _told(prefix: str) -> str:
    found = TOLD.fullmatch(prefix.partition("\n")[0])
    return known.named(found[1]) if found else ""


def _stand_in(snippets: Iterable[Snippet]) -> str:
    """Name a file that is not named after those that came with it: it is likely of the same kind as most of them."""
    kinds = Counter(PurePosixPath(snippet.path).suffix for snippet in snippets)
    return f"untitled{kinds.most_common(1)[0][0]}"
