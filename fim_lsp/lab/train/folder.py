"""A model folder as transformers reads it: config.json and safetensors shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

SHARD_BYTES = 45_000_000  # code hosts refuse files above 50 MB


def write_folder(out: Path, tensors: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Write config.json, the shards and, if there are several, their index."""
    groups: list[dict[str, Tensor]] = [{}]
    for name, tensor in tensors.items():
        size = sum(t.nbytes for t in groups[-1].values())
        if groups[-1] and size + tensor.nbytes > SHARD_BYTES:
            groups.append({})
        groups[-1][name] = tensor.contiguous()
    names = ["model.safetensors"]
    if len(groups) > 1:
        names = [f"model-{n:05}-of-{len(groups):05}.safetensors" for n in range(1, len(groups) + 1)]
        weight_map = {tensor: name for name, group in zip(names, groups, strict=True) for tensor in group}
        index = {"metadata": {}, "weight_map": weight_map}
        (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    for name, group in zip(names, groups, strict=True):
        save_file(group, out / name, {"format": "pt"})
        (out / name).chmod(0o644)  # the library writes for the owner alone
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
