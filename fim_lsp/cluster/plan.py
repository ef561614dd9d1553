"""What a cluster is to be, as plain values: options of the command line, or `args` of a Serve configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fim_lsp.errors import ConfigError

MOST_AT_ONE = 3  # requests at a decoder, waiting or running; more go to the next on the ring
FALLBACKS = 2  # decoders on the ring after one's own
RATE = "20/second"  # a fast typist presses eight keys a second


@dataclass(frozen=True)
class EntryRules:
    """Who may enter a gateway, and how often; changed while it runs."""

    tokens: Mapping[str, str] = field(default_factory=dict)  # owners by digest; "" for one that all share
    hosts: tuple[str, ...] = ()  # names that a Host header may have, besides localhost and addresses
    rate: str = RATE  # of one owner, as `limits` spells it; "" for no limit
    storage: str = "async+memory://"  # where the counts are; in memory each gateway counts for itself

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> EntryRules:
        """Read a Serve `user_config`; raises ConfigError."""
        known = _known(cls, given, "the gateway's user_config")
        return cls(**known | {"hosts": tuple(known.get("hosts", ()))})


@dataclass(frozen=True)
class ClusterPlan:
    """How many decoders there are, with which settings, and who may ask them."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # of fim-lsp, as in its TOML file
    least: int = 1  # decoders
    most: int = 1
    gateways: int = 1
    cores: int = 1  # of a decoder: Ray's resources and the engine's threads
    gateway_cores: float = 0.2
    surge: int = 25  # percent more of each while they are replaced; 0 where no core is free, and old ones go first
    patience_s: float = 5.0  # for an answer, whatever becomes of decoders; after it the answer is empty
    entry: EntryRules = EntryRules()

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> ClusterPlan:
        """Read the `args` of a Serve configuration; raises ConfigError."""
        known = _known(cls, given, "args")
        plan = cls(**known | {"entry": EntryRules.read(known.get("entry", {}))})
        if not 1 <= plan.least <= plan.most or plan.gateways < 1 or plan.cores < 1:
            raise ConfigError("args: 1 ≤ least ≤ most, and gateways and cores from 1 on")
        return plan

    @property
    def least_cores(self) -> float:
        return self.least * self.cores + self.gateways * self.gateway_cores

    def within(self, cores: float) -> ClusterPlan:
        """Return the plan as a cluster of so many cores can run it; raises ConfigError.

        Where none is free for new decoders beside old ones, old ones are going to end first.
        """
        if self.least_cores > cores:
            raise ConfigError(
                f"{self.least} decoders of {self.cores} cores and {self.gateways} gateways of {self.gateway_cores:g} "
                f"take {self.least_cores:g} cores, and the cluster has {cores:g}: fewer --decoders, or more nodes"
            )
        most = sum(
            (many + math.ceil(many * self.surge / 100)) * each
            for many, each in ((self.most, self.cores), (self.gateways, self.gateway_cores))
        )
        return self if most <= cores else replace(self, surge=0)


def _known(kind: type, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    if unknown := sorted(given.keys() - names):
        raise ConfigError(f"{where}: {unknown[0]} is not known; there are {', '.join(sorted(names))}")
    return dict(given)
