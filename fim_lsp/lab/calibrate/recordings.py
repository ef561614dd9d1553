"""What each model says in each hole, before any confidence decides over it; kept in a file, so that a run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fim_lsp.backends import ModelRequest, create
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.config import read_raw_config, shards
from fim_lsp.compare.at_cursor import ask_one
from fim_lsp.compare.contenders import Contender
from fim_lsp.compare.quality import Hole, Score
from fim_lsp.domain import Finish
from fim_lsp.errors import InputError

CALIBRATED = ("gpt", "bert")
FITTED = ("confidence", "routing")  # tables of config.json that are made from recordings, not the other way round


@dataclass(frozen=True)
class Recording:
    """One hole, one model. `warm_ms` is with the K/V of one keystroke before, the same as cold where none is kept, and
    None where it was not measured."""

    model: str
    family: str
    hole: str
    text: str
    finish: Finish
    log_probs: tuple[float, ...]
    is_first_line_match: bool
    cold_ms: float
    warm_ms: float | None
    timings: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)

    @property
    def is_answered(self) -> bool:
        return bool(self.text)


class Recorder:
    """One family's model behind the whole pipeline, told to say whatever it has to say."""

    def __init__(self, family: str):
        folder = find_model(family, "")
        backend = create(family, ModelRequest(str(folder)))
        backend.calibration = None
        self.contender, self.model = Contender(family, family, folder, backend), fingerprint(folder)

    def record(self, hole: Hole, is_warm_wanted: bool) -> Recording:
        """Complete a hole, cold and, where the model keeps anything, warm."""
        answer = ask_one(hole.snapshot(0), self.contender, is_warm_wanted)
        outcome = answer.outcome
        best = outcome.suggestions[0] if outcome.suggestions else None
        return Recording(
            model=self.model,
            family=self.contender.family,
            hole=hole.key,
            text=best.text if best else "",
            finish=best.finish if best else "stop",
            log_probs=tuple(round(p, 4) for p in best.log_probs) if best else (),
            is_first_line_match=Score(hole, outcome, answer.cold_ms).is_first_line_match,
            cold_ms=answer.cold_ms,
            warm_ms=answer.warm_ms if self.contender.has_prefix_cache else answer.cold_ms,
            timings=dict(outcome.timings),
            tokens=dict(outcome.tokens),
        )


def record(
    holes: Sequence[Hole], file: Path, is_warm_wanted: bool, tick: Callable[[], None] = lambda: None
) -> Iterator[dict[str, Recording]]:
    """Yield family → recording of every hole; what `file` has of these very models is not recorded again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    known = read(file)
    recorders: dict[str, Recorder] = {}
    models = {family: fingerprint(find_model(family, "")) for family in CALIBRATED}
    with file.open("a", encoding="utf-8") as out:
        for hole in holes:
            recordings = {}
            for family in CALIBRATED:
                recording = known.get((models[family], hole.key))
                if recording is None or (is_warm_wanted and recording.warm_ms is None):
                    if family not in recorders:
                        recorders[family] = Recorder(family)
                        recorders[family].contender.completer.warm_up()
                    recording = recorders[family].record(hole, is_warm_wanted)
                    out.write(json.dumps(asdict(recording)) + "\n")
                    out.flush()
                recordings[family] = recording
            yield recordings
            tick()


def read(file: Path) -> dict[tuple[str, str], Recording]:
    """Read (model, hole) → recording, none where there is no file yet; raises InputError."""
    if not file.exists():
        return {}
    recordings = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            recording = Recording(**{**row, "log_probs": tuple(row["log_probs"])})
            recordings[recording.model, recording.hole] = recording
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise InputError(f"{file} holds no recordings ({problem}): remove it to record anew") from None
    return recordings


def fingerprint(folder: Path) -> str:
    """Return a name for a model that changes with its weights and with how it is asked."""
    config = {name: value for name, value in read_raw_config(folder).items() if name not in FITTED}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for shard in shards(folder):
        digest.update(shard.read_bytes())
    return digest.hexdigest()[:16]
