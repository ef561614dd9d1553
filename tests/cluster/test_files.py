"""The Serve configuration for Kubernetes, as Ray reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.cluster

FILE = Path(__file__).resolve().parents[2] / "deploy/rayservice.yaml"


def test_ray_takes_the_serve_configuration_and_it_builds():
    from ray.serve.schema import ServeDeploySchema

    from fim_lsp.cluster.application import build

    written = yaml.safe_load(yaml.safe_load(FILE.read_text(encoding="utf-8"))["spec"]["serveConfigV2"])
    (application,) = ServeDeploySchema.model_validate(written).applications
    assert {one.name for one in application.deployments} == {"gateway"}
    assert build(application.args)._bound_deployment.name == "gateway"
