"""Choose the family for a request, load what is wanted, and learn what each costs here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fim_lsp.backends.base import CODE, Backend, Endpoint, ModelRequest, Served
from fim_lsp.backends.costs import Cost
from fim_lsp.checkpoints import shelf
from fim_lsp.domain import AcceptanceCurve, Choice, FimRequest, GenerationLimits, Meter, TokenEstimate
from fim_lsp.errors import ModelError, RemoteFault
from fim_lsp.routing.first_run import FirstRun, reader_of
from fim_lsp.routing.loader import ModelLoader
from fim_lsp.routing.rule import Candidate, RoutingTable, cascades, decide, kind_of_cursor
from fim_lsp.settings import Config

if TYPE_CHECKING:
    from fim_lsp.checkpoints.adapters import Adapter

CANDIDATES = ("gpt", "bert")  # families that `auto` chooses among; the first one is loaded first
ELSEWHERE = "remote"  # a server, asked only where the settings say so
USUAL_STEPS = 8.0  # where no table says

ReadTable = Callable[[str, str], RoutingTable | None]  # family and its model's setting, to what was measured of it


def no_table(family: str, model: str) -> None:
    """Say that nothing was measured."""


class Zoned(Protocol):
    """What the rule asks of the tree's site: code, string or comment."""

    @property
    def zone(self) -> str: ...


