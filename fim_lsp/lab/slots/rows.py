"""Rows to train slots on: prompts as the decoder was tuned with, and what the decoder itself says to them.

Slots are to say in a few passes what the decoder says token by token, so its answers teach them better than the text
that stood there, which is one of many (Gu et al., arXiv 1711.02281).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from fim_lsp.backends.reader import Reader
from fim_lsp.lab.slots.views import ViewRow
from fim_lsp.lab.weights.prompts import CalibrationRow
from fim_lsp.nn import decode

MOST_CONTEXT, MOST_SAID = 1200, 32  # tokens


def ask(reader: Reader, prompts: Iterable[CalibrationRow]) -> Iterator[ViewRow]:
    """Yield a row for each prompt that is not too long, the decoder having filled its hole greedily."""
    cache = reader.model.new_cache(MOST_CONTEXT + MOST_SAID)
    for prompt in prompts:
        context = prompt.ids[: len(prompt.ids) - prompt.middle]
        if len(context) > MOST_CONTEXT:
            continue
        cache.truncate(0)
        logits = decode.prefill(reader.model, cache, context, lambda: False, reader.chunk)
        assert logits is not None, "nothing stops it"
        steps = decode.decode(reader.model, cache, decode.pick(logits), MOST_SAID, reader.format.ends, lambda: False)
        yield ViewRow(context, [step.token for step in steps])


def write(path: Path, rows: Iterable[ViewRow], count: int) -> Iterator[int]:
    """Append up to `count` rows to a file, one a line; yields how many there are."""
    with path.open("a", encoding="utf-8") as file:
        for number, row in enumerate(islice(rows, count), 1):
            file.write(json.dumps(row) + "\n")
            file.flush()
            yield number


def read(path: Path, rng: random.Random) -> Iterator[ViewRow]:
    """Yield the rows of a file in random order, without end; what was added meanwhile is seen at the next round."""
    while True:
        lines = path.read_text(encoding="utf-8").splitlines()
        yield from (ViewRow(*json.loads(line)) for line in rng.sample(lines, len(lines)))
