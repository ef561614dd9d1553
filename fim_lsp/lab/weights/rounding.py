"""Calibrated rounding (GPTQ, arXiv 2210.17323): column by column, each one's error fed into those not yet rounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from fim_lsp.lab.weights import grid

BLOCK = 128  # columns whose errors are gathered before the rest is corrected
DAMPING = 0.01  # of the mean importance, added to the diagonal


class Rounded(NamedTuple):
    """Whole numbers [rows, columns] with what they are multiplied by: a 4-bit grid, or an int8 row's scale."""

    levels: Tensor  # int8
    step: Tensor  # float32 [rows]
    times: Tensor | None  # uint8 [rows, columns / 32]; None of 8 bits

    @property
    def bits(self) -> int:
        return 8 if self.times is None else 4

    def dense(self) -> Tensor:
        """Return the weights as float32."""
        if self.times is None:
            return self.levels.float() * self.step[:, None]
        scale = grid.Grid(self.step, self.times.float()).scale
        return self.levels.float() * scale.repeat_interleave(grid.GROUP, 1)


def plain(weight: Tensor, bits: int) -> Rounded:
    """Round each weight to what lies nearest."""
    ones = torch.ones(weight.shape[1])
    if bits == 8:
        return _bytes(weight, ones)
    fitted = grid.fit(weight.float(), ones)
    scale = fitted.scale.repeat_interleave(grid.GROUP, 1)
    return _packed(grid.levels(weight.float(), scale), fitted)


def calibrated(weight: Tensor, products: Tensor, bits: int) -> Rounded:
    """Round a weight [rows, columns] whose inputs have the mean products `products` [columns, columns]."""
    if bits == 8:
        return _bytes(weight, products.diagonal())
    weight, products = weight.float().clone(), products.clone()
    dead = products.diagonal() == 0
    products.diagonal()[dead] = 1
    weight[:, dead] = 0
    fitted = grid.fit(weight, products.diagonal())
    order = torch.argsort(products.diagonal(), descending=True)  # the most important first, while errors can still move
    upper = _inverse_root(products[order][:, order])
    scale = fitted.scale[:, order // grid.GROUP]  # [rows, columns], in that order
    rounded = _column_by_column(weight[:, order], scale, upper)
    return _packed(rounded[:, torch.argsort(order)], fitted)


def mean_products(inputs: Tensor, rows: int = 8192) -> Tensor:
    """Return XᵀX / n of inputs [n, columns], float32."""
    total = torch.zeros(inputs.shape[1], inputs.shape[1])
    for at in range(0, len(inputs), rows):
        some = inputs[at : at + rows].float()
        total += some.T @ some
    return total / len(inputs)


def _bytes(weight: Tensor, importance: Tensor) -> Rounded:
    scale = grid.bytes_scale(weight.float(), importance)
    return Rounded((weight.float() / scale[:, None]).round().clamp(-127, 127).to(torch.int8), scale, None)


def _packed(levels: Tensor, fitted: grid.Grid) -> Rounded:
    return Rounded(levels.to(torch.int8), fitted.step, fitted.times.to(torch.uint8))


def _inverse_root(products: Tensor) -> Tensor:
    """Return the upper Cholesky factor of the inverse of the damped products."""
    products.diagonal().add_(DAMPING * products.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(products))
    upper: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return upper


def _column_by_column(weight: Tensor, scale: Tensor, upper: Tensor) -> Tensor:
    """Return levels [rows, columns]; `weight` is changed on the way."""
    out = torch.empty_like(weight)
    columns = weight.shape[1]
    for first in range(0, columns, BLOCK):
        last = min(first + BLOCK, columns)
        some, errors = weight[:, first:last].T.contiguous(), torch.empty(last - first, len(weight))
        steps, corner = scale[:, first:last].T.contiguous(), upper[first:last, first:last]
        for at in range(last - first):
            level = grid.levels(some[at], steps[at])
            out[:, first + at] = level
            errors[at] = (some[at] - level * steps[at]) / corner[at, at]
            some[at:] -= corner[at, at:, None] * errors[at]
        weight[:, last:] -= errors.T @ upper[first:last, last:]
    return out


Round = Callable[[Tensor, Tensor, int], Rounded]
