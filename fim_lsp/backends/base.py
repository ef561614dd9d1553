"""The seam to a model: one method, and what it may spend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from fim_lsp.backends.calibration import Calibration
from fim_lsp.domain import Cancel, FimRequest, Meter, Suggestion, TokenEstimate


class Endpoint(NamedTuple):
    """A server that has a model, and how it is asked; the settings say what each field may be."""

    url: str = ""
    kind: str = "auto"
    model: str = ""
    format: str = "suffix"
    key_variable: str = ""


class ModelRequest(NamedTuple):
    """What a family is to be loaded from, and how it is to be held."""

    model: str = ""  # folder; "": the shipped weights
    bits: int = 8  # of a decoder's weight in memory
    cache_mb: int = 64  # for a decoder's keys and values
    adapter: str = ""  # folder of a decoder's low-rank part for a repository; "": none
    endpoint: Endpoint = Endpoint()  # of a model that is elsewhere


class Density(NamedTuple):
    """Characters of a token: a little low for a prefix, so that a window seldom needs clamping; a suffix is cut at
    its far end, where clamping by tokens costs nothing."""

    usual: float = 3.5  # of Python under a code vocabulary
    most: float = 4.5


CODE = Density()


@dataclass(frozen=True)
class Budget:
    """How much text around the cursor a backend reads, in characters."""

    prefix_chars: int
    suffix_chars: int

    @classmethod
    def of_tokens(cls, prefix: int, suffix: int, density: Density = CODE) -> Budget:
        """Return the characters that so many tokens of prefix and of suffix take."""
        return cls(int(prefix * density.usual), int(suffix * density.most))


class Backend(Protocol):
    """A family of models behind `generate`."""

    name: str
    budget: Budget
    has_prefix_cache: bool  # what it reads for one request serves the next one near it
    calibration: Calibration | None  # what makes its log-probabilities a probability; None: the mean stands as it is

    def generate(self, request: FimRequest, cancel: Cancel, meter: Meter) -> Iterator[Iterator[Suggestion]]:
        """Yield one stream per candidate; a stream yields ever better drafts and its last one is the answer.

        Drafts are whole texts, not pieces. A stream that is closed stops decoding. `cancel` and the limits'
        deadline are looked at between steps and between chunks of a prefill.
        """
        ...

    def generate_alternatives(
        self, request: FimRequest, said: str, cancel: Cancel, meter: Meter
    ) -> Iterator[Iterator[Suggestion]]:
        """Yield streams as `generate` does, one for each likely first character but that of `said`, the answer so far.

        Probabilities are those given that character. A backend that keeps nothing between requests yields none.
        """
        ...

    def estimate(self, request: FimRequest) -> TokenEstimate:
        """Say what a request would take, without running anything and without changing what is kept."""
        ...

    def forget(self) -> None:
        """Drop what is kept between requests."""
        ...


@runtime_checkable
class SharesReader(Protocol):
    """A backend whose prompts a reader reads, which another backend may share: then one of them runs at a time."""

    reader: object


@runtime_checkable
class FillsInPasses(Protocol):
    """A backend that fills a span in as many passes as it is told, fewer for latency and more for quality."""

    def with_passes(self, passes: int) -> Backend:
        """Return the same model with another number of passes at most."""
        ...


@runtime_checkable
class Served(Protocol):
    """A backend whose model is elsewhere: what it sends leaves this machine, and a local one may have to stand in."""

    host: str

    def resting(self) -> str:
        """Say why it is not asked now, "" when it may be."""
        ...
