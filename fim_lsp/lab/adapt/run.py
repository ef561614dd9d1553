"""From a repository to an adapter beside the weights: judge, train, judge again, and keep it only where it helped.

A run lies in the adapter's own folder and goes on where it was stopped: what was judged before is not judged again.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from fim_lsp.checkpoints import adapters
from fim_lsp.checkpoints.adapters import MANIFEST, RUN, WEIGHTS, Adapter
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.low_rank import Where
from fim_lsp.checkpoints.ready import unfit
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.context.index import Workspace
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from fim_lsp.lab.adapt import files, judge
from fim_lsp.lab.adapt.judge import AdapterVerdict, HeldOutScore
from fim_lsp.lab.adapt.log import best_of, log_of
from fim_lsp.lab.adapt.network import AdaptedTrunk
from fim_lsp.lab.adapt.rows import AdaptObjective, AdaptRows
from fim_lsp.lab.adapt.watch import Guest
from fim_lsp.lab.train import checkpoint, machine
from fim_lsp.lab.train.loop import LoopSettings, Trainer
from fim_lsp.nn.native import library
from fim_lsp.nn.reference.tensors import pack as as_int8
from fim_lsp.settings import Config

END = "<|endoftext|>"
RECORD, BEFORE, BEST, TRAINED, TRIAL = "adapt.json", "before.json", "best.safetensors", "trained", "trial"
MATRICES = ("gate_up", "down")


@dataclass(frozen=True)
class Pace:
    """How long, and how much at a time; a run goes on with what it was begun with."""

    minutes: float = 45.0
    rows: int = 0  # at most, in place of the minutes; 0: as many as there is time for
    rank: int = 32
    length: int = 640  # places of a row
    batch: int = 2
    rate: float = 3e-4
    checks: int = 16  # rows that say when to stop
    check_steps: int = 40
    of_kind: int = judge.OF_KIND
    compile: bool = True


@dataclass(frozen=True)
class Told:
    """Whom a run tells what it does."""

    step: Callable[[dict[str, Any], float], None]
    judged: Callable[[str, int, int], None]
    waiting: Callable[[str], None]
    stop: Event


class Adapting:
    """One repository's run."""

    def __init__(self, root: Path, config: Config, pace: Pace):
        self.root, self.config = root.resolve(), config
        self.decoder = find_model("gpt", config.gpt_model)
        self.format, self.tokenizer = _able(self.decoder)
        self.folder = adapters.folder_of(self.root)
        self.run = self.folder / RUN
        self.fingerprint = adapters.fingerprint(self.decoder)
        self.parted = files.part(self.root, config.exclude)
        self.pace = self._recorded() or pace
        self.holes = judge.holes_of(self.parted.judging, self.root.name, self.pace.of_kind)

    @property
    def first_layer(self) -> int:
        """Return from which layer on it is trained: the upper half, whose steps take half the time."""
        return read_config(self.decoder).layers // 2

    def adapt(self, told: Told, regardless: bool = False, threads: int = 0) -> AdapterVerdict | None:
        """Run to the end and return what came of it; None where it was stopped, to go on another time.

        Raises ModelError, InputError.
        """
        guest = Guest(told.stop, told.waiting, regardless)
        self._begin()
        before = self._before(told, guest)
        if before is None or not self._train(told, guest, threads):
            return None
        trial = self._trial()
        after = self._judged(trial, "judging with it", told, guest)
        if after is None:
            return None
        verdict = AdapterVerdict(before, after)
        if verdict.has_helped:
            self._keep(trial, verdict)
        else:
            shutil.rmtree(self.run)
            if adapters.get(self.root) is None:  # what is in use already was measured, too
                adapters.remove(self.root)
        return verdict

    def _recorded(self) -> Pace | None:
        """Return the pace of a run that was begun on these weights."""
        try:
            record = json.loads((self.run / RECORD).read_text(encoding="utf-8"))
            return Pace(**record) if record.pop("decoder") == self.fingerprint else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _begin(self) -> None:
        if self._recorded() is None:
            shutil.rmtree(self.run, ignore_errors=True)
            self.run.mkdir(parents=True)
            told = asdict(self.pace) | {"decoder": self.fingerprint}
            (self.run / RECORD).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    def _before(self, told: Told, guest: Guest) -> list[HeldOutScore] | None:
        """Return what came of the holes without it, judged anew only where the files have changed since."""
        path, keys = self.run / BEFORE, [hole.key for hole in self.holes]
        if path.is_file() and (noted := json.loads(path.read_text(encoding="utf-8")))["holes"] == keys:
            return [HeldOutScore(*row) for row in noted["found"]]
        found = self._judged(None, "judging without it", told, guest)
        if found is not None:
            path.write_text(json.dumps({"holes": keys, "found": found}), encoding="utf-8")
        return found

    def _judged(self, adapter: Path | None, what: str, told: Told, guest: Guest) -> list[HeldOutScore] | None:
        found: list[HeldOutScore] = []
        workspace = Workspace.of(self.root, patterns=self.config.exclude)
        for one in judge.judge(
            self.holes, workspace, self.config, adapter, lambda done, of: told.judged(what, done, of)
        ):
            found.append(one)
            guest.wait()
            if guest.is_stopped:
                return None
        return found

    def _train(self, told: Told, guest: Guest, threads: int) -> bool:
        if (self.run / TRAINED).is_file():
            return True
        pace, run = self.pace, self.run
        device = torch.device("cpu")
        dtype, _ = machine.pick_dtype(read_config(self.decoder).hidden, device)
        torch.manual_seed(1)
        trunk = AdaptedTrunk(self.decoder, self.first_layer, pace.rank, dtype)
        judging = [f"/{file.path}" for file in self.parted.judging]
        rows = AdaptRows(
            self.tokenizer, self.format, self.parted.learnt, self.parted.checked,
            Workspace.of(self.root, patterns=[*self.config.exclude, *judging]), pace.length, pace.checks,
        )  # fmt: skip
        end = self.tokenizer.sentinel(END)
        assert end is not None, "it was looked for"
        marks = self.format
        objective = AdaptObjective(marks.prefix, marks.suffix, marks.middle, end, pace.length)
        settings = LoopSettings(
            rows=pace.rows, minutes=pace.minutes, batch=pace.batch, rate=pace.rate, decay=0.0, compile=pace.compile,
            threads=threads, dtype=str(dtype).removeprefix("torch."), checkpoint_s=120.0,
            validation_rows=pace.checks, validate_steps=pace.check_steps,
        )  # fmt: skip
        trainer = Trainer(run, trunk, objective, rows, settings)
        if (run / checkpoint.FILE).is_file():
            trainer.resume()

        def better(loss: float) -> None:
            factors = {name: one.detach().contiguous() for name, one in trunk.factors().items()}
            save_file(factors, run / BEST, {"loss": str(loss)})

        guest.better, guest.best = better, best_of(run)
        if is_done := trainer.train(told.step, guest):
            (run / TRAINED).touch()
        return is_done

    def _trial(self) -> Path:
        """Pack the best factors into int8, as they would be served."""
        if not (self.run / BEST).is_file():
            raise ModelCorrupt(f"{self.run}: training came to no number; fim-lsp adapt {self.root} --again begins anew")
        trial = self.run / TRIAL
        trial.mkdir(exist_ok=True)
        found = {}
        for name, tensor in load_file(self.run / BEST).items():
            found[f"{name}.weight"], found[f"{name}.scale"] = as_int8(tensor)
        save_file(found, trial / WEIGHTS)
        where = Where(self.first_layer, MATRICES)
        Adapter(trial, self.root, self.fingerprint, self.pace.rank, where, {}).write()
        return trial

    def _keep(self, trial: Path, verdict: AdapterVerdict) -> None:
        """Put it where the server finds it; the run is done with."""
        last = log_of(self.run)[-1]
        notes = verdict.notes() | {
            "made": time.strftime("%Y-%m-%d %H:%M"),
            "steps": last["step"], "tokens": last["tokens"], "seconds": round(last["seconds"]),
        }  # fmt: skip
        (self.folder / MANIFEST).unlink(missing_ok=True)
        (trial / WEIGHTS).replace(self.folder / WEIGHTS)
        replace(Adapter.read(trial), folder=self.folder, notes=notes).write()
        shutil.rmtree(self.run)


def _able(decoder: Path) -> tuple[Format, Tokenizer]:
    """Return how a decoder is asked; raises ModelMismatch for one that cannot be adapted."""
    config = read_config(decoder)
    if problem := unfit(config):
        raise ModelMismatch(f"{decoder} cannot be adapted: {problem}, and an adapter is served by the kernels")
    if library.chosen() is None:
        raise ModelMismatch("an adapter is served by the compiled kernels: `fim-lsp doctor` says how to get them")
    tokenizer = Tokenizer.from_folder(decoder, config.vocab)
    format = Format.read(config.fim, tokenizer.sentinel)
    if format.order == "prefix-only" or tokenizer.sentinel(END) not in format.ends:
        raise ModelMismatch(f"{decoder} cannot be adapted: its vocabulary has no sentinels that are known, or no {END}")
    return format, tokenizer
