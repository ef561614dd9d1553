"""What int8 costs: the run's validation rows before and after its matrices are rounded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fim_lsp.lab.train import runs
from fim_lsp.lab.train.loop import Trainer
from fim_lsp.lab.train.shards import ShardReader
from fim_lsp.nn.reference.quant import pick_device
from fim_lsp.nn.reference.tensors import pack


def measure(run: Path) -> dict[str, Any]:
    """Return loss and exact match on the rows set aside, as trained and as packed."""
    record, trunk, _ = runs.load(run)
    settings = replace(record.settings, compile=False)
    corpus = ShardReader(Path(record.corpus))
    trainer = Trainer(run, trunk.to(pick_device()), record.objective(), corpus, settings)
    before = trainer.validate()
    with torch.no_grad():
        for parameter in trunk.parameters():
            if parameter.ndim == 2:
                rows, scale = pack(parameter.data)
                parameter.copy_(rows.float() * scale.float()[:, None])
    after = trainer.validate()
    return {**before, **{f"packed_{name}": value for name, value in after.items()}}
