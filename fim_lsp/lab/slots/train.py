"""Train the slots' low-rank part against the decoder as it ships: its keys and values come from the engine itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ModelMismatch
from fim_lsp.lab.slots.network import SlotNetwork
from fim_lsp.lab.slots.rows import MOST_CONTEXT
from fim_lsp.lab.slots.views import ViewRow, Views, draw
from fim_lsp.lab.train.machine import keep_pages
from fim_lsp.nn import decode
from fim_lsp.nn.native.layers import HalfCache, NativeDecoder
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.reference.tensors import read_tensors
from fim_lsp.nn.slots import UNKNOWN

WARM_UP, EVERY = 12, 25  # steps
SET_ASIDE = 48  # rows


@dataclass(frozen=True)
class SlotRun:
    """What a training run is asked for."""

    minutes: float
    rate: float = 4e-4
    decay: float = 0.4  # share of the run in which the rate falls
    rank: int = 32
    tokens: int = 3072  # of context in a step
    slots: int = 1024
    steps: int = 0  # at most; 0: as many as there is time for
    seed: int = 1
    is_compiled: bool = True


class SlotTrainer:
    """A network beside the engine that reads its contexts."""

    def __init__(self, trunk: Path, end: int, run: SlotRun, start: Path | None = None):
        keep_pages()
        torch.manual_seed(run.seed)
        self.engine, self.end, self.run = NativeDecoder.from_folder(trunk), end, run
        tensors = dense(read_tensors(trunk))
        self.network = SlotNetwork(self.engine.config, tensors, run.rank)
        if start:
            for name, tensor in load_file(start).items():
                self.network.trained()[name].data.copy_(tensor)
        if run.is_compiled:
            self.network.compile_layers()
        self.cache = self.engine.new_cache(MOST_CONTEXT)

    def train(self, rows: Iterator[ViewRow], held: Sequence[ViewRow], out: Path, tell: Callable[[str], None]) -> None:
        """Train until the time is up; `out` gets the trained tensors every ten minutes and at the end."""
        trained = list(self.network.trained().values())
        optimizer = torch.optim.AdamW(trained, lr=self.run.rate, betas=(0.9, 0.98), weight_decay=0.0)
        rng, began, saved, step, mean = random.Random(self.run.seed), time.monotonic(), 0.0, 0, 0.0
        checks = [self._read(list(batch)) for batch in _batches(iter(held), self.run.tokens)]
        views = [draw(batch, self.run.slots, self.end, random.Random(5)) for batch, _ in checks]
        while (done := self._done(time.monotonic() - began, step)) < 1:
            if step % EVERY == 0:
                tell(f"step {step}, {done:.0%}: {self._validate(checks, views)}")
            for group in optimizer.param_groups:
                group["lr"] = self.run.rate * min((step + 1) / WARM_UP, (1 - done) / self.run.decay, 1.0)
            batch, context = self._read(next(_batches(rows, self.run.tokens)))
            loss, _ = self._loss(draw(batch, self.run.slots, self.end, rng), context, len(batch))
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step, mean = step + 1, 0.95 * mean + 0.05 * loss.item() if step else loss.item()
            tell(f"step {step} {done:.1%} loss {loss.item():.3f} mean {mean:.3f}")
            if time.monotonic() - saved > 600:
                self.save(out)
                saved = time.monotonic()
        self.save(out)
        tell(f"step {step}, end: {self._validate(checks, views)}")

    def save(self, out: Path) -> None:
        """Write what is trained, in bfloat16."""
        save_file({name: one.detach().bfloat16().contiguous() for name, one in self.network.trained().items()}, out)

    def _done(self, seconds: float, step: int) -> float:
        return max(seconds / 60 / self.run.minutes, step / self.run.steps if self.run.steps else 0.0)

    def _read(self, batch: list[ViewRow]) -> tuple[list[ViewRow], list[list[tuple[Tensor, Tensor]]]]:
        """Return the rows, and keys and values [kv_heads, tokens, head_dim] of their contexts by layer and row."""
        found = []
        for row in batch:
            self.cache.truncate(0)
            decode.prefill(self.engine, self.cache, row.context[:-1], lambda: False, 512)
            found.append(_half(self.cache, len(row.context) - 1))
        return batch, [list(rows) for rows in zip(*found, strict=True)]

    def _loss(self, views: Views, context: list[list[tuple[Tensor, Tensor]]], rows: int) -> tuple[Tensor, Tensor]:
        """Return the mean loss, and of each scored slot (order, is right, weight)."""
        order = sorted(range(len(views.spans)), key=lambda n: views.spans[n][2])
        slots = torch.tensor([at for n in order for at in range(*views.spans[n][:2])])
        owners = torch.tensor([n for n in order for _ in range(*views.spans[n][:2])])
        of_row = torch.tensor([views.spans[n][2] for n in order for _ in range(*views.spans[n][:2])])
        groups, first = [], 0
        for row in range(rows):
            mine = owners[of_row == row]
            seen = context[0][row][0].shape[1]
            mask = torch.ones(len(mine), seen + len(mine), dtype=torch.bool)
            mask[:, seen:] = mine[:, None] == mine[None, :]
            groups.append((first, first + len(mine), mask))
            first += len(mine)
        pad = self.run.slots - len(slots)
        ids = F.pad(torch.tensor(views.ids)[slots], (0, pad), value=UNKNOWN)
        positions = F.pad(torch.tensor(views.positions)[slots], (0, pad))
        last, end, mask = groups[-1]
        groups[-1] = (last, end + pad, F.pad(mask, (0, pad, 0, pad), value=True))
        states = self.network(ids, positions, groups, context)
        back = torch.empty_like(slots)
        back[slots] = torch.arange(len(slots))
        logits = F.linear(states[back[torch.tensor(views.places)]], self.network.vocabulary).float()
        targets, weights = torch.tensor(views.targets), torch.tensor(views.weights)
        losses = F.cross_entropy(logits, targets, reduction="none") * weights
        right = (logits.argmax(1) == targets).float()
        return losses.sum() / weights.sum(), torch.stack(
            [torch.tensor(views.orders).float(), right, weights], 1
        ).detach()

    @torch.no_grad()
    def _validate(
        self, checks: list[tuple[list[ViewRow], list[list[tuple[Tensor, Tensor]]]]], views: list[Views]
    ) -> str:
        found = [self._loss(view, context, len(batch)) for view, (batch, context) in zip(views, checks, strict=True)]
        said = torch.cat([one for _, one in found])
        said = said[said[:, 2] == 1]
        by_order = [f"{float(said[said[:, 0] == at, 1].mean()):.2f}" for at in range(1, 7)]
        return f"loss {sum(float(loss) for loss, _ in found) / len(found):.4f}, right by slot {' '.join(by_order)}"


def end_of(trunk: Path) -> int:
    """Return the token that ends a span; raises ModelError."""
    if (found := Tokenizer.from_folder(trunk).sentinel("<|endoftext|>")) is None:
        raise ModelMismatch(f"{trunk}: the vocabulary lacks <|endoftext|>; slots are for the Qwen2.5-Coder family")
    return found


def _batches(rows: Iterator[ViewRow], tokens: int) -> Iterator[list[ViewRow]]:
    """Yield rows whose contexts have about so many tokens together."""
    batch: list[ViewRow] = []
    for row in rows:
        batch.append(row)
        if sum(len(one.context) for one in batch) >= tokens:
            yield batch
            batch = []
    if batch:
        yield batch


def _half(cache: HalfCache, length: int) -> list[tuple[Tensor, Tensor]]:
    keys = torch.from_numpy(cache.keys).transpose(3, 4).flatten(2, 3)[:, :, :length].bfloat16()
    values = torch.from_numpy(cache.values)[:, :, :length].bfloat16()
    return list(zip(keys.clone(), values.clone(), strict=True))
