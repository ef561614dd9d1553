"""Two Ray nodes on this machine, begun once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.lab import Cluster
from tests.http_server import free_port

ROOT = Path(__file__).resolve().parents[2]
CORES_OF_A_NODE = 2  # as Ray counts: two decoders and room for their successors


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[int]:
    """A head and a worker; yields the port at which the application is going to listen."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    import ray
    from ray import serve
    from ray.cluster_utils import Cluster as Nodes

    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": CORES_OF_A_NODE, "include_dashboard": False})
    nodes.add_node(num_cpus=CORES_OF_A_NODE)
    ray.init(address=nodes.address, log_to_driver=False)
    port = free_port()
    serve.start(proxy_location="HeadOnly", http_options={"port": port})  # both nodes have one address
    yield port
    serve.shutdown()
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def cluster(two_nodes: int, tmp_path: Path) -> Cluster:
    return Cluster(two_nodes, tmp_path / "journal")
