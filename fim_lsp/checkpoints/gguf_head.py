"""The head of a GGUF file: its values, and where its tensors lie; every length is held against the file's.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fim_lsp.errors import ModelCorrupt, ModelMismatch

MAGIC, VERSIONS = b"GGUF", (2, 3)
STRING, ARRAY = 8, 9
SCALARS = {
    0: "<u1",
    1: "<i1",
    2: "<u2",
    3: "<i2",
    4: "<u4",
    5: "<i4",
    6: "<f4",
    7: "?",
    10: "<u8",
    11: "<i8",
    12: "<f8",
}
MOST_DIMENSIONS = 4
ALIGNMENT = 32


class TensorEntry(NamedTuple):
    """A tensor: its shape as rows first, the number of its type, and its first byte in the file."""

    shape: tuple[int, ...]
    kind: int
    first: int


class Head(NamedTuple):
    """Values by key, tensors by name, and the file's bytes."""

    values: dict[str, Any]
    tensors: dict[str, TensorEntry]
    data: NDArray[np.uint8]


def read_head(path: Path) -> Head:
    """Read the head of a GGUF file; raises ModelCorrupt, ModelMismatch."""
    try:
        data = np.memmap(path, np.uint8, "r")
        return _Reader(data, path).head()
    except (OSError, ValueError) as problem:  # empty, or text that is no UTF-8
        raise ModelCorrupt(f"{path} cannot be read as GGUF ({problem}): copy it again") from None


class _Reader:
    """Walks along the bytes of a head."""

    def __init__(self, data: NDArray[np.uint8], path: Path):
        self.data, self.path, self.at = data, path, 0

    def head(self) -> Head:
        if bytes(self._take(4, "its first bytes")) != MAGIC:
            raise self._corrupt("begins with other bytes than a GGUF file")
        if (version := self._number("<I")) not in VERSIONS:
            raise ModelMismatch(f"{self.path} is GGUF of version {version}, and {VERSIONS} are read: convert it anew")
        tensor_count, value_count = self._number("<Q"), self._number("<Q")
        values = {self._string(): self._value(self._number("<I")) for _ in range(value_count)}
        entries = dict(self._entry() for _ in range(tensor_count))
        alignment = values.get("general.alignment", ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise self._corrupt(f"says that tensors are aligned to {alignment!r:.60}, which is no power of two")
        begin = -(-self.at // alignment) * alignment
        return Head(values, {name: one._replace(first=begin + one.first) for name, one in entries.items()}, self.data)

    def _take(self, count: int, what: str) -> NDArray[np.uint8]:
        if count > len(self.data) - self.at:
            raise self._corrupt(f"ends within {what}: byte {self.at} asks for {count} more, of {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def _number(self, form: str) -> int:
        (found,) = struct.unpack(form, bytes(self._take(struct.calcsize(form), "its head")))
        return int(found)

    def _string(self) -> str:
        return str(bytes(self._take(self._number("<Q"), "a string")), "utf-8")

    def _strings(self, count: int) -> list[str]:
        """Return so many strings: a vocabulary has hundreds of thousands."""
        view, last, found = self.data.data, len(self.data), []
        for _ in range(count):
            begin = self.at + 8
            end = begin + int.from_bytes(view[self.at : begin], "little")
            if end > last:
                raise self._corrupt(f"ends within a string: byte {begin} asks for {end - begin} more, of {last}")
            found.append(str(view[begin:end], "utf-8"))
            self.at = end
        return found

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind == ARRAY:
            inner, count = self._number("<I"), self._number("<Q")
            return self._strings(count) if inner == STRING else self._numbers(inner, count).tolist()
        return self._numbers(kind, 1).tolist()[0]

    def _numbers(self, kind: int, count: int) -> NDArray[Any]:
        if kind not in SCALARS:
            raise self._corrupt(f"has a value of the unknown type {kind} at byte {self.at}")
        form = np.dtype(SCALARS[kind])
        return np.frombuffer(bytes(self._take(count * form.itemsize, "an array")), form)

    def _entry(self) -> tuple[str, TensorEntry]:
        name, count = self._string(), self._number("<I")
        if count > MOST_DIMENSIONS:
            raise self._corrupt(f"says that {name:.60} has {count} dimensions")
        shape = tuple(self._number("<Q") for _ in range(count))[::-1]
        return name, TensorEntry(shape, self._number("<I"), self._number("<Q"))

    def _corrupt(self, what: str) -> ModelCorrupt:
        return ModelCorrupt(f"{self.path} {what}: it is truncated or damaged, copy it again")