class Router:
    """The families with their fitted tables and their measured costs; used by the decode thread alone."""

    def __init__(
        self,
        config: Config,
        create: Callable[[str, ModelRequest], Backend],
        read_table: ReadTable = no_table,
    ):
        self.config, self.read_table = config, read_table
        self.families = CANDIDATES
        self.curves: Mapping[str, AcceptanceCurve] = {}
        self.folders: tuple[Path, ...] = ()
        self.adapter: Adapter | None = None
        self.loader = ModelLoader(models_of(config), lambda family, model: self._taught(family, create(family, model)))
        self.first_run = FirstRun()
        self.tables: dict[str, RoutingTable | None] = {}
        self.costs: dict[str, Cost] = {}
        self._read_tables(self.families)

    def choose(self, request: FimRequest | None = None, site: Zoned | None = None) -> Choice:
        """Return what answers a request, or requests in general; needs no model and starts nothing."""
        wanted, setting = self._wanted(request.language if request else "")
        left = [family for family in self.families if family not in self.loader.failed]
        if wanted == "auto" and len(left) == 1 < len(self.families):
            failed = "; ".join(f"{family} cannot be loaded ({fault})" for family, fault in self.loader.failed.items())
            wanted, setting = left[0], f"auto: {failed}"
        if request is None:
            first = (left or self.families)[0]
            return Choice(first, f"auto: {first} first") if wanted == "auto" else Choice(wanted, setting)
        cursor_kind = kind_of_cursor(request, site.zone if site else "code")
        candidates = [
            self._candidate(family, cursor_kind, request)
            for family in (left or self.families if wanted == "auto" else self.families)
        ]
        if wanted != "auto":
            return Choice(
                wanted,
                setting,
                {candidate.family: round(candidate.expected_ms, 1) for candidate in candidates},
                cursor_kind,
            )
        latency_penalty = max((table.latency_penalty for table in self.tables.values() if table), default=0.0)
        return decide(cursor_kind, candidates, latency_penalty, _left_ms(request.limits))

    def begin(self) -> None:
        """Load and run aside what answers first under the settings of now; other ones have it dropped."""
        if (family := self.choose().family) != ELSEWHERE:
            self.loader.fetch(family, self.try_out)

    def ready(self, language: str = "") -> Backend:
        """Return a backend that can be used at once, loading one if there is none; raises ModelError."""
        wanted, _ = self._wanted(language)
        for family in self.families if wanted == "auto" else ():
            if family in self.loader.loaded:
                return self.loader.loaded[family]
        return self._get(self.choose().family if wanted == "auto" else wanted, wanted == "auto")

    def pick(self, request: FimRequest, site: Zoned | None = None) -> tuple[Backend, Choice]:
        """Return the backend for a request and why it was chosen; raises ModelError.

        One that `auto` wants and that is not loaded yet is loaded aside, and the other answers meanwhile.
        """
        choice = self.choose(request, site)
        is_auto = self._wanted(request.language)[0] == "auto"
        if is_auto and choice.family not in self.loader.loaded and (ready := self._loaded_beside(choice)):
            self.loader.fetch(choice.family, self.try_out)
            why = f"{choice.why}; {choice.family} is being loaded, {ready[0]} answers meanwhile"
            choice = replace(choice, family=ready[0], why=why, is_stand_in=True)
        backend = self._get(choice.family, is_auto)
        if choice.family in self.loader.failed:
            choice = self.choose(request, site)
        if isinstance(backend, Served) and (resting := backend.resting()):
            if (second := self.stand_in(choice.cursor_kind)) is None:
                raise RemoteFault(f"{resting}; {self._local_faults() or 'the local model is being loaded'}")
            return second[0], replace(choice, family=second[1], why=f"{choice.why}; {resting}, so {second[1]} answers")
        return backend, choice

    def stand_in(self, cursor_kind: str) -> tuple[Backend, str] | None:
        """Return the local family that answers instead of a server, the likeliest to be right; None while it loads."""
        able = [family for family in self._likeliest(cursor_kind) if family not in self.loader.failed]
        if ready := [family for family in able if family in self.loader.loaded]:
            return self.loader.loaded[ready[0]], ready[0]
        if able:
            self.loader.fetch(able[0], self.try_out)
        return None

    def asks_elsewhere(self, language: str) -> bool:
        """True where a request leaves this machine."""
        return self._wanted(language)[0] == ELSEWHERE

    def adapted_to(self, backend: Backend) -> str:
        """Return the repository whose adapter stands beside a backend's weights, "" for none."""
        return str(getattr(reader_of(backend), "adapted_to", ""))

    def fallback(
        self, choice: Choice, confidence: float | None, language: str, limits: GenerationLimits
    ) -> tuple[Backend, str] | None:
        """Return whom to ask too, when the first said nothing (None) or is unsure and there is time; else None."""
        table, left_ms = self.tables.get(choice.family), _left_ms(limits)
        if self._wanted(language)[0] != "auto" or table is None or not cascades(confidence or 0.0, table.cascade_below):
            return None
        rest = [
            family
            for family in self._likeliest(choice.cursor_kind)
            if family not in (choice.family, *self.loader.failed)
        ]
        other = next((family for family in rest if choice.expected_ms[family] <= left_ms), None)
        if other is None or other in self.loader.loaded:
            return (self.loader.loaded[other], other) if other else None
        self.loader.fetch(other, self.try_out)
        return None

    def learn(self, family: str, meter: Meter) -> None:
        """Take what a run measured into account."""
        if family in self.costs:
            self.costs[family] = self.costs[family].learn(meter)

    def try_out(self, backend: Backend) -> None:
        """Run a backend that was just loaded, and learn its cost."""
        if meter := self.first_run.run(backend, list(self.loader.loaded.values())):
            self.learn(backend.name, meter)

    def configure(self, config: Config) -> None:
        """Take new settings; a family whose model changed is loaded again when next wanted."""
        self.config = config
        self.adapter = adapter_of(config, self.folders)
        changed = self.loader.replace(models_of(config, self.adapter))
        self._read_tables([family for family in changed if family in self.families])

    def follow(self, curves: Mapping[str, AcceptanceCurve]) -> None:
        """Take what was learnt of a person's acceptances by family; nothing takes it back."""
        self.curves = dict(curves)
        for family, backend in list(self.loader.loaded.items()):
            self._taught(family, backend)

    def open(self, folders: Iterable[Path]) -> bool:
        """Serve these folders from now on; True where the models are to be loaded for another adapter."""
        before, self.folders = self.adapter, tuple(folders)
        self.configure(self.config)
        return self.adapter != before

    def forget(self) -> None:
        """Have every loaded backend drop what it kept of earlier requests."""
        for backend in list(self.loader.loaded.values()):
            backend.forget()

    def _wanted(self, language: str) -> tuple[str, str]:
        """Return auto or a family, and the setting that says so."""
        if language in self.config.backend_by_language:
            return self.config.backend_by_language[language], "fimLsp.backendByLanguage"
        return self.config.backend, "fimLsp.backend"

    def _get(self, family: str, or_other: bool) -> Backend:
        try:
            return self.loader.get(family)
        except ModelError:
            others = [other for other in self.families if other not in self.loader.failed] if or_other else []
            if not others:
                raise
        return self._get(others[0], or_other)

    def _loaded_beside(self, choice: Choice) -> list[str]:
        """Return the loaded families but the chosen one, the likeliest to be right first."""
        return [family for family in self._likeliest(choice.cursor_kind) if family in self.loader.loaded]

    def _local_faults(self) -> str:
        faults = {family: self.loader.failed.get(family) for family in self.families}
        return "; ".join(f"{family} cannot be loaded ({fault})" for family, fault in faults.items() if fault)

    def _likeliest(self, cursor_kind: str) -> list[str]:
        hits = {
            family: (table.hits.get(cursor_kind, 0.0) if (table := self.tables[family]) else 0.0)
            for family in self.families
        }
        return sorted(self.families, key=lambda family: -hits[family])

    def _taught(self, family: str, backend: Backend) -> Backend:
        if backend.calibration:
            backend.calibration = replace(backend.calibration, curve=self.curves.get(family))
        return backend

    def _candidate(self, family: str, cursor_kind: str, request: FimRequest) -> Candidate:
        table, backend = self.tables[family] or RoutingTable(), self.loader.loaded.get(family)
        guess = TokenEstimate(int(sum(map(len, request.segments)) / CODE.usual))
        tokens = backend.estimate(request) if backend else guess
        measured = next((other for other in self.families if self.costs[other].steps_seen), family)
        cost = self.costs[family].at_pace_of(self.costs[measured], self._guess(measured))
        expected = cost.expect(tokens, table.steps.get(cursor_kind, USUAL_STEPS))
        hits, curve = table.hits.get(cursor_kind), self.curves.get(family)
        return Candidate(family, curve.taken(hits) if curve and hits is not None else hits, expected)

    def _read_tables(self, families: tuple[str, ...] | list[str]) -> None:
        for family in families:
            self.tables[family] = self.read_table(family, self.loader.models[family].model)
            self.costs[family] = self._guess(family)

    def _guess(self, family: str) -> Cost:
        table = self.tables[family] or RoutingTable()
        return Cost(table.token_ms, table.step_ms)


