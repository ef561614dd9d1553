"""Train the architecture study: five architectures of one size on the same rows in the same order, one after another.

    RUN/rows/   vocabulary, rows, manifest          RUN/rnn/   log.jsonl, checkpoint, curve.svg      RUN/lstm/ ...

Started again on the same folder, it goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from fim_lsp.errors import ConfigError
from fim_lsp.lab.progress import StudyProgress
from fim_lsp.lab.study import rows as study_rows
from fim_lsp.lab.study.pairs import PairObjective
from fim_lsp.lab.study.rows import ANSWER, CONTEXT
from fim_lsp.lab.study.seq2seq import Seq2SeqObjective
from fim_lsp.lab.train import checkpoint, export, plot
from fim_lsp.lab.train.batch import Objective
from fim_lsp.lab.train.folder import write_folder
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.lab.train.loop import LoopSettings, Trainer
from fim_lsp.lab.train.shards import ShardReader
from fim_lsp.nn.reference.quant import dense
from fim_lsp.nn.study.folder import build
from fim_lsp.nn.study.network import Network, StudyShape
from fim_lsp.nn.study.probe import one_thread
from fim_lsp.nn.study.vocabulary import END, MARKS, MIDDLE, PREFIX, SUFFIX

LENGTH = CONTEXT + ANSWER + 8  # positions of a causal row, marks included
WRITTEN = 80  # of the encoder–decoder's: the middle and 15 % of the context, each span with its mark
CANVAS = 40  # of BERT's, the longest
POSITIONS = LENGTH + 64  # of BERT's: a hole takes 64, however long its canvas
SHAPES = (
    StudyShape("rnn", 784, 1),
    StudyShape("lstm", 380, 1),
    StudyShape("encoder-decoder", 412, 2, positions=CONTEXT + 1),
    StudyShape("small-gpt", 512, 4, positions=LENGTH),
    StudyShape("small-bert", 504, 4, positions=POSITIONS),
)
PACE = LoopSettings(
    batch=4, rate=1e-3, decay=0.05, compile=False, dtype="bfloat16", threads=1, validate_steps=100, checkpoint_s=60.0
)
PREFIX_TOKENS, SUFFIX_TOKENS = 160, 92  # what a backend reads around the cursor, so that its answer fits LENGTH
RECORD, CURVE = "set.json", "curve.json"


@dataclass(frozen=True)
class Member:
    """One model of the set and what it is trained on."""

    shape: StudyShape
    objective: Objective
    validation: Objective

    def network(self, seed: int) -> Network:
        torch.manual_seed(seed)
        return build(self.shape)


def members(
    suffixes: Sequence[Sequence[int]], shapes: Sequence[StudyShape] = SHAPES, context_weight: float = 0.3
) -> Iterator[Member]:
    """Yield the models with their objectives; BERT draws foreign suffixes from those given."""
    for shape in shapes:
        if shape.kind == "small-bert":
            pairs = PairObjective.sized(CONTEXT, CONTEXT + 2 + CANVAS, suffixes)
            yield Member(shape, pairs, pairs.plain())
        elif shape.kind == "encoder-decoder":
            spans = Seq2SeqObjective(shape.positions, shape.positions + WRITTEN)
            yield Member(shape, spans, replace(spans, hidden=0.0))
        else:
            causal = GptObjective(PREFIX, SUFFIX, MIDDLE, END, LENGTH, context_weight)
            yield Member(shape, causal, causal)


def train(
    corpus: Path,
    out: Path,
    rows: study_rows.RowSettings,
    tell: StudyProgress,
    pace: LoopSettings = PACE,
    shapes: tuple[StudyShape, ...] = SHAPES,
) -> None:
    """Train the set, or go on with it; raises FimError."""
    made = study_rows.build(corpus, out / "rows", rows)
    pace = replace(pace, rows=made["rows"], validation_rows=rows.aside)
    record = {"rows": made, "settings": asdict(replace(pace, threads=0)), "shapes": [asdict(shape) for shape in shapes]}
    if (out / RECORD).is_file() and json.loads((out / RECORD).read_text(encoding="utf-8")) != record:
        raise ConfigError(f"{out} holds a set of other rows or settings: give another --out, or remove it")
    (out / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    reader = ShardReader(out / "rows")
    for number, member in enumerate(members(_suffixes(reader, rows.aside), shapes)):
        run = out / member.shape.kind
        run.mkdir(exist_ok=True)
        trainer = _trainer(run, member, reader, pace)
        if (run / checkpoint.FILE).is_file():
            trainer.resume()
        else:
            (run / "log.jsonl").unlink(missing_ok=True)
        if trainer.progress() < 1.0:
            trainer.train(partial(tell_of, tell, member.shape.kind, number, len(shapes)))
            plot.draw(run)


def write(run: Path, out: Path) -> dict[str, Any]:
    """Write a trained set as it ships: int8 rows, the curve of each, one tokenizer; returns a report."""
    record = json.loads((run / RECORD).read_text(encoding="utf-8"))
    shapes = tuple(StudyShape.read(shape) for shape in record["shapes"])
    pace, reader = LoopSettings(**record["settings"]), ShardReader(run / "rows")
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(run / "rows" / "tokenizer.json", out)
    (out / "recipe.toml").write_text(_recipe(record), encoding="utf-8")
    report: dict[str, Any] = {"rows": record["rows"]}
    for member in members(_suffixes(reader, record["rows"]["aside"]), shapes):
        kind, folder = member.shape.kind, out / member.shape.kind
        trainer = _trainer(run / kind, member, reader, pace)
        trainer.resume()
        tensors = export.packed(_tensors(trainer.trunk))
        with one_thread():
            trained = trainer.validate()
            with torch.no_grad():
                for name, parameter in trainer.trunk.named_parameters():
                    parameter.copy_(dense(tensors)[name])
            packed = trainer.validate()
        folder.mkdir(exist_ok=True)
        write_folder(folder, tensors, _config(member.shape, sum(p.numel() for p in trainer.parameters)))
        curve = _curve(run / kind, record["rows"])
        (folder / CURVE).write_text(json.dumps(curve) + "\n", encoding="utf-8")
        report[kind] = {
            "parameters": sum(p.numel() for p in trainer.parameters),
            "bytes": (folder / "model.safetensors").stat().st_size,
            "minutes": round(trainer.state["seconds"] / 60, 1),
            **trained,
            **{f"packed_{name}": value for name, value in packed.items()},
        }
    return report


def _suffixes(rows: ShardReader, aside: int) -> list[Sequence[int]]:
    """Return what follows the holes of the rows to train on: those set aside are first."""
    return [row[2] for row in islice(rows.rows(aside), len(rows) - aside)]


def tell_of(tell: StudyProgress, kind: str, number: int, of: int, line: dict[str, Any], done: float) -> None:
    """Tell a line of one model's log as a share of all of them."""
    tell(line, (number + done) / of, kind)


