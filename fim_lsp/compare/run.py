"""Compare model families hole by hole and return the report: a contender's sums, and what becomes of the claims."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from fim_lsp import __version__, machine
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.compare import claims, footprint
from fim_lsp.compare.contenders import Contender
from fim_lsp.compare.other_cpu_load import OtherCpuLoad
from fim_lsp.compare.quality import Hole
from fim_lsp.compare.summary import sum_up
from fim_lsp.compare.trials import run

SCHEMA = 2
CONTEXT_LINES = 2  # of a hole's surroundings in the report, before and after it


def compare(
    holes: Sequence[Hole],
    contenders: Sequence[Contender],
    seed: int = 0,
    threads: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Try every hole with every contender and return the report of docs/compare.md as plain data."""
    machine.pin(threads)
    tokenizer = Tokenizer.from_folder(find_model("gpt", ""))  # one measure of length, whoever takes part
    footprints = {one.name: footprint.measure(one.family, one.folder) for one in contenders}
    other_load = OtherCpuLoad()
    trials = list(run(holes, contenders, lambda text: len(tokenizer.encode(text)), seed, tick))
    others = round(100 * other_load.busy_cores() / (os.cpu_count() or 1), 1)
    families = {one.name: one.family for one in contenders}
    return {
        "schema": SCHEMA,
        "fim_lsp": __version__,
        "n": sum(not hole.further for hole in holes),
        "n_several": sum(bool(hole.further) for hole in holes),
        "seed": seed,
        "machine": {**machine.describe(), "others_percent": others},
        "contenders": [sum_up(one, trials, footprints[one.name], seed) for one in contenders],
        "claims": claims.judge(trials, families, footprints),
        "holes": [_describe(hole) for hole in holes],
        "trials": [asdict(trial) for trial in trials],
    }


def _describe(hole: Hole) -> dict[str, Any]:
    return {
        "key": hole.key,
        "place": f"{hole.package}/{hole.path}:{hole.line}",
        "kind": hole.kind,
        "before": "\n".join(hole.prefix.split("\n")[-CONTEXT_LINES - 1 :]),
        "golds": list(hole.golds),
        "after": [*hole.segments[1:-1], "\n".join(hole.segments[-1].split("\n")[: CONTEXT_LINES + 1])],
    }
