"""Token shards: NNNNN.safetensors.zst, each a run of rows whose segments alternate context, fill, context, ..."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from safetensors import SafetensorError
from safetensors.numpy import load, save

from fim_lsp.errors import InputError, ModelCorrupt

PATTERN = "*.safetensors.zst"
TokenRow = list[list[int]]


def write(path: Path, rows: Iterable[TokenRow], kinds: Iterable[int]) -> None:
    """Write one shard: tokens [T], segments [S+1] into tokens, rows [R+1] into segments, kinds a fill."""
    tokens: list[int] = []
    segments, starts = [0], [0]
    for row in rows:
        for piece in row:
            tokens.extend(piece)
            segments.append(len(tokens))
        starts.append(len(segments) - 1)
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "tokens": np.array(tokens, dtype=np.uint16),
        "segments": np.array(segments, dtype=np.int64),
        "rows": np.array(starts, dtype=np.int64),
        "kinds": np.array(list(kinds), dtype=np.uint8),
    }
    path.write_bytes(zstandard.compress(save(tensors), 10))


def lengths(path: Path) -> dict[str, int]:
    """Return how many rows and tokens a shard has; raises ModelCorrupt."""
    shard = _read(path)
    return {"rows": len(shard["rows"]) - 1, "tokens": len(shard["tokens"])}


class ShardReader:
    """The rows of a folder of shards, again and again; any row can be the first."""

    def __init__(self, folder: Path):
        self.paths = sorted(folder.glob(PATTERN))
        if not self.paths:
            raise InputError(f"no {PATTERN} in {folder}: give a folder of token shards")
        self.counts = [len(_read(path)["rows"]) - 1 for path in self.paths]

    def __len__(self) -> int:
        return sum(self.counts)

    def rows(self, start: int) -> Iterator[TokenRow]:
        """Yield rows without end, from row number `start` on, in the order of the shards."""
        skip = start % len(self)
        while True:
            for path, count in zip(self.paths, self.counts, strict=True):
                if skip >= count:
                    skip -= count
                    continue
                shard = _read(path)
                tokens, segments, rows = (shard[name] for name in ("tokens", "segments", "rows"))
                for at in range(skip, count):
                    bounds = segments[rows[at] : rows[at + 1] + 1]
                    yield [tokens[a:b].tolist() for a, b in pairwise(bounds)]
                skip = 0


def _read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        return load(zstandard.decompress(path.read_bytes()))
    except (OSError, zstandard.ZstdError, SafetensorError) as problem:
        raise ModelCorrupt(f"{path} is truncated or damaged ({problem}): make it again") from None
