"""Literals that look like secrets, found and masked; what precedes a provider's secret (`ghp_`) is left to be seen.

A form is looked for where its first characters stand, so a text without any costs a few searches in C.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from fim_lsp.privacy.forms import BARE, BLOCK, GIVEN, MOST_CHARS, NAME_END, NAMED, PASSWORD, PROVIDERS, STEM

MASK = "xxxxxxxx"
LEAST_BITS, LEAST_BITS_BARE = 2.5, 3.3  # of a character: in quotes, and without
BARE_CHARS = 16

READABLE = re.compile(r"(?:[A-Za-z]+|\d+)(?:[-_./:#@ ]+(?:[A-Za-z]+|\d+))*")  # words and numbers
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FILLED_IN = re.compile(r"[\s(){}<>]|^[$%*]|://|^\.{0,2}/|x{6}|\.{3}")  # a template, a call, an address, a mask


class Secret(NamedTuple):
    """Where something that looks like a secret stands."""

    start: int
    end: int


def find(text: str) -> list[Secret]:
    """Return what looks like a secret in a text, in order, none within another."""
    found = [
        Secret(*match.span(1))
        for start, pattern in PROVIDERS
        if start in text
        for match in pattern.finditer(text)
        if not match[1].startswith(MASK)
    ]
    found += [Secret(*match.span(1)) for match in BLOCK.finditer(text) if _is_random(match[1], 4.0)]
    found += _assigned(text)
    kept: list[Secret] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            kept[-1] = Secret(kept[-1].start, one.end)
    return kept


def mask(text: str) -> str:
    """Return a text with its secrets masked; its lines stay as many as they were."""
    return cover(text, find(text))


def cover(text: str, secrets: Sequence[Secret]) -> str:
    """Return a text with these places masked."""
    parts, at = [], 0
    for start, end in secrets:
        parts += [text[at:start], MASK, "\n" * text.count("\n", start, end)]
        at = end
    return "".join([*parts, text[at:]]) if at else text


def _assigned(text: str) -> list[Secret]:
    """Return the random values of names that secrets have."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter that becomes two
        lower = "".join(char.lower() if char.isascii() else char for char in text)
    return [
        secret
        for stem in STEM.finditer(lower)
        if (name := NAME_END.match(text, stem.end())) and (secret := _value(text, name.end(), stem[0][0] == "p"))
    ]


def _value(text: str, at: int, is_password: bool) -> Secret | None:
    """Return the random value that is given to the name before it."""
    if given := GIVEN.match(text, at):
        is_secret = not FILLED_IN.search(given[2]) and _is_random(given[2], LEAST_BITS)
        return Secret(given.start(2), _closed(text, given)) if is_secret else None
    if (bare := BARE.match(text, at)) and _is_token(bare[1]):
        return Secret(*bare.span(1))
    if is_password and (bare := PASSWORD.match(text, at)) and _is_password(bare[1]):
        return Secret(*bare.span(1))
    return None


def _closed(text: str, given: re.Match[str]) -> int:
    """Return where a value in quotes ends, however long it is."""
    if len(given[2]) < MOST_CHARS:
        return given.end(2)
    ends = [at for end in (given[1], "\n") if (at := text.find(end, given.end(2))) >= 0]
    return min(ends, default=len(text))


def _is_password(value: str) -> bool:
    """True for a password without quotes, as lines of `name=value` and connection strings have them."""
    return not FILLED_IN.search(value) and not NAMED.fullmatch(value) and _is_random(value, LEAST_BITS)


def _is_random(value: str, least: float) -> bool:
    """True for what has letters and digits, is no row of words and numbers, and repeats itself little."""
    if UUID.fullmatch(value):
        return True
    is_mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return is_mixed and not READABLE.fullmatch(value) and bits(value) >= least


def _is_token(value: str) -> bool:
    """True for a value without quotes that is no expression: an unbroken row, with several digits in it."""
    longest = max(re.split(r"[._~=-]", value), key=len)
    is_row = len(longest) >= BARE_CHARS and sum(char.isdigit() for char in longest) >= 2
    return bool(UUID.fullmatch(value)) or (is_row and _is_random(longest, LEAST_BITS_BARE))


def bits(value: str) -> float:
    """Return the entropy of a character, in bits."""
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())
