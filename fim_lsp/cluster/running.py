"""Start, describe and end a cluster from one machine; with Kubernetes, KubeRay does all this."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of ours calls home; Ray's reports would

import ray
from ray import serve

from fim_lsp.cluster.application import NAME, make_application
from fim_lsp.cluster.plan import ClusterPlan
from fim_lsp.cluster.replica import MakeCompleter, load
from fim_lsp.errors import ConfigError

LOCAL = "local"
JOINING_S = 30.0  # for nodes begun together with this one


@dataclass(frozen=True)
class ClusterState:
    """What Ray Serve says of the application."""

    status: str
    message: str = ""
    replicas: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by deployment, how many in which state


def join(address: str) -> None:
    """Join a Ray cluster, or begin one on this machine for "local"; raises ConfigError."""
    try:
        ray.init(
            address=address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level="error",
        )
    except (ConnectionError, RuntimeError, ValueError) as problem:
        raise ConfigError(
            f"--address {address}: no Ray cluster lets this machine in: {problem}; `ray start --head` begins one, and "
            "RAY_AUTH_MODE and RAY_AUTH_TOKEN must be the same on all nodes"
        ) from None


def start(plan: ClusterPlan, host: str, port: int, make: MakeCompleter = load) -> None:
    """Start the application, or replace the one that runs, one decoder after the other; raises ConfigError."""
    plan = plan.within(_cores(plan))
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port})
    try:
        serve.run(make_application(plan, make), name=NAME, logging_config={"enable_access_log": False})
    except RuntimeError as problem:
        raise ConfigError(f"the cluster did not start: {problem}") from None


def _cores(plan: ClusterPlan) -> float:
    """Return how many cores the cluster has; nodes that begin with it are waited for."""
    until = time.monotonic() + JOINING_S
    while (cores := float(ray.cluster_resources().get("CPU", 0))) < plan.least_cores and time.monotonic() < until:
        time.sleep(0.5)
    return cores


def state() -> ClusterState:
    """Describe the application."""
    found = serve.status().applications.get(NAME)
    if found is None:
        return ClusterState("not running")
    replicas = {name: dict[str, Any](one.replica_states) for name, one in found.deployments.items()}
    return ClusterState(str(found.status.value), found.message, replicas)


def stop() -> None:
    """End the application and Serve with it; the Ray cluster goes on."""
    serve.shutdown()
