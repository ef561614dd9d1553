"""The 4-bit grid of the engine: a step a row, times a whole number for each group of columns.

    weight[r, c] = step[r] · times[r, c // 32] · level[r, c]        level -8 … 7, times 1 … 15

Their product is a whole number below 128, so a row is int8 with one scale, kept in half the bytes: prompts are read by
the int8 products, and no scale of a group is in the way (progressive groups: QServe, arXiv 2405.04532, section 4.1).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

GROUP = 32
LOWEST, HIGHEST, MOST_TIMES = -8, 7, 15
SHRINKS = (1.0, 0.9, 0.8)  # of the step, tried by row: the furthest weights may be cut


class Grid(NamedTuple):
    """Steps [rows] and whole numbers [rows, groups]."""

    step: Tensor
    times: Tensor

    @property
    def scale(self) -> Tensor:
        """Return the distance of two levels [rows, groups]."""
        return self.step[:, None] * self.times


def fit(weight: Tensor, importance: Tensor) -> Grid:
    """Return the grid of least squared error for a weight [rows, columns], columns weighted by `importance`."""
    rows, columns = weight.shape
    grouped = weight.view(rows, -1, GROUP)
    importance = importance.view(1, -1, GROUP)
    furthest = grouped.abs().amax((1, 2)) / (-LOWEST - 0.5) / MOST_TIMES
    best = torch.full((rows,), torch.inf)
    step, times = torch.empty(rows), torch.empty(rows, columns // GROUP)
    for shrink in SHRINKS:
        tried = (furthest * shrink).clamp_min(1e-12)
        error, chosen = _times(grouped, importance, tried)
        better = error < best
        best, step = torch.where(better, error, best), torch.where(better, tried, step)
        times = torch.where(better[:, None], chosen, times)
    return Grid(step, times)


def levels(weight: Tensor, scale: Tensor) -> Tensor:
    """Return the nearest levels of weights, given the distance of two."""
    return (weight / scale).round().clamp(LOWEST, HIGHEST)


def _times(grouped: Tensor, importance: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Return the error [rows] and the best whole numbers [rows, groups] for given steps [rows]."""
    least = torch.full(grouped.shape[:2], torch.inf)
    chosen = torch.ones(grouped.shape[:2])
    for times in range(1, MOST_TIMES + 1):
        scale = (step * times)[:, None, None]
        error = ((levels(grouped, scale) * scale - grouped).square_() * importance).sum(2)
        better = error < least
        least, chosen = torch.where(better, error, least), torch.where(better, times, chosen)
    return least.sum(1), chosen


def bytes_scale(weight: Tensor, importance: Tensor) -> Tensor:
    """Return for int8 rows the scale [rows] of least weighted error."""
    furthest = weight.abs().amax(1).clamp_min(1e-12) / 127
    best, scale = torch.full_like(furthest, torch.inf), furthest
    for shrink in (1.0, 0.95, 0.9, 0.85):
        tried = (furthest * shrink)[:, None]
        error = ((((weight / tried).round().clamp(-127, 127) * tried) - weight).square() * importance).sum(1)
        best, scale = torch.where(error < best, error, best), torch.where(error < best, tried[:, 0], scale)
    return scale
