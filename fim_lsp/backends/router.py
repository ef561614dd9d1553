"""Choose the family for a request, and load it the first time it is wanted."""

from __future__ import annotations

from collections.abc import Callable

from fim_lsp.backends.base import Backend
from fim_lsp.config import Config
from fim_lsp.errors import ModelError

BUILT = ("gpt", "bert")  # families this version can run


class Router:
    """Loaded backends, by family; a failure to load is remembered until the settings change."""

    def __init__(self, config: Config, create: Callable[[str, str], Backend]):
        self.config, self.create = config, create
        self.loaded: dict[str, Backend] = {}
        self.failed: dict[str, ModelError] = {}

    def choose(self) -> tuple[str, str]:
        """Return (family, why); needs no model."""
        wanted = self.config.backend
        if wanted in BUILT:
            return wanted, "fimLsp.backend"
        if wanted == "auto":
            return "gpt", "auto: the decoder, the better of the two so far"
        return "gpt", f"fimLsp.backend is {wanted}, which this version does not have yet; gpt answers instead"

    def pick(self) -> tuple[Backend, str]:
        """Return the backend and why it was chosen, loading it if need be; raises ModelError."""
        family, why = self.choose()
        return self.load(family), why

    def load(self, family: str) -> Backend:
        """Return the backend of a family, loading it the first time; raises ModelError."""
        if family in self.failed:
            raise self.failed[family]
        if family not in self.loaded:
            try:
                self.loaded[family] = self.create(family, self._model(family))
            except ModelError as problem:
                self.failed[family] = problem
                raise
        return self.loaded[family]

    def configure(self, config: Config) -> None:
        """Take new settings; a family whose model changed is loaded again when next wanted."""
        before, self.config = self.config, config
        for family, old in (("gpt", before.gpt_model), ("bert", before.bert_model)):
            if old != self._model(family):
                self.loaded.pop(family, None)
                self.failed.pop(family, None)

    def forget(self) -> None:
        """Have every loaded backend drop what it kept of earlier requests."""
        for backend in self.loaded.values():
            backend.forget()

    def _model(self, family: str) -> str:
        return self.config.gpt_model if family == "gpt" else self.config.bert_model
