"""The Ray Serve application: gateways before decoders. `build` is what a Serve configuration's `import_path` names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve import metrics
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from fim_lsp.cluster import notes
from fim_lsp.cluster.far import FarDecoder, ReplicaLost
from fim_lsp.cluster.gateway import Entrance
from fim_lsp.cluster.plan import FALLBACKS, MOST_AT_ONE, ClusterPlan, EntryRules
from fim_lsp.cluster.replica import DecoderReplica, MakeCompleter, load
from fim_lsp.domain import Outcome, Snapshot
from fim_lsp.http.fault import Fault

NAME = "fim-lsp"
RING = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
TRY_AGAIN_S = 0.01  # where all decoders of a session are full
MOST_WAITING = 200  # at one gateway, while all decoders are full
MOST_AT_GATEWAY = 500
BUSY = 0.75  # requests at a decoder, waiting ones among them, that more decoders are started for; decision 39
HEALTH_S = 1.0  # a dead decoder is seen within it
LOADING_S = 30.0
TRIES_TO_LOAD = 3


class Gateway:
    """The endpoint of http/, as a deployment."""

    def __init__(self, decoders: DeploymentHandle, patience_s: float, entry: Mapping[str, Any]):
        note = Meters()
        self.entrance = Entrance(EntryRules.read(entry), note)
        self.decoder = FarDecoder(Sender(decoders), patience_s, note)

    def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Take other tokens, names and rates, without a restart."""
        self.entrance.change(EntryRules.read(user_config))

    def __serve_build_asgi_app__(self) -> Any:
        return self.entrance.app(self.decoder)


class Sender:
    """Send a snapshot by a handle, and put what goes wrong in our words."""

    def __init__(self, decoders: DeploymentHandle):
        self.decoders = decoders

    async def __call__(self, key: str, snap: Snapshot) -> Outcome:
        """Return the outcome of the session's decoder; raises ReplicaLost, Fault."""
        asked = self.decoders.options(session_id=key).complete.remote(key, snap)
        try:
            outcome: Outcome = await asked
            return outcome
        except RayActorError as problem:
            raise ReplicaLost(str(problem)) from None
        except (BackPressureError, DeploymentUnavailableError) as problem:
            raise Fault(503, f"too many are waiting for a decoder: {problem}") from None
        except RayTaskError as problem:
            raise (problem.cause if isinstance(problem.cause, Fault) else problem) from None
        except asyncio.CancelledError:
            asked.cancel()
            raise


class Meters:
    """Prometheus meters by Ray's exporter."""

    def __init__(self) -> None:
        self.counters = {name: metrics.Counter(name, *about) for name, about in notes.COUNTERS.items()}
        self.histograms = {
            name: metrics.Histogram(name, about, boundaries=notes.BOUNDARIES_MS)
            for name, about in notes.HISTOGRAMS.items()
        }

    def __call__(self, name: str, value: float = 1.0, **tags: str) -> None:
        if name in self.counters:
            self.counters[name].inc(value, tags=tags)
        else:
            self.histograms[name].observe(value, tags=tags)


class MeteredReplica(DecoderReplica):
    """A decoder that tells Ray's exporter."""

    def __init__(self, make: MakeCompleter, settings: Mapping[str, Any], cores: int):
        super().__init__(make, settings, cores, Meters())


def make_application(plan: ClusterPlan, make: MakeCompleter = load) -> serve.Application:
    """Return the application of a plan."""
    decoders = serve.deployment(MeteredReplica, name="decoder").options(
        autoscaling_config=AutoscalingConfig(
            min_replicas=plan.least,
            max_replicas=plan.most,
            target_ongoing_requests=BUSY,
            upscale_delay_s=5,
            downscale_delay_s=300,  # sessions move when a decoder goes
        ),
        ray_actor_options={"num_cpus": plan.cores},
        max_ongoing_requests=MOST_AT_ONE,
        max_queued_requests=MOST_WAITING,
        request_router_config=RequestRouterConfig(
            request_router_class=RING,
            request_router_kwargs={"num_fallback_replicas": FALLBACKS},
            initial_backoff_s=TRY_AGAIN_S,
            backoff_multiplier=1.5,
            max_backoff_s=3 * TRY_AGAIN_S,  # Ray's half a second is longer than a keystroke: decoders would rest
        ),
        health_check_period_s=HEALTH_S,
        health_check_timeout_s=LOADING_S,
        graceful_shutdown_timeout_s=plan.patience_s,
        graceful_shutdown_wait_loop_s=0.1,
        max_surge_percent=plan.surge,
        max_constructor_retry_count=TRIES_TO_LOAD,
    )
    gateways = serve.deployment(serve.ingress()(Gateway), name="gateway").options(
        num_replicas=plan.gateways,
        ray_actor_options={"num_cpus": plan.gateway_cores},
        max_ongoing_requests=MOST_AT_GATEWAY,
        user_config=asdict(plan.entry),
        health_check_period_s=HEALTH_S,
        graceful_shutdown_timeout_s=2 * plan.patience_s,
        graceful_shutdown_wait_loop_s=0.1,
        max_surge_percent=plan.surge,
    )
    bound = decoders.bind(make, dict(plan.settings), plan.cores)
    application: serve.Application = gateways.bind(bound, plan.patience_s, asdict(plan.entry))
    return application


def build(args: Mapping[str, Any]) -> serve.Application:
    """Return the application that a Serve configuration's `args` describe; raises ConfigError."""
    return make_application(ClusterPlan.read(args))