def _trainer(run: Path, member: Member, reader: ShardReader, pace: LoopSettings) -> Trainer:
    return Trainer(run, member.network(pace.seed), member.objective, reader, pace, member.validation)


def _tensors(network: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.detach() for name, tensor in network.state_dict().items()}


def _config(shape: StudyShape, parameters: int) -> dict[str, Any]:
    sizes = {"prefix_tokens": PREFIX_TOKENS, "suffix_tokens": SUFFIX_TOKENS}
    config = {
        "model_type": "fim-lsp-study",
        "tokenizer_from": "..",
        "parameters": parameters,
        "study": asdict(shape),
        "reading": sizes | {"answer_tokens": ANSWER + 4},
    }
    return config | ({"infill": asdict(MARKS) | sizes} if shape.kind == "small-bert" else {})


def _recipe(record: dict[str, Any]) -> str:
    """Return what makes these weights again, but for the wheels: those are the recipe's that is named."""
    rows, pace = record["rows"], record["settings"]
    sections: dict[str, dict[str, Any]] = {
        "run": {name: pace[name] for name in ("rows", "batch", "rate", "decay", "clip", "dtype", "seed")},
        "rows": {name: value for name, value in rows.items() if not isinstance(value, dict) and name != "corpus"},
        "rows.sha256": {json.dumps(name): value for name, value in rows["sha256"].items()},
        "data": {"recipe": "corpus.toml", "sha256": rows["corpus"]},
    }
    lines = ["# What made these weights: `fim-lsp train corpus models/study/corpus.toml`, then `fim-lsp train study`."]
    for title, values in sections.items():
        lines += [f"\n[{title}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join([*lines, ""])


def _curve(run: Path, rows: dict[str, Any]) -> list[dict[str, float]]:
    """Return what the set-aside rows said after so many tokens of rows, the same for all models."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    a_row = rows["row_tokens"] / rows["rows"]
    return [
        {
            "tokens": round((line["rows"] - rows["aside"]) * a_row),
            "span_loss": line["validation_span_loss"],
            "exact_match": line["validation_exact_match"],
        }
        for line in lines
        if "validation_span_loss" in line
    ]
