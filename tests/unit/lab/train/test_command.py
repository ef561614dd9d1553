"""What the commands `fim-lsp train bert` and `gpt` make of their options."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from fim_lsp.cli.app import app
from fim_lsp.lab.train import plot, runs, shards
from fim_lsp.lab.train.loop import LoopSettings

OPTIONS = ["--layers", "0,1", "--tokens", "99", "--batch", "2", "--accumulate", "3", "--threads", "1", "--scratch"]


@pytest.mark.parametrize(
    ("family", "options", "length", "context", "weight", "rate"),
    [
        ("bert", ["--context", "20", "--length", "40"], 40, 20, 0.0, 8e-4),
        ("gpt", ["--context-weight", "0.5", "--length", "40"], 40, 0, 0.5, 3e-4),
    ],
)
def test_options_become_the_record_of_a_run(tmp_path, monkeypatch, family, options, length, context, weight, rate):
    begun = []
    monkeypatch.setattr(runs, "choose", lambda layers, start: tuple(map(int, layers.split(","))))
    monkeypatch.setattr(runs, "train", lambda record, out, reader, is_resumed, tell: begun.append(record))
    monkeypatch.setattr(plot, "draw", lambda out: None)
    monkeypatch.setattr(shards, "ShardReader", lambda folder: None)
    command = ["train", family, str(tmp_path), "--from", "model", "--out", str(tmp_path), "--no-compile", *OPTIONS]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 0, done.output
    pace = LoopSettings(tokens=99, batch=2, accumulate=3, rate=rate, threads=1, compile=False)
    assert begun == [
        runs.Record(family, str(tmp_path), "model", True, (0, 1), length, context, weight, pace),
    ]
