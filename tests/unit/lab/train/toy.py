"""A run small enough for a test: python -m tests.unit.lab.train.toy gpt|bert RUN SHARDS [--resume] [--slow]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.lab.train.bert import BertObjective
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.lab.train.loop import LoopSettings, Trainer
from fim_lsp.lab.train.shards import ShardReader
from fim_lsp.lab.train.trunk import Trunk

MARKS = Marks(begin=0, mask=4, delete=5, expand=6)
TINY = ModelConfig(
    vocab=64,
    hidden=32,
    intermediate=48,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=16,
    eps=1e-5,
    rope_theta=1e4,
    tied=True,
    max_positions=512,
    qkv_bias=False,
    fim={},
    infill={},
)


def trainer(family: str, run: Path, shards: Path) -> Trainer:
    run.mkdir(exist_ok=True)
    torch.manual_seed(0)
    is_bert = family == "bert"
    objective = BertObjective(MARKS, 160, 64) if is_bert else GptObjective(1, 2, 3, 0, 64)
    pace = LoopSettings(
        tokens=6000, batch=4, compile=False, dtype="float32", threads=1, rate=3e-3, checkpoint_s=0.0, validation_rows=4
    )
    return Trainer(run, Trunk(TINY, MARKS.own if is_bert else ()), objective, ShardReader(shards), pace)


def main(family: str, run: str, shards: str, *flags: str) -> None:
    one = trainer(family, Path(run), Path(shards))
    if "--resume" in flags:
        one.resume()
    one.train(lambda line, done: time.sleep(0.05 if "--slow" in flags else 0))


if __name__ == "__main__":
    main(*sys.argv[1:])
