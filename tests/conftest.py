"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import Client

TAKE_MINUTES = ("adapt", "cluster", "fuzz", "release", "typing", "wheel")
ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes unless it is asked for by its mark."""
    for mark in (mark for mark in TAKE_MINUTES if mark not in config.option.markexpr):
        for item in items:
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"takes minutes: -m {mark}"))


@pytest.fixture(autouse=True, scope="session")
def own_counts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the suite's servers count out of the data folder of who runs it."""
    os.environ["FIM_LSP_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A started server that answers from its script, not from a model; every id must be answered in the end."""
    with Client.fake(tmp_path) as running:
        yield running
    running.check_clean()


@pytest.fixture(scope="session")
def decoder():
    """The shipped decoder behind the pipeline."""
    from fim_lsp.backends import create
    from fim_lsp.pipeline.completer import Completer
    from fim_lsp.settings import Config

    completer = Completer(Config(backend="gpt", deadline_ms=60_000), create)
    completer.warm_up()
    return completer
