"""A run as a record: everything `train` and `export` need to make the same trunk and objective again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ConfigError, ModelMismatch, ModelMissing
from fim_lsp.lab.progress import RunProgress
from fim_lsp.lab.train import checkpoint, warm
from fim_lsp.lab.train.batch import Objective
from fim_lsp.lab.train.bert import BertObjective
from fim_lsp.lab.train.gpt import GptObjective
from fim_lsp.lab.train.loop import LoopSettings, Rows, Trainer
from fim_lsp.lab.train.trunk import Trunk
from fim_lsp.nn.reference.quant import pick_device

RECORD = "run.json"
MARKS = ("<|endoftext|>", "<gh_stars>", "<issue_start>", "<issue_comment>")  # begin, and three no text uses
FIM = {"order": "suffix-first", "prefix": "<fim_prefix>", "suffix": "<fim_suffix>", "middle": "<fim_middle>"}
END = "<|endoftext|>"


@dataclass(frozen=True)
class Record:
    """What a run is: family, where it started, which of the source's layers, lengths and pace."""

    family: str
    corpus: str
    source: str
    scratch: bool
    layers: tuple[int, ...]
    length: int
    context: int
    context_weight: float
    settings: LoopSettings

    def write(self, run: Path) -> None:
        run.mkdir(parents=True, exist_ok=True)
        (run / RECORD).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, run: Path) -> Record:
        """Read run.json; raises ModelMissing."""
        try:
            raw: dict[str, Any] = json.loads((run / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ModelMissing(f"{run} is not a training run ({problem}): give the folder of `fim-lsp train`") from None
        raw |= {"settings": LoopSettings(**raw["settings"]), "layers": tuple(raw["layers"])}
        return cls(**raw)

    @classmethod
    def of_model(cls, folder: Path) -> Record:
        """Return the record of a model as it stands, of no run; raises ModelError."""
        config = read_config(folder)
        family = "bert" if config.infill else "gpt"
        return cls(family, "", str(folder), False, tuple(range(config.layers)), 0, 0, 0.0, LoopSettings())

    def trunk(self) -> Trunk:
        """Make the trunk as it was when the run began; raises ModelError."""
        own = marks_of(Path(self.source)).own if self.family == "bert" else ()
        trunk = warm.start(Path(self.source), self.layers, own, self.scratch)
        if self.family == "bert" and not self.scratch:
            trunk.embed_tokens.weight.requires_grad_(False)  # the decoder's, by reference
        return trunk

    def objective(self) -> Objective:
        source = Path(self.source)
        if self.family == "bert":
            return BertObjective(marks_of(source), self.length, self.context)
        tokenizer, fim = Tokenizer.from_folder(source), read_config(source).fim or FIM
        if fim.get("order") != "suffix-first":
            raise ModelMismatch(f"{source} asks for {fim.get('order')} prompts: only suffix-first is trained")
        suffix, prefix, middle, end = (_id(tokenizer, n) for n in (fim["suffix"], fim["prefix"], fim["middle"], END))
        return GptObjective(prefix, suffix, middle, end, self.length, self.context_weight)


def marks_of(source: Path) -> Marks:
    """Return the ids the infiller takes from a vocabulary; raises ModelMismatch."""
    tokenizer = Tokenizer.from_folder(source)
    return Marks(*(_id(tokenizer, name) for name in MARKS))


def choose(layers: str, source: Path) -> tuple[int, ...]:
    """Read --layers: "" for all of the source's, a count for so many spread evenly, or their numbers with commas."""
    of = read_config(source).layers
    try:
        numbers = tuple(int(word) for word in layers.split(",") if word.strip())
    except ValueError:
        raise ConfigError(f"--layers {layers!r}: give a count, or numbers with commas as in 0,1,2,9") from None
    if len(numbers) > 1:
        return numbers
    count = numbers[0] if numbers else of
    if not 1 <= count <= of:
        raise ConfigError(f"--layers {count}: the model has {of}")
    return tuple(round(n * (of - 1) / max(count - 1, 1)) for n in range(count))


def train(record: Record, run: Path, corpus: Rows, resume: bool, tell: RunProgress) -> None:
    """Start a run, or go on with one; raises ModelError and ConfigError."""
    if not resume:
        if (run / checkpoint.FILE).exists():
            raise ConfigError(f"{run} holds a run already: give --resume to go on with it, or another --out")
        record.write(run)
        (run / "log.jsonl").unlink(missing_ok=True)
    trainer = Trainer(run, record.trunk().to(pick_device()), record.objective(), corpus, record.settings)
    if resume and (run / checkpoint.FILE).exists():
        trainer.resume()
    trainer.train(tell)


def load(run: Path) -> tuple[Record, Trunk, dict[str, Any]]:
    """Return a run's record, its trunk at the last checkpoint, and where that stood; raises ModelError.

    A model's folder is taken too: a run of no steps from it.
    """
    if not (run / RECORD).is_file() and (run / "config.json").is_file():
        record = Record.of_model(run)
        return record, record.trunk(), {"step": 0, "tokens": 0}
    record = Record.read(run)
    trunk = record.trunk()
    with torch.no_grad():
        state = checkpoint.load(run, trunk)
    return record, trunk, state


def _id(tokenizer: Tokenizer, name: str) -> int:
    if (found := tokenizer.sentinel(name)) is None:
        raise ModelMismatch(f"the vocabulary lacks {name}: this version trains over the shipped decoder's tokenizer")
    return found
