"""The training loop: rows in, steps out, a line of log for each, a checkpoint every few minutes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch

from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.lab.train import checkpoint, machine
from fim_lsp.lab.train.batch import Batch, Objective, RowSegments, Trainable
from fim_lsp.lab.train.head import BatchScore, score

WARM_UP, WARM_DOWN = 0.02, 0.6  # shares of the run: the rate rises, holds, and falls linearly to nothing


class Rows(Protocol):
    """Rows of a corpus in an order of their own, without end, from any one on."""

    def rows(self, start: int) -> Iterator[RowSegments]: ...


class Watch:
    """What a run is looked at with between its steps; this one lets it go on to its end."""

    is_stopped = False  # somebody wants to go on another time

    def wait(self) -> float:
        """Return once the next step may begin, and the seconds that took; they are none of the run's."""
        return 0.0

    def is_enough(self, line: Mapping[str, Any]) -> bool:
        """Say, of each line of the log, whether more steps would help."""
        return False


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast; a run ends after `rows`, at `tokens` or after `minutes`, whichever is given."""

    rows: int = 0
    tokens: int = 0
    minutes: float = 0.0
    batch: int = 8
    accumulate: int = 1
    rate: float = 3e-4
    decay: float = 0.01
    clip: float = 1.0
    seed: int = 1
    compile: bool = True
    dtype: str = ""  # float32 or bfloat16; "": the faster one, by measurement
    threads: int = 0  # 0: the cores that other programs leave, looked at before each step
    checkpoint_s: float = 300.0
    validation_rows: int = 64
    validate_steps: int = 50


class Trainer:
    """One run; `train` goes on from wherever its checkpoint left it.

    `validation` is the objective of the rows set aside, if another.
    """

    def __init__(
        self,
        run: Path,
        trunk: Trainable,
        objective: Objective,
        corpus: Rows,
        settings: LoopSettings,
        validation: Objective | None = None,
    ):
        self.run, self.objective, self.corpus, self.settings = run, objective, corpus, settings
        self.validation = validation or objective
        self.device = next(trunk.parameters()).device
        self.trunk, self.dtype = trunk, torch.float32
        self.parameters = [p for p in trunk.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in self.parameters if p.ndim == 2], "weight_decay": settings.decay},
            {"params": [p for p in self.parameters if p.ndim != 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.95), fused=True)
        self.state: dict[str, Any] = {"step": 0, "tokens": 0, "rows": settings.validation_rows, "seconds": 0.0}

    def resume(self) -> None:
        """Go back to the last checkpoint; log lines after it are dropped, they will be written again."""
        self.state = checkpoint.load(self.run, self.trunk, self.optimizer)
        log = self.run / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self.state["step"]]
        log.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def train(self, tell: Callable[[dict[str, Any], float], None], watch: Watch | None = None) -> bool:
        """Train to the end, telling each line of the log; False where the watch stopped it before."""
        watch = watch or Watch()
        machine.keep_pages()
        other_load = OtherCpuLoad()
        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)
        if self.settings.compile:
            machine.compile_layers(self.trunk, self.device)
        wanted = self.settings.dtype or self.state.get("dtype", "")  # what a run began with, it goes on with
        self.dtype, peak = machine.pick_dtype(self.trunk.config.hidden, self.device, wanted)
        self.state["dtype"] = str(self.dtype).removeprefix("torch.")
        rows = self.corpus.rows(self.state["rows"])
        began = time.monotonic() - self.state["seconds"]
        saved = time.monotonic()
        with (self.run / "log.jsonl").open("a", encoding="utf-8") as log:
            while (done := self.progress()) < 1.0:
                began += watch.wait()
                if watch.is_stopped:
                    checkpoint.save(self.run, self.trunk, self.optimizer, self.state)
                    return False
                if not self.settings.threads and self.device.type == "cpu":
                    machine.leave_room(other_load)
                line = self._step(rows, done, peak)
                self.state["seconds"] = round(time.monotonic() - began, 2)
                if self.state["step"] % self.settings.validate_steps == 0:
                    line |= self.validate()
                log.write(json.dumps({**self.state, **line}) + "\n")
                log.flush()
                tell({**self.state, **line}, self.progress())
                if watch.is_enough(line):
                    break
                if time.monotonic() - saved > self.settings.checkpoint_s:
                    checkpoint.save(self.run, self.trunk, self.optimizer, self.state)
                    saved = time.monotonic()
            last = self.validate()
            log.write(json.dumps({**self.state, **last}) + "\n")
            tell({**self.state, **last}, 1.0)
            watch.is_enough(last)
        checkpoint.save(self.run, self.trunk, self.optimizer, self.state)
        return True

    def progress(self) -> float:
        """Return the share of the run that is done, 0 to 1."""
        if self.settings.rows:
            return float((self.state["rows"] - self.settings.validation_rows) / self.settings.rows)
        if self.settings.tokens:
            return float(self.state["tokens"] / self.settings.tokens)
        return float(self.state["seconds"] / (60 * self.settings.minutes))

    def validate(self) -> dict[str, float]:
        """Score the rows that were set aside, with the same canvases each time."""
        scores = []
        rows = list(islice(self.corpus.rows(0), self.settings.validation_rows))
        for at in range(0, len(rows), self.settings.batch):
            some = rows[at : at + self.settings.batch]
            if len(some) == self.settings.batch:
                with torch.no_grad(), machine.autocast(self.device, self.dtype):
                    batch = self._batch(self.validation, some, at)
                    scores.append(score(self.trunk, self.trunk(batch.ids, batch.positions, batch.mask), batch))
        return {f"validation_{name}": value for name, value in _means(scores).items()}

    def _step(self, rows: Iterator[RowSegments], done: float, peak: float) -> dict[str, float]:
        began, settings = time.perf_counter(), self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = rate = settings.rate * min(1.0, max(done, 1e-3) / WARM_UP, (1 - done) / WARM_DOWN)
        batches = []
        for _ in range(settings.accumulate):
            batches.append(self._batch(self.objective, list(islice(rows, settings.batch)), self.state["rows"]))
            self.state["rows"] += settings.batch
        weight = sum(float(batch.weights.sum()) for batch in batches)
        scores, flops = [], 0.0
        for batch in batches:
            with machine.autocast(self.device, self.dtype):
                hidden = self.trunk(batch.ids, batch.positions, batch.mask)
                scores.append(score(self.trunk, hidden, batch, 1.0 / max(weight, 1e-6)))
            flops += machine.step_flops(self.trunk, batch.ids.numel(), len(batch.targets))
        torch.nn.utils.clip_grad_norm_(self.parameters, settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        seconds, tokens = time.perf_counter() - began, sum(batch.tokens for batch in batches)
        self.state["step"] += 1
        self.state["tokens"] += tokens
        speed = {"tokens_per_s": round(tokens / seconds, 1), "share_of_matmul": round(flops / seconds / peak, 3)}
        return {**_means(scores), "rate": rate, **speed}

    def _batch(self, objective: Objective, rows: list[RowSegments], number: int) -> Batch:
        examples = [objective.example(row, (self.settings.seed, number + n)) for n, row in enumerate(rows)]
        return Batch.stack(examples, objective, self.device)


def _means(scores: list[BatchScore]) -> dict[str, float]:
    sums = (
        BatchScore(*(sum(values) for values in zip(*scores, strict=True))) if scores else BatchScore(0, 0, 0, 0, 0, 0)
    )
    return {
        "loss": round(sums.loss / max(sums.weight, 1e-6), 4),
        "span_loss": round(sums.span_loss / max(sums.span_weight, 1e-6), 4),
        "exact_match": round(sums.exact / max(sums.spans, 1), 4),
    }
