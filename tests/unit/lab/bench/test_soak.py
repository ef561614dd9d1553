"""Typing without a rest through a real server: every id is answered, memory stays, and the report says so."""

from __future__ import annotations

import json
import re
import sys

import pytest
from typer.testing import CliRunner

from fim_lsp.cli.app import app
from fim_lsp.lab.bench import soak
from fim_lsp.lab.bench.latency.editor import Ask
from fim_lsp.lab.bench.latency.lsp_server import LspEditor
from fim_lsp.lab.bench.latency.traces import read
from tests.unit.lab.bench.latency.test_replay import FAKE_SERVER

SHORT_MIN = 20 / 60
GROWTH_MOST_PERCENT = 25  # of twenty seconds, in which what is kept of places still fills; an hour's bar is 5


def test_twenty_seconds_leave_nothing_unanswered_and_little_behind(tmp_path):
    command = [sys.executable, str(FAKE_SERVER), "--texts", '["value + 1"]']
    editor = LspEditor("fim-lsp", command=command, trace_file=tmp_path / "trace.jsonl", settings={"metrics": False})
    report = json.loads(json.dumps(soak.run(editor, read()[:3], SHORT_MIN, 8)))
    assert report["unanswered"] == 0
    assert report["requests"] == sum(part["requests"] for part in report["parts"]) > 100
    assert len(report["memory"]) > 10
    assert report["memory_growth_percent"] < GROWTH_MOST_PERCENT
    assert editor.document != read()[0].begun(), "it was typed"


def test_the_last_sixth_is_held_against_the_first():
    asks = [Ask("t", "key", 0, 0, answered_ms=10.0 + n) for n in range(60)]
    seconds = [float(n) for n in range(60)]
    parts = soak._sum_up(asks, seconds, [(float(n), 100.0 + n) for n in range(60)], 60)
    assert [part["requests"] for part in parts] == [10] * 6
    assert (parts[0]["estimated_ms"]["p95"], parts[-1]["estimated_ms"]["p95"]) == (19, 69)
    assert soak._growth(parts[0]["memory_mb"], parts[-1]["memory_mb"]) == pytest.approx(100 * 50 / 104.5, abs=0.01)
    assert soak._growth(None, 1.0) is None


@pytest.mark.model
def test_the_command_writes_report_and_picture(tmp_path):
    said = CliRunner().invoke(
        app, ["bench", "soak", "--minutes", "0.1", "--json", str(tmp_path / "a.json"), "--svg", str(tmp_path / "a.svg")]
    )
    assert said.exit_code == 0, said.output
    assert "last sixth against the first" in said.output
    report = json.loads((tmp_path / "a.json").read_text())
    assert report["unanswered"] == 0
    assert re.search(r"<svg role=.img.", (tmp_path / "a.svg").read_text())
