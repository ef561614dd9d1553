"""One mutation of a model folder for each seed: what a broken copy, a wrong conversion or a liar would leave."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ODD = (
    None, True, False, 0, 1, -1, 2, 3, 7, 15, 16, 17, 32, 63, 64, 65, 100, 128, 255, 256, 257, 271, 272, 273, 288, 1000,
    65_536, 2**31 - 1, 2**31, 2**32, 2**63, -(2**31), 10**30, 0.0, -0.0, 0.5, 64.0, 1e-300, 1e300, -1e9, math.nan,
    math.inf, -math.inf, "", "64", "llama", "qwen2", "default", "\x00", "\ud800", "../..", "x" * 5000, [], [1, 2], [[]],
    {}, {"a": {"b": [1]}}, [None] * 3, {"type": "linear", "factor": 2.0}, "fim-lsp 1", "fim-lsp 2", "a.safetensors",
)  # fmt: skip
EXTRA = (
    "layout", "tokenizer_from", "infill", "fim", "confidence", "rope_scaling", "use_sliding_window", "rope_theta",
    "attention_bias", "mlp_bias", "hidden_act", "model_type", "tie_word_embeddings", "head_dim", "quantization_config",
)  # fmt: skip
KINDS = ("F32", "F16", "BF16", "I8", "U8", "F64", "I64", "I32", "BOOL", "F8_E4M3", "X9")
BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2}


def mutate(folder: Path, seed: int) -> str:
    """Change something of a folder, in place, and say what; one seed, one change."""
    rng = random.Random(seed)
    if (folder / "model.gguf").is_file():
        return rng.choice((truncate, flip, flip_head))(folder / "model.gguf", rng)
    shard = rng.choice(sorted(folder.glob("*.safetensors")))
    changes: list[tuple[int, Callable[[], str]]] = [
        (8, lambda: change_json(folder / "config.json", rng, EXTRA)),
        (2, lambda: change_json(folder / "config.json", rng, EXTRA, times=3)),
        (8, lambda: change_shard(shard, rng)),
        (2, lambda: truncate(rng.choice(sorted(folder.iterdir())), rng)),
        (2, lambda: flip_head(shard, rng)),
        (1, lambda: flip(rng.choice(sorted(folder.iterdir())), rng)),
        (2, lambda: change_json(folder / "tokenizer.json", rng)),
        (1, lambda: drop_file(rng.choice(sorted(folder.iterdir())))),
        (1, lambda: nest(rng.choice(sorted(folder.glob("*.json"))))),
        (2, lambda: change_index(folder, rng)),
    ]
    return rng.choices([change for _, change in changes], [weight for weight, _ in changes])[0]()


def change_json(path: Path, rng: random.Random, extra: tuple[str, ...] = (), times: int = 1) -> str:
    """Replace, remove or add values somewhere in a JSON file."""
    raw = json.loads(path.read_text())
    said = [change_value(raw, rng, extra) for _ in range(times)]
    path.write_text(json.dumps(raw))
    return f"{path.name}: {', '.join(filter(None, said))}"


def change_value(raw: Any, rng: random.Random, extra: Sequence[str] = (), values: Sequence[Any] = ODD) -> str:
    """Replace, remove or add a value somewhere in an object or a list, in place, and say which."""
    node = raw
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if node is raw and extra and rng.random() < 0.3:
            keys = list(extra)
        if not keys:
            return ""
        key = rng.choice(keys)
        inner = node.get(key) if isinstance(node, dict) else node[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.7:
            node = inner
            continue
        if rng.random() < 0.15 and (not isinstance(node, dict) or key in node):
            del node[key]
            return f"{key!r} removed"
        node[key] = copy.deepcopy(rng.choice(values))
        return f"{key!r} = {node[key]!r:.60}"


def change_tensor(whole: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Give a tensor another shape, kind or name, drop it, or add one; the file stays a sound safetensors file."""
    arrays = _read(whole)
    name = rng.choice(sorted(arrays))
    kind, shape, data = arrays.pop(name)
    what = rng.choice(
        ("drop", "kind", "retype", "turn", "longer", "shorter", "flat", "empty", "rename", "add", "shift")
    )
    if what == "kind":  # the same shape of other numbers
        kind = rng.choice(KINDS)
        data = bytes(math.prod(shape) * BYTES.get(kind, 1))
    elif what == "retype":  # the same bytes
        kind = rng.choice(KINDS)
        shape = [len(data) // BYTES.get(kind, 1)]
        data = data[: shape[0] * BYTES.get(kind, 1)]
    elif what == "turn":
        shape = shape[::-1]
    elif what in ("longer", "shorter"):
        at, each = rng.randrange(len(shape)), BYTES.get(kind, 1)
        shape[at] = max(shape[at] + rng.choice((1, 32, 64)) * (1 if what == "longer" else -1), 0)
        data = (data + bytes(math.prod(shape) * each))[: math.prod(shape) * each]
    elif what == "flat":
        shape = [math.prod(shape)]
    elif what == "empty":
        shape, data = [0, *shape[1:]], b""
    other = name
    if what in ("rename", "add"):
        beside = [name.replace(".0.", ".7."), name.replace("weight", "bias"), name.replace("weight", "scale")]
        other = rng.choice([*beside, f"{name}x", f"{name}.scale", "lm_head.weight", "marks.weight"])
    if what != "drop":
        arrays[other] = kind, shape, data
    if what == "add":
        arrays[name] = kind, shape, data
    changed = _written(arrays, pad=rng.randrange(1, 64) if what == "shift" else 0)
    return changed, f"{what} {name} -> {other} {kind} {shape}"


def change_shard(path: Path, rng: random.Random) -> str:
    changed, said = change_tensor(path.read_bytes(), rng)
    path.write_bytes(changed)
    return f"{path.name}: {said}"


def truncate(path: Path, rng: random.Random) -> str:
    whole = path.read_bytes()
    at = rng.choice((rng.randrange(len(whole) + 1), rng.randrange(min(len(whole), 600) + 1)))
    path.write_bytes(whole[:at])
    return f"{path.name}: cut to {at} of {len(whole)} bytes"


def flip(path: Path, rng: random.Random, most: int = 2**40) -> str:
    whole = bytearray(path.read_bytes())
    places = [rng.randrange(min(len(whole), most)) for _ in range(rng.choice((1, 1, 2, 8)))]
    for at in places:
        whole[at] = rng.choice((whole[at] ^ 1 << rng.randrange(8), rng.randrange(256), 255, 0))
    path.write_bytes(whole)
    return f"{path.name}: other bytes at {places}"


def flip_head(path: Path, rng: random.Random) -> str:
    """Flip bytes of the length and the header of a safetensors file, or of the first 400 bytes of another."""
    length = int.from_bytes(path.read_bytes()[:8], "little") if path.suffix == ".safetensors" else 392
    return flip(path, rng, 8 + length)


def drop_file(path: Path) -> str:
    path.unlink()
    return f"{path.name}: not there"


def nest(path: Path) -> str:
    path.write_text("[" * 200_000)
    return f"{path.name}: nested without end"


def change_index(folder: Path, rng: random.Random) -> str:
    """Name files that are not there, or odd ones, in an index."""
    path = folder / "model.safetensors.index.json"
    names = [name for file in sorted(folder.glob("*.safetensors")) for name in _read(file.read_bytes())]
    weight_map: Any = dict.fromkeys(names, sorted(folder.glob("*.safetensors"))[0].name)
    weight_map[rng.choice(names)] = rng.choice((*ODD, "b.safetensors", "nowhere.safetensors", "../config.json", "."))
    raw = rng.choice(({"weight_map": weight_map}, {"weight_map": rng.choice(ODD)}, rng.choice(ODD)))
    path.write_text(json.dumps(raw))
    return f"{path.name}: {json.dumps(raw)[-80:]}"


def _read(whole: bytes) -> dict[str, tuple[str, list[int], bytes]]:
    begin = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:begin])
    header.pop("__metadata__", None)
    return {
        name: (
            entry["dtype"],
            entry["shape"],
            whole[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]],
        )
        for name, entry in header.items()
    }


def _written(arrays: dict[str, tuple[str, list[int], bytes]], pad: int) -> bytes:
    """Return a safetensors file whose arrays begin `pad` bytes later than at a whole line."""
    header, at = {}, 0
    for name, (kind, shape, data) in arrays.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64 + pad)
    return len(text).to_bytes(8, "little") + text + b"".join(data for _, _, data in arrays.values())
