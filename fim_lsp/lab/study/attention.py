"""What attention bought: time against length, recall against distance and learning in the architecture study."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fim_lsp import machine
from fim_lsp.checkpoints.config import read_raw_config
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.compare import stats
from fim_lsp.compare.quality import Hole
from fim_lsp.compare.records import Report
from fim_lsp.lab.study import recall
from fim_lsp.nn.study import probe
from fim_lsp.nn.study.bert import SmallBert
from fim_lsp.nn.study.folder import load, shape_table
from fim_lsp.nn.study.network import StudyShape

SCHEMA = 1
LENGTHS = (32, 64, 128, 256, 512, 1024)
Probes = dict[tuple[int, int], list[recall.Probe]]


def texts_of(holes: Sequence[Hole]) -> list[str]:
    """Return one stretch of text for each file that holes were cut from."""
    texts = {(hole.package, hole.path): hole.prefix + hole.gold + hole.suffix for hole in holes}
    return [texts[key] for key in sorted(texts)]


def measure(folder: Path, names: Iterable[str], texts: Sequence[str], limit: int) -> Report:
    """Measure the set in `folder` on held-out texts, at most `limit` probes a distance; raises ModelError."""
    tokenizer = Tokenizer.from_folder(folder)
    asked = recall.probes(texts, tokenizer.encode, limit)
    with probe.one_thread():
        models = {name: _measure(folder / name, texts, tokenizer, asked, limit) for name in names}
        return {"schema": SCHEMA, "machine": machine.describe(), "models": models}


def show(console: Console, report: Report) -> None:
    """Print what was measured, a table for each question."""
    models = report["models"]
    first = next(iter(models.values()))
    for title, key, unit in (("reading a context", "read_ms", "ms"), ("a token, or a canvas of 8", "step_ms", "ms")):
        table = Table("tokens", *models, title=f"{title}, {unit}", title_justify="left")
        for at, (length, _) in enumerate(first[key]):
            table.add_row(str(length), *(f"{one[key][at][1]:.1f}" for one in models.values()))
        console.print(table)
    table = Table(
        "tokens back", *models, title="recall alone, trained for it: names brought back, %", title_justify="left"
    )
    for at, (distance, _) in enumerate(first["recall_alone"]):
        table.add_row(str(distance), *(f"{one['recall_alone'][at][1]:.0f}" for one in models.values()))
    console.print(table)
    table = Table("tokens back", "n", *models, title="recall in code: nats a token gained by the name's being there")
    for at, row in enumerate(first["recall"]):
        cells = (one["recall"][at] for one in models.values())
        said = (f"{c['gain']:+.2f}" for c in cells)
        table.add_row(f"{row['tokens'][0]}–{row['tokens'][1]}", str(row["n"]), *said)
    console.print(table)
    table = Table("", *models, title="at equal training")
    table.add_row("parameters", *(f"{one['parameters']:,}" for one in models.values()))
    table.add_row("nats a token of the middle", *(f"{one['curve'][-1]['span_loss']:.2f}" for one in models.values()))
    table.add_row("whole middles right", *(f"{100 * one['curve'][-1]['exact_match']:.1f} %" for one in models.values()))
    console.print(table)


def _measure(folder: Path, texts: Sequence[str], tokenizer: Tokenizer, asked: Probes, limit: int) -> Report:
    config, model = read_raw_config(folder), load(folder)
    shape = StudyShape.read(shape_table(config))
    costs = [(length, probe.time_at(shape, length)) for length in LENGTHS]
    alone = json.loads((folder.parent / "recall.json").read_text(encoding="utf-8"))
    report = {
        "parameters": config["parameters"],
        "recall_alone": alone[folder.name],
        "read_ms": [[length, round(cost.read_ms, 2)] for length, cost in costs],
        "step_ms": [[length, round(cost.step_ms, 3)] for length, cost in costs],
        "recall": [_recall(model, bucket, some) for bucket, some in asked.items() if some],
        "curve": json.loads((folder / "curve.json").read_text(encoding="utf-8")),
    }
    if isinstance(model, SmallBert):
        pairs = recall.foreign_pairs(texts, tokenizer.encode, 2 * limit)
        right = [(model.follows(pair.before, pair.after) > 0.5) == is_own for is_own, pair in pairs]
        report["follows"] = {"n": len(right), **stats.percent("right", right)}
    return report


def _recall(model: Any, bucket: tuple[int, int], some: Sequence[recall.Probe]) -> Report:
    real = [probe.judge(model, one.before, one.fill, one.after) for one in some]
    absent = [probe.judge(model, one.absent, one.fill, one.after) for one in some]
    gains = [there.score - not_there.score for there, not_there in zip(real, absent, strict=True)]
    return {
        "tokens": list(bucket),
        "n": len(some),
        "gain": round(statistics.fmean(gains), 3),
        "interval": [round(end, 3) for end in stats.interval(gains)],
        "first": round(100 * statistics.fmean(said.is_first for said in real), 1),
        "first_absent": round(100 * statistics.fmean(said.is_first for said in absent), 1),
    }
