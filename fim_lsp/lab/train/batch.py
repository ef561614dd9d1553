"""Tensors of one step, always of the same shape: varying sizes make an allocator grow without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

PAD, CONTEXT = 0, 1  # groups; the views of a canvas count from 2
RowSegments = Sequence[Sequence[int]]  # context, fill, context, ...: ids, pieces may be empty


@dataclass
class Example:
    """One row: what stands at each position, who sees it, and what is to be predicted there."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    targets: list[tuple[int, int, float, int]] = field(default_factory=list)  # (position, id, weight, span or -1)

    def add(self, ids: Sequence[int], positions: Sequence[int], group: int) -> None:
        self.ids.extend(ids)
        self.positions.extend(positions)
        self.groups.extend([group] * len(ids))


class BatchShape(Protocol):
    """The widths of a network."""

    @property
    def vocab(self) -> int: ...

    @property
    def hidden(self) -> int: ...


class Trainable(Protocol):
    """What is trained: an `nn.Module` with hidden states [rows, length, hidden] and logits as separate steps."""

    @property
    def config(self) -> BatchShape: ...

    @property
    def layers(self) -> Iterable[nn.Module]:
        """What may be compiled, each by itself."""
        ...

    def __call__(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Any: ...

    def logits(self, hidden: Tensor) -> Tensor: ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]: ...

    def modules(self) -> Iterator[nn.Module]: ...


class Objective(Protocol):
    """What a family is trained on: examples from rows, and who may look at whom."""

    @property
    def length(self) -> int:
        """Places of an example, padding included."""
        ...

    def example(self, row: RowSegments, seed: tuple[int, int]) -> Example:
        """Build the example of a row; the same seed builds the same one."""
        ...

    def mask(self, groups: Tensor) -> Tensor:
        """Return True where a position may look, [rows, length, length] for groups [rows, length]."""
        ...


@dataclass
class Batch:
    """Examples side by side, padded to one length; targets flat over rows × length."""

    ids: Tensor
    positions: Tensor
    mask: Tensor  # added to attention scores: 0 or -inf, [rows, 1, length, length]
    asked: Tensor
    targets: Tensor
    weights: Tensor
    spans: Tensor  # number of the span a target belongs to, -1 for none: exact match counts them
    tokens: int  # that are not padding

    @classmethod
    def stack(cls, examples: list[Example], objective: Objective, device: torch.device) -> Batch:
        length = objective.length
        ids, positions, groups = (
            torch.tensor([_padded(getattr(e, name), length) for e in examples], device=device)
            for name in ("ids", "positions", "groups")
        )
        flat = [(row * length + at, *rest) for row, e in enumerate(examples) for at, *rest in e.targets]
        spans: dict[tuple[int, int], int] = {}
        numbers = [-1 if s < 0 else spans.setdefault((int(at) // length, int(s)), len(spans)) for at, _, _, s in flat]
        asked, targets, weights, _ = zip(*flat, strict=True) if flat else ((), (), (), ())
        seen = objective.mask(groups)
        mask = torch.zeros(seen.shape, device=device).masked_fill(~seen, float("-inf"))[:, None]
        return cls(
            ids,
            positions,
            mask,
            torch.tensor(asked, device=device, dtype=torch.long),
            torch.tensor(targets, device=device, dtype=torch.long),
            torch.tensor(weights, device=device),
            torch.tensor(numbers, device=device, dtype=torch.long),
            sum(group != PAD for e in examples for group in e.groups),
        )


def _padded(values: list[int], length: int) -> list[int]:
    return values + [0] * (length - len(values))
