"""Linear and cross-entropy in chunks: the logits of a whole batch would not fit, and are not needed at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fim_lsp.lab.train.batch import Batch, Trainable

CHUNK = 256


class BatchScore(NamedTuple):
    """Sums over a batch: weighted loss and weight, the same of spans alone, spans and those predicted exactly."""

    loss: float
    weight: float
    span_loss: float
    span_weight: float
    spans: int
    exact: int


def score(trunk: Trainable, hidden: Tensor, batch: Batch, scale: float | None = None) -> BatchScore:
    """Score hidden states [rows, length, hidden] where the batch asks; with `scale`, backpropagate loss × scale.

    Each chunk is backpropagated to its own hidden states at once and its logits dropped; the trunk follows at the end.
    Chunks are filled up with positions of no weight: logits of ever new sizes make the process grow by gigabytes.
    """
    count = len(batch.asked)
    asked, targets, weights = (F.pad(x, (0, -count % CHUNK)) for x in (batch.asked, batch.targets, batch.weights))
    at_asked = hidden.flatten(0, 1)[asked]
    leaf = at_asked.detach().requires_grad_(scale is not None)
    losses, right = [], []
    for start in range(0, len(leaf), CHUNK):
        chunk = slice(start, start + CHUNK)
        logits = trunk.logits(leaf[chunk]).float()
        loss = F.cross_entropy(logits, targets[chunk], reduction="none") * weights[chunk]
        if scale is not None:
            (loss.sum() * scale).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        right.append(logits.detach().argmax(1) == targets[chunk])
    if scale is not None and leaf.grad is not None:
        at_asked.backward(leaf.grad)  # type: ignore[no-untyped-call]
    spans, exact = _exact(torch.cat(right)[:count], batch.spans)
    loss, of_span = torch.cat(losses)[:count], batch.spans >= 0
    sums = [float(values.sum()) for values in (loss, batch.weights, loss[of_span], batch.weights[of_span])]
    return BatchScore(sums[0], sums[1], sums[2], sums[3], spans, exact)


def _exact(right: Tensor, spans: Tensor) -> tuple[int, int]:
    """Count spans, and those whose every target is right."""
    if not bool((spans >= 0).any()):
        return 0, 0
    counted = spans >= 0
    count = int(spans.max()) + 1
    wrong = torch.zeros(count, device=spans.device).index_add_(0, spans[counted], (~right[counted]).float())
    return count, int((wrong == 0).sum())
