"""Raw prefill and decode of a decoder, beside llama.cpp's at equal bits and beside what the machine can do.

Rounds are interleaved: ours in 8 bits, ours in 4, each of llama.cpp's files, and again. Figures are medians.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from fim_lsp import machine
from fim_lsp.checkpoints import ready
from fim_lsp.checkpoints.config import ModelConfig, read_config, read_raw_config
from fim_lsp.errors import ConfigError
from fim_lsp.nn import load
from fim_lsp.nn.native import library
from fim_lsp.nn.native.layers import NativeDecoder

PROMPT, STEPS = 384, 64
EQUALS = {8: "Q8_0", 4: "Q4_0"}  # the file types of llama.cpp that hold as many bits a weight


@dataclass
class Runner:
    """One engine with one file of weights; tokens per second of each round."""

    name: str
    bits: int
    weight_bytes: int  # that a step reads
    prefill: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    type: str = ""  # llama.cpp's

    def row(self, peak: dict[str, float], layers: int) -> dict[str, Any]:
        """Return medians, and their share of the machine's bandwidth and of its fastest product.

        A prompt goes through the weights of the layers; through the head only its last token does.
        """
        prefill, decode = median(self.prefill), median(self.decode)
        kept = {name: value for name, value in asdict(self).items() if name not in ("prefill", "decode")}
        return kept | {
            "prefill_tok_s": round(prefill, 1),
            "decode_tok_s": round(decode, 1),
            "share_of_bandwidth": round(decode * self.weight_bytes / (peak["read_gb_s"] * 1e9), 3),
            "share_of_matmul": round(prefill * 2 * layers / (peak["matmul_gop_s"] * 1e9), 3),
        }


def measure(
    folder: Path, ggufs: list[Path], llama_bench: str | Path | None, rounds: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Run the rounds and return the report; raises ModelError, ConfigError."""
    config = read_config(folder)
    peak = machine.peak()
    widths = (4,) if ready.is_ready(read_raw_config(folder)) else (8, 4)  # ready weights have the bits they have
    ours = [_ours(folder, config, bits) for bits in widths] if library.chosen() else [_by_torch(folder, config)]
    theirs = [Runner(path.name, 0, 0) for path in ggufs]
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for runner, run in ours:
            prefill, decode = run()
            runner.prefill.append(prefill)
            runner.decode.append(decode)
        for runner, path in zip(theirs, ggufs, strict=True):
            _ask_llama(runner, path, str(llama_bench))
    runners = [runner for runner, _ in ours] + theirs
    return {
        "machine": machine.describe(),
        "peak": peak,
        "model": str(folder),
        "prompt_tokens": PROMPT,
        "steps": STEPS,
        "rounds": rounds,
        "engines": [runner.row(peak, _layers(config)) for runner in runners],
        "ratios": _ratios([runner for runner, _ in ours], theirs),
    }


def show(console: Console, report: Mapping[str, Any]) -> None:
    """Print the report as tables."""
    peak = report["peak"]
    table = Table(
        title=f"{report['machine']['processor']}: memory {peak['read_gb_s']} GB/s, int8 {peak['int8_gop_s']} Gop/s"
    )
    for name in ("engine", "prefill tok/s", "of the product's rate", "decode tok/s", "of the bandwidth"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for one in report["engines"]:
        shares = (f"{one[share]:.0%}" for share in ("share_of_matmul", "share_of_bandwidth"))
        matmul, bandwidth = shares
        table.add_row(one["name"], f"{one['prefill_tok_s']:.0f}", matmul, f"{one['decode_tok_s']:.0f}", bandwidth)
    console.print(table)
    for one in report["ratios"]:
        console.print(f"{one['what']}: {one['ours']} is [b]{one['ratio']:.2f} ×[/b] {one['theirs']}")
    if not report["ratios"]:
        console.print("[dim]llama-bench was not found: see docs/latency.md for where it comes from[/dim]")


def _ours(folder: Path, config: ModelConfig, bits: int) -> tuple[Runner, Callable[[], tuple[float, float]]]:
    model = NativeDecoder.from_folder(folder, bits=bits)
    times = 1 / ready.PART if bits == 4 else 0  # bytes a weight
    read = int(_layers(config) * (bits / 8 + times)) + _head(config)
    return Runner(f"fim-lsp int{bits}", bits, read), lambda: _time(model)


def _by_torch(folder: Path, config: ModelConfig) -> tuple[Runner, Callable[[], tuple[float, float]]]:
    model = load.load_decoder(folder)
    return Runner("fim-lsp torch", 8, _layers(config) + _head(config)), lambda: _time(model)


def _time(model: Any) -> tuple[float, float]:
    """Return tokens per second of a prompt read at once, and of steps after it."""
    ids = np.random.default_rng(0).integers(0, model.config.vocab, PROMPT).tolist()
    cache = model.new_cache(PROMPT + STEPS + 1)
    model.forward(ids[:8], cache)  # the threads are awake
    cache.truncate(0)
    began = time.perf_counter()
    logits = model.forward(ids, cache)
    read = time.perf_counter()
    for _ in range(STEPS):
        logits = model.forward([int(logits[0].argmax())], cache)
    return PROMPT / (read - began), STEPS / (time.perf_counter() - read)


def _ask_llama(runner: Runner, path: Path, program: str) -> None:
    command = [program, "-m", str(path), "-p", str(PROMPT), "-n", str(STEPS), "-t", str(library.threads())]
    done = subprocess.run([*command, "-r", "1", "-o", "json"], capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"{program} failed on {path}: {done.stderr.strip().splitlines()[-1:]}")
    for row in json.loads(done.stdout):
        (runner.decode if row["n_gen"] else runner.prefill).append(float(row["avg_ts"]))
        runner.type, runner.weight_bytes = row["model_type"], int(row["model_size"])
        runner.name = f"llama.cpp {row['model_type'].split()[-1]}"
        runner.bits = next((bits for bits, name in EQUALS.items() if name in row["model_type"]), 16)


def _ratios(ours: list[Runner], theirs: list[Runner]) -> list[dict[str, Any]]:
    """Compare decoding at equal bits, and prefill with the quickest file of llama.cpp."""
    found: list[dict[str, Any]] = []
    for mine in ours:
        if theirs:
            best = max(theirs, key=lambda one: median(one.prefill))
            found.append(_ratio("prefill", mine, best, median(mine.prefill) / median(best.prefill)))
        for other in theirs:
            if other.bits == mine.bits:
                found.append(_ratio("prefill", mine, other, median(mine.prefill) / median(other.prefill)))
                found.append(_ratio("decode", mine, other, median(mine.decode) / median(other.decode)))
    return found


def _ratio(what: str, mine: Runner, other: Runner, value: float) -> dict[str, Any]:
    return {"what": what, "ours": mine.name, "theirs": other.name, "ratio": round(value, 2)}


def _layers(c: ModelConfig) -> int:
    """Return how many weights of the layers a token is multiplied by."""
    attention = c.hidden * (c.heads + 2 * c.kv_heads) * c.head_dim + c.heads * c.head_dim * c.hidden
    return c.layers * (attention + 3 * c.hidden * c.intermediate)


def _head(c: ModelConfig) -> int:
    return c.vocab * c.hidden
