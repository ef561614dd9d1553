"""What the five share: their shape, the tied embedding, and the seam by which four of them write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fim_lsp.checkpoints.files import Floats
from fim_lsp.nn.decode import Step, pick
from fim_lsp.nn.study.vocabulary import END, SPECIAL


@dataclass(frozen=True)
class StudyShape:
    """The numbers of one model; `inner` is a recurrent state, or what a feed-forward layer widens to."""

    kind: str
    inner: int
    layers: int
    hidden: int = 128
    heads: int = 4
    positions: int = 0  # learned positions; of the encoder–decoder, where the context ends in a training row
    vocab: int = 4096

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> StudyShape:
        given = {"positions": table.get("places"), **table}  # as earlier models have it
        return cls(**{name: given[name] for name in cls.__dataclass_fields__})


class Network(nn.Module):
    """Hidden states from a batch's positions, logits from hidden states: what the trainer trains."""

    def __init__(self, shape: StudyShape):
        super().__init__()
        self.config = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)

    @property
    def layers(self) -> Sequence[nn.Module]:
        """What the trainer may compile."""
        return ()

    def scaled(self, ids: Tensor) -> Tensor:
        """Return embeddings times √width (Vaswani et al., arXiv 1706.03762, section 3.4): rows begin small."""
        out: Tensor = self.embed_tokens(ids) * self.config.hidden**0.5
        return out

    def logits(self, hidden: Tensor) -> Tensor:
        """Return [n, vocab] for hidden [n, hidden], by the embedding."""
        return F.linear(hidden, self.embed_tokens.weight)

    def following(self, hidden: Tensor) -> Floats:
        """Return logits [vocab] of the next token for hidden [hidden]; of the marks only the end can follow."""
        logits = self.logits(hidden).float()
        logits[END + 1 : len(SPECIAL)] = -torch.inf
        return np.asarray(logits.detach().cpu())


class Writing(NamedTuple):
    """Where a writer stands: what it keeps, how many positions it has used, logits [vocab] of the next token."""

    kept: Any
    length: int
    logits: Floats


class Writer(Protocol):
    """A model that reads what stands around a hole, then writes token by token."""

    def begin(self, before: Sequence[int], after: Sequence[int], stop: Callable[[], bool]) -> Writing | None:
        """Read the context; None when stopped."""
        ...

    def advance(self, at: Writing, token: int) -> Writing:
        """Take one token more; what was kept is not computed again."""
        ...


def write(model: Writer, at: Writing, max_tokens: int, stop: Callable[[], bool]) -> Iterator[Step]:
    """Yield the likeliest tokens until the end mark, the budget, or `stop`."""
    for _ in range(max_tokens):
        step = pick(at.logits)
        if step.token == END:
            return
        yield step
        if stop():
            return
        at = model.advance(at, step.token)


def initialise(module: nn.Module) -> None:
    """Draw matrices from a normal distribution, recurrent ones orthogonal so that a state lasts."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.RNNBase):
        for name, parameter in module.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.data.view(-1, module.hidden_size, module.hidden_size):
                    nn.init.orthogonal_(gate)
            elif name.startswith("bias"):
                nn.init.zeros_(parameter)
