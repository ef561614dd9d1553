"""Cut a text where a name comes again: can a model bring back what it read so many tokens ago?

    real     ... total = 0 ... for value in ▢        the name stands once more, `distance` tokens to the left
    absent   ... count = 0 ... for value in ▢        the same text with another of its names there instead

What the name's probability gains by its being there is recall, whatever else the model knows.
"""

from __future__ import annotations

import keyword
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z_]\w{2,}")
BUCKETS = ((4, 8), (9, 16), (17, 32), (33, 64), (65, 128), (129, 224))  # tokens between the two
PREFIX_CHARS, SUFFIX_CHARS = 1400, 90
PREFIX_TOKENS, SUFFIX_TOKENS, NAME_TOKENS = 230, 20, 6
OF_A_TEXT = 3  # probes in each bucket
Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Probe:
    """A hole whose answer stands `distance` tokens before it, and the same without it."""

    before: list[int]
    absent: list[int]
    fill: list[int]
    after: list[int]
    distance: int


def probes(texts: Sequence[str], encode: Encode, limit: int, seed: int = 0) -> dict[tuple[int, int], list[Probe]]:
    """Return at most `limit` probes of each bucket, drawn over all texts; the same seed draws the same ones."""
    found: dict[tuple[int, int], list[Probe]] = {bucket: [] for bucket in BUCKETS}
    for number, text in enumerate(texts):
        rng = random.Random(f"{seed}:{number}")
        counts = dict.fromkeys(BUCKETS, 0)
        matches = list(NAME.finditer(text))
        for match in rng.sample(matches, len(matches)):
            probe = _probe(text, match, encode, rng)
            bucket = probe and next((b for b in BUCKETS if b[0] <= probe.distance <= b[1]), None)
            if probe and bucket and counts[bucket] < OF_A_TEXT:
                counts[bucket] += 1
                found[bucket].append(probe)
    draw = random.Random(seed)
    return {bucket: draw.sample(some, min(limit, len(some))) for bucket, some in found.items()}


def _probe(text: str, match: re.Match[str], encode: Encode, rng: random.Random) -> Probe | None:
    """Return the probe at a name, None unless it stands exactly once in what is read."""
    name = match[0]
    prefix = text[max(match.start() - PREFIX_CHARS, 0) : match.start()]
    suffix = text[match.end() : match.end() + SUFFIX_CHARS]
    earlier = [m for m in NAME.finditer(prefix) if m[0] == name]
    if keyword.iskeyword(name) or len(earlier) != 1 or name in suffix or prefix.count(name) > 1:
        return None
    start, end = earlier[0].span()
    others = sorted({m[0] for m in NAME.finditer(text)} - {name} - set(keyword.kwlist))
    fill = encode(name)
    if not others or not 1 <= len(fill) <= NAME_TOKENS:
        return None
    absent = prefix[:start] + rng.choice(others) + prefix[end:]
    distance = len(encode(prefix[end:]))
    if distance + len(fill) + 2 > PREFIX_TOKENS:
        return None
    return Probe(
        encode(prefix)[-PREFIX_TOKENS:],
        encode(absent)[-PREFIX_TOKENS:],
        fill,
        encode(suffix)[:SUFFIX_TOKENS],
        distance,
    )


def foreign_pairs(texts: Sequence[str], encode: Encode, limit: int, seed: int = 0) -> Iterator[tuple[bool, Probe]]:
    """Yield probes of "does this suffix follow?": half with the suffix of another text."""
    rng = random.Random(seed)
    for number in range(limit):
        text, other = rng.choice(texts), rng.choice(texts)
        at, there = (rng.randrange(len(t) // 4, max(3 * len(t) // 4, len(t) // 4 + 1)) for t in (text, other))
        is_own = number % 2 == 0
        suffix = text[at : at + 400] if is_own else other[there : there + 400]
        yield is_own, Probe(encode(text[max(at - 500, 0) : at])[-128:], [], [], encode(suffix)[:96], 0)
