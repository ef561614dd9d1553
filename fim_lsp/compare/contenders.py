"""Who takes part in a comparison: a model behind the whole pipeline, and the same model seen three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fim_lsp.backends import ModelRequest, create
from fim_lsp.backends.base import Backend, FillsInPasses
from fim_lsp.checkpoints import shelf
from fim_lsp.checkpoints.catalogue import STUDY_FAMILIES, find_model
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion, TokenEstimate
from fim_lsp.errors import InputError
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.router import CANDIDATES
from fim_lsp.settings import Config

PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Family:
    """A kind of model that can be named in `--model`."""

    label: str


CONTENDER_FAMILIES: Mapping[str, Family] = {
    "gpt": Family("GPT-style decoder"),
    "bert": Family("BERT-style infiller"),
    **{name: Family("of the architecture study") for name in STUDY_FAMILIES},
}


class Altered:
    """A backend that is given each request changed."""

    def __init__(self, inner: Backend, change: Callable[[FimRequest], FimRequest]):
        self.inner, self.change = inner, change
        self.name, self.budget, self.calibration = inner.name, inner.budget, inner.calibration
        self.has_prefix_cache = inner.has_prefix_cache

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        return self.inner.generate(self.change(request), cancel, meter)

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        return self.inner.generate_alternatives(self.change(request), said, cancel, meter)

    def estimate(self, request: FimRequest) -> TokenEstimate:
        return self.inner.estimate(self.change(request))

    def forget(self) -> None:
        self.inner.forget()


def hide_suffix(request: FimRequest) -> FimRequest:
    """Show the model nothing right of the cursor."""
    return replace(request, segments=(request.segments[0], ""))


def read_only(request: FimRequest) -> FimRequest:
    """Have the model read, and say as little as it can."""
    return replace(request, limits=replace(request.limits, max_tokens=1))


class Contender:
    """One model: `completer` as a user has it, `blind` without its suffix, `reader` to warm its cache."""

    def __init__(self, name: str, family: str, folder: Path, backend: Backend):
        self.name, self.family, self.folder, self.backend = name, family, folder, backend
        self.has_prefix_cache = backend.has_prefix_cache  # then warm differs from cold
        self.completer = self._behind_pipeline(backend)
        self.blind = self._behind_pipeline(Altered(backend, hide_suffix))
        self.reader = self._behind_pipeline(Altered(backend, read_only))

    def forget(self) -> None:
        """Drop what was suggested and what the model keeps: the next request is a cold one."""
        for completer in (self.completer, self.blind, self.reader):
            completer.cache.clear()
        self.backend.forget()

    def _behind_pipeline(self, backend: Backend) -> Completer:
        known = (
            self.family if self.family in CANDIDATES else CANDIDATES[0]
        )  # what the router calls it; it gets this one anyway
        return Completer(
            Config(backend=known, deadline_ms=PATIENCE_MS, word_fallback=False), lambda family, model: backend
        )


def contend(specs: Sequence[str], passes: Sequence[int] = ()) -> list[Contender]:
    """Load contenders from FAMILY, FAMILY=FOLDER, or a decoder's name on the shelf; an infiller also with `passes`.

    Raises InputError, ModelError.
    """
    contenders: list[Contender] = []
    for spec in specs:
        family, _, setting = spec.partition("=")
        if family not in CONTENDER_FAMILIES and shelf.find(spec):
            family, setting = "gpt", spec
        if family not in CONTENDER_FAMILIES:
            raise InputError(
                f"--model {spec!r}: the families are {', '.join(CONTENDER_FAMILIES)}, as in gpt or gpt=FOLDER; "
                f"and {shelf.said()}"
            )
        folder = find_model(family, setting)
        name = family if not setting else f"{family} {folder.name}"
        if name in [other.name for other in contenders]:
            raise InputError(f"--model {spec!r} is named twice")
        contenders.append(Contender(name, family, folder, create(family, ModelRequest(str(folder)))))
    able = [(one, one.backend) for one in contenders if isinstance(one.backend, FillsInPasses)]
    if passes and not able:
        raise InputError("--passes goes with an infiller on a decoder's trunk, and none is among the models")
    for one, backend in able:
        for count in dict.fromkeys(passes):
            name = f"{one.name}, {count} pass{'es' * (count > 1)}"
            contenders.append(Contender(name, one.family, one.folder, backend.with_passes(count)))
    return contenders
