"""What a person leaves moves what is shown unasked, where the settings allow it."""

from __future__ import annotations

import time

import pytest

from fim_lsp.cli.app import app
from fim_lsp.metrics import store
from fim_lsp.metrics.events import Shown
from tests.client import CODE, Client

pytestmark = pytest.mark.model


@pytest.fixture
def left(tmp_path, monkeypatch):
    """Two hundred suggestions of the decoder, shown an hour ago, of which none was taken."""
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    file = store.MetricsStore(store.kept_in())
    file.put([Shown(f"s{n}", time.time() - 3600, "python", "gpt", 9, n / 200) for n in range(200)])
    file.close()


def logged(tmp_path, **settings) -> list[str]:
    """Return what a server has logged when it has learnt, or would have; then ask it once."""
    with Client.real(tmp_path, settings={"backend": "gpt", **settings}) as client:
        client.start()
        client.until_ready()
        client.open(CODE)
        client.inline(1, 8)
        until = time.monotonic() + (60 if settings else 2)
        said = []
        while not said and time.monotonic() < until:
            told = [note["params"] for note in list(client.notes.queue) if note["method"] == "window/logMessage"]
            said = [one["message"] for one in told if "taken" in one["message"]]
            time.sleep(0.05)
    client.check_clean()
    return said


def test_it_is_learnt_said_and_taken_back(left, tmp_path):
    from typer.testing import CliRunner

    assert logged(tmp_path) == []
    (message,) = logged(tmp_path, learn=True)
    assert "of 200 suggestions of gpt 0% were taken" in message and "stats --unlearn" in message
    stats = CliRunner().invoke(app, ["stats"]).output
    assert "learnt from 200 suggestions, 0 % of them taken" in stats
    assert CliRunner().invoke(app, ["stats", "--unlearn"]).exit_code == 0
    assert "learnt from" not in CliRunner().invoke(app, ["stats"]).output
