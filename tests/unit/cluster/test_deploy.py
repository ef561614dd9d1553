"""The files for Docker and Kubernetes name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml

from fim_lsp import __version__
from fim_lsp.cli.app import app
from fim_lsp.cluster.plan import ClusterPlan, EntryRules
from fim_lsp.http.tokens import MARK

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
SERVICE = yaml.safe_load((DEPLOY / "rayservice.yaml").read_text(encoding="utf-8"))["spec"]
SERVE = yaml.safe_load(SERVICE["serveConfigV2"])


def test_the_serve_configuration_is_a_plan_of_ours():
    (application,) = SERVE["applications"]
    plan = ClusterPlan.read(application["args"])
    assert plan.least == 4
    (gateway,) = application["deployments"]
    entry = EntryRules.read(gateway["user_config"])
    assert gateway["name"] == "gateway"
    assert all(digest.startswith(MARK) and len(digest) == len(MARK) + 64 for digest in entry.tokens)


def test_its_import_path_is_a_function_of_ours():
    module, _, name = SERVE["applications"][0]["import_path"].partition(":")
    source = DEPLOY.parent / f"{module.replace('.', '/')}.py"
    assert f"\ndef {name}(" in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", ["compose.yaml", "rayservice.yaml", "Dockerfile"])
def test_versions_are_this_ones(file):
    named = re.findall(r"fim-lsp-cluster:([\d.]+)", (DEPLOY / file).read_text(encoding="utf-8"))
    assert named and set(named) == {__version__}


def test_ray_is_the_one_that_is_tested():
    pinned = (DEPLOY.parent / "constraints.txt").read_text(encoding="utf-8")
    assert f"\nray=={SERVICE['rayClusterConfig']['rayVersion']} " in pinned


def test_the_command_of_the_compose_file_has_its_options():
    head = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["head"]
    said = re.search(r"fim-lsp cluster up (.*?) &&", " ".join(head["command"]))[1]
    known = {name for one in typer.main.get_command(app).commands["cluster"].commands["up"].params for name in one.opts}
    assert {word for word in said.split() if word.startswith("--")} <= known
    assert "--tokens" in said and head["secrets"] == ["tokens"]
