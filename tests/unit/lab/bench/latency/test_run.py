"""A whole run with scripted servers: the report, what is printed and drawn of it, and the command line."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fim_lsp.cli.app import app
from fim_lsp.errors import ModelError
from fim_lsp.lab.bench.latency import llama_server, probes, run, show
from fim_lsp.lab.bench.latency.llama_server import LlamaEditor
from fim_lsp.lab.bench.latency.lsp_server import LspEditor
from fim_lsp.lab.bench.latency.traces import read
from tests.unit.lab.bench.latency import scripted_llama
from tests.unit.lab.bench.latency.test_replay import FAKE_SERVER, FAST, TEXT, trace


def make_lsp_editor(file):
    command = [sys.executable, str(FAKE_SERVER), "--texts", '["return first + second"]']
    return LspEditor("fim-lsp", command=command, trace_file=file, settings={"backend": "gpt"})


@pytest.fixture(scope="module")
def report():
    with pytest.MonkeyPatch.context() as patch, scripted_llama.serving(lambda body: "None") as (address, _):
        patch.setattr(probes, "LAUNCHES", 1)
        patch.setattr(probes, "ASKED_MOST", 2)
        make_llama_editor = lambda: LlamaEditor("llama-server", address=address)  # noqa: E731
        traces = [trace(TEXT, "return first + second", "add(1, 2)")]
        return json.loads(json.dumps(run.run(traces, make_lsp_editor, make_llama_editor, threads=1, speed=FAST)))


def test_the_report_has_both_contenders(report):
    own, peer = report["contenders"]
    assert (own["name"], peer["name"]) == ("fim-lsp", "llama-server")
    for one in (own, peer):
        assert one["requests"] == one["answered"] + one["superseded"] == len(report["asks"][one["name"]])
        assert one["accepted_chars"] + one["typed_chars"] == len("return first + second" + "add(1, 2)")
    assert report["cold_start"]["fim-lsp"]["initialize_ms"] > 0
    assert report["cold_start"]["fim-lsp"]["first_suggestion_ms"] >= report["cold_start"]["fim-lsp"]["initialize_ms"]
    assert report["machine"]["threads"] == 1
    assert own["peak_mb"] > 10


def test_warming_up_and_probing_are_not_counted(report):
    assert {ask["trace"] for asks in report["asks"].values() for ask in asks} == {"t"}


def test_every_key_of_the_report_is_explained(report):
    page = (FAKE_SERVER.parents[1] / "docs/latency.md").read_text(encoding="utf-8")
    keys = {*report, *report["contenders"][0], *report["contenders"][1], *report["asks"]["fim-lsp"][0]}
    assert not [key for key in keys if f"`{key}`" not in page]


def test_what_is_printed_names_both_and_their_ratio(report):
    console = Console(file=io.StringIO(), width=100)
    show.show(console, report)
    text = console.file.getvalue()
    assert "llama-server" in text and "ratio" in text and "characters accepted" in text
    alone = report | {"contenders": report["contenders"][:1], "ratios": None}
    console = Console(file=io.StringIO(), width=100)
    show.show(console, alone, is_missing=True)
    assert "brew install llama.cpp" in console.file.getvalue()


def test_the_picture_is_one_of_its_own(report):
    svg = show.draw(report)
    assert svg.startswith("<svg") and 'role="img"' in svg
    assert not re.search(r"""href\s*=\s*["']https?:""", svg)


def test_traces_can_be_written_anew(tmp_path):
    done = CliRunner().invoke(
        app, ["bench", "traces", "--out", str(tmp_path / "t.jsonl"), "--count", "2", "--seed", "5"]
    )
    assert done.exit_code == 0, done.output
    assert len(read(tmp_path / "t.jsonl")) == 2


def test_a_wrong_path_is_told_before_anything_is_measured(tmp_path):
    done = CliRunner().invoke(app, ["bench", "latency", "--llama-server", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "is not there" in done.output


def test_a_server_that_does_not_come_up_is_told(tmp_path):
    with pytest.raises(ModelError, match="did not come up"):
        llama_server.launch(Path(sys.executable), tmp_path / "none.gguf", 1, (), {})
