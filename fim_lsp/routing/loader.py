"""The loaded backends: one at once where it is waited for, the other behind the requests' back.

decode thread   ──get gpt──▶ r1 ── r2: wants bert, gpt answers ── r3: bert answers
                                    └─fetch─▶ load, run once ─┘
"""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from fim_lsp.backends.base import Backend, ModelRequest
from fim_lsp.errors import ModelError

logger = logging.getLogger(__name__)


class ModelLoader:
    """Backends by family; a failure to load is remembered until the family's model changes."""

    def __init__(self, models: Mapping[str, ModelRequest], create: Callable[[str, ModelRequest], Backend]):
        self.models, self.create = dict(models), create
        self.loaded: dict[str, Backend] = {}
        self.failed: dict[str, ModelError] = {}
        self.coming: dict[str, threading.Thread] = {}
        self.locks = {family: threading.Lock() for family in models}

    def get(self, family: str) -> Backend:
        """Return a backend, loading it or waiting for it if need be; raises ModelError."""
        if coming := self.coming.get(family):
            coming.join()  # a second copy would take its memory, and no less time
        with self.locks[family]:
            if family in self.failed:
                raise self.failed[family]
            if family not in self.loaded:
                try:
                    self.loaded[family] = self.create(family, self.models[family])
                except ModelError as problem:
                    self.failed[family] = problem
                    raise
                except Exception as problem:
                    logger.exception("loading %s failed", family)
                    self.failed[family] = _as_fault(family, problem)
                    raise self.failed[family] from problem
            return self.loaded[family]

    def fetch(self, family: str, try_out: Callable[[Backend], None]) -> None:
        """Begin to load a backend and to run it once; whoever asks for it meanwhile is not kept waiting."""
        if family not in self.coming and family not in self.loaded and family not in self.failed:
            wanted = family, self.models[family], try_out
            thread = threading.Thread(target=self._fetch, args=wanted, name=f"load {family}", daemon=True)
            self.coming[family] = thread
            thread.start()

    def join(self) -> None:
        """Wait until nothing is being loaded aside."""
        for thread in list(self.coming.values()):
            thread.join()

    def replace(self, models: Mapping[str, ModelRequest]) -> list[str]:
        """Take new models; a family whose model changed is loaded again when next wanted. Returns those families."""
        changed = [family for family in models if models[family] != self.models[family]]
        self.models = dict(models)
        for family in changed:
            self.loaded.pop(family, None)
            self.failed.pop(family, None)
            self.coming.pop(family, None)  # nobody waits for the older one
        return changed

    def unload(self) -> bool:
        """Drop what is loaded, to be loaded again when next wanted; False when nothing is."""
        dropped = [self.loaded.pop(family) for family in list(self.loaded)]
        had = bool(dropped)
        del dropped
        gc.collect()
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):  # not every C library can give its free pages back
                ctypes.CDLL(None).malloc_trim(0)
        return had

    def _fetch(self, family: str, model: ModelRequest, try_out: Callable[[Backend], None]) -> None:
        try:
            backend = self.create(family, model)
            try_out(backend)
        except ModelError as problem:
            if self.models[family] == model:
                self.failed[family] = problem
        except Exception as problem:
            logger.exception("loading %s failed", family)
            if self.models[family] != model:
                return  # the settings name another one by now
            self.failed[family] = _as_fault(family, problem)
        else:
            self.loaded.setdefault(family, backend)
            if self.models[family] != model and self.loaded.get(family) is backend:
                self.loaded.pop(family, None)  # looked at last: the settings may change at any moment
        finally:
            if self.coming.get(family) is threading.current_thread():
                del self.coming[family]


def _as_fault(family: str, problem: Exception) -> ModelError:
    """Name what went wrong and the remedy, where no reader of the files could."""
    if isinstance(problem, MemoryError):
        return ModelError(
            f"there is not enough memory to load {family}; close other programs, or name a smaller model, "
            f"then restart the server"
        )
    return ModelError(f"loading {family} failed: {problem!r}; `fim-lsp doctor` tells more")
