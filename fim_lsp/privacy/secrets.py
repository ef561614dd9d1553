"""Literals that look like secrets, found and masked; what precedes a provider's secret (`ghp_`) is left to be seen.

The forms are those that gitleaks (config/gitleaks.toml) and detect-secrets (plugins/) know by the providers' own
documentation; that an assignment's value must look random is theirs, too. A form is looked for where its first
characters stand, so a text without any costs a few searches in C.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

MASK = "xxxxxxxx"
LEAST_BITS, LEAST_BITS_BARE = 2.5, 3.3  # of a character: in quotes, and without
BARE_CHARS = 16

# Of a private key: what may stand before its base64, and between its lines, in source text or in quotes.
HEAD = r"(?:\s|\\[nr]|[\"'`+,]|[A-Z][\w-]+: [^\n]*+)*+"
BODY = r"(?:[A-Za-z0-9+/=\s\"'`+,]|\\[nr])*+"

# Where a secret begins: what stands before the group is kept.
PROVIDERS = tuple(
    (start, re.compile(pattern, re.MULTILINE))
    for start, pattern in (
        *((start, rf"(?:{start})([A-Z2-7]{{16}})") for start in ("AKIA", "ASIA", "ABIA", "ACCA")),
        *((f"gh{kind}_", rf"gh{kind}_(\w{{30,}})") for kind in "pousr"),
        ("github_pat_", r"github_pat_(\w{30,})"),
        ("glpat-", r"glpat-([\w-]{18,})"),
        ("xox", r"xox[abeoprs]-([\w-]{10,})"),
        ("xapp-", r"xapp-([\w-]{20,})"),
        ("hooks.slack.com/", r"hooks\.slack\.com/\w+/([\w/+-]{30,})"),
        ("sk-", r"sk-(?:proj-|ant-|or-|svcacct-)?((?=[\w-]{0,200}?\d)(?=[\w-]{0,200}?[A-Z])[\w-]{20,}|[0-9a-f]{32,})"),
        *((f"{kind}_{mode}_", rf"{kind}_{mode}_(\w{{10,}})") for kind in ("sk", "rk") for mode in ("live", "test")),
        ("whsec_", r"whsec_([\w+/=]{20,})"),
        ("AIza", r"AIza([\w-]{35})"),
        ("GOCSPX-", r"GOCSPX-([\w-]{20,})"),
        ("ya29.", r"ya29\.([\w-]{20,})"),
        ("npm_", r"npm_([A-Za-z0-9]{30,})"),
        ("pypi-AgE", r"pypi-AgE([\w-]{30,})"),
        ("hf_", r"hf_([A-Za-z0-9]{30,})"),
        *((f"do{kind}_v1_", rf"do{kind}_v1_([a-f0-9]{{40,}})") for kind in "opr"),
        ("SG.", r"SG\.([\w-]{16,}\.[\w-]{16,})"),
        ("shp", r"shp(?:at|ca|pa|ss)_([a-fA-F0-9]{32})"),
        ("sq0", r"sq0(?:atp|csp)-([\w-]{20,})"),
        (":AA", r":AA([\w-]{33})"),
        ("dapi", r"dapi([a-f0-9]{32})"),
        ("lin_api_", r"lin_api_(\w{30,})"),
        ("hvs.", r"hvs\.([\w-]{20,})"),
        ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1([0-9A-Z]{40,})"),
        ("AccountKey=", r"AccountKey=([\w+/=]{40,})"),
        ("SK", r"SK([0-9a-f]{32})"),
        ("key-", r"key-([0-9a-f]{32})"),
        ("eyJ", r"eyJ([\w-]{8,400}+\.eyJ[\w-]{8,}(?:\.[\w-]*)?)"),
        *((auth, rf"{auth}\s+((?=[\w.~+/-]{{0,200}}?\d)[\w.~+/-]{{20,}}=*)") for auth in ("Bearer", "Basic")),
        ("-----BEGIN ", rf"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----({HEAD}[A-Za-z0-9+/=]{{16,}}{BODY})"),
        ("-----END ", r"((?:^[ \t]*[A-Za-z0-9+/=]{1,76}\r?\n)++)[ \t]*-----END [A-Z0-9 ]*PRIVATE KEY"),
        ("://", r"://[^\s/:@\"'`<>{}$]{0,80}:([^\s/@\"'`<>{}]{3,200})@"),
    )
)
BLOCK = re.compile(
    r"^[ \t\"']*+([A-Za-z0-9+/]{60,}+={0,2}+)(?:\\n)?[\"',; \t+\\]*+$", re.MULTILINE
)  # base64, a whole line

STEM = re.compile(  # of a name that secrets have, in lower case
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|signing|auth)[_-]?key"
)
NAME_END = re.compile(r"s?(?![a-z])[\w-]{0,30}[\"'`]?\]?")
TYPE = r"(?:\s{0,4}:\s{0,4}[\w.\[\]| ?*&']{1,40}?(?==))?"
MOST_CHARS = 500  # looked at of a value: a hostile line may have thousands of quotes
GIVEN = re.compile(
    TYPE + r"(?:\s{0,8}(?::=|=>|={1,3}|:|,)\s{0,8}|\s{1,4})[bfruBFRU@$]{0,2}"
    rf"([\"'`])((?:(?!\1)[^\n\\]|\\.){{6,{MOST_CHARS}}}+)"
)
BARE = re.compile(rf"(?:\s{{0,2}}[:=]\s{{0,2}}|>)([A-Za-z0-9+/_~.=-]{{16,{MOST_CHARS}}}+)(?=[\s\"'<;,]|\Z)")
PASSWORD = re.compile(r"(?:=|: )([^\s;\"'`&,(){}<>\[\]]{6,200}+)(?=[;\"'&]|[ \t]*$)", re.MULTILINE)
NAMED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
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