def adapter_of(config: Config, folders: Iterable[Path]) -> Adapter | None:
    """Return the adapter that is to stand beside the decoder's weights in these folders, None for none."""
    if config.adapter != "auto" or not shelf.adapters_folder().is_dir():
        return None
    from fim_lsp.checkpoints import adapters  # and numpy with it, which the handshake does not wait for
    from fim_lsp.checkpoints.catalogue import find_model

    try:
        return adapters.find(folders, find_model("gpt", config.gpt_model))
    except (ModelError, OSError):
        return None  # loading the model will say what is wrong with it


def models_of(config: Config, adapter: Adapter | None = None) -> dict[str, ModelRequest]:
    """Return what each family is to be loaded from under these settings."""
    beside = str(adapter.folder) if adapter else ""
    wanted = {
        "gpt": ModelRequest(config.gpt_model, config.gpt_bits, config.gpt_cache_mb, beside),
        # the infiller reads by the shipped decoder, whose keys and values are then the adapted ones
        "bert": ModelRequest(
            config.bert_model, config.gpt_bits, config.gpt_cache_mb, "" if config.gpt_model else beside
        ),
    }
    where = Endpoint(
        config.remote_url, config.remote_kind, config.remote_model, config.remote_format, config.remote_key_variable
    )
    local = {family: wanted.get(family, ModelRequest()) for family in CANDIDATES}
    return {**local, ELSEWHERE: ModelRequest(endpoint=where)}


def _left_ms(limits: GenerationLimits) -> float:
    return (limits.deadline - time.monotonic()) * 1e3
