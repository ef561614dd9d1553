"""A toy decoder adapts to a toy repository: from files to an adapter that is served there, or to nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from fim_lsp.backends import create
from fim_lsp.checkpoints import adapters
from fim_lsp.cli.app import app
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.errors import InputError, ModelMismatch
from fim_lsp.lab.adapt import run
from fim_lsp.lab.adapt.run import Adapting, Pace, Told
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.unit.lab.adapt.toy import source, write_decoder, write_repository

QUICK = Pace(rows=160, rank=8, length=192, batch=4, rate=2e-2, checks=4, check_steps=10, of_kind=3, compile=False)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory) -> Path:
    return write_decoder(tmp_path_factory.mktemp("decoder"))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    return write_repository(tmp_path / "repo")


def told(stop: Event | None = None, steps: list | None = None, most: int = 10**9) -> Told:
    stop, steps = stop or Event(), steps if steps is not None else []

    def step(line, done):
        steps.append(line)
        if len(steps) == most:
            stop.set()

    return Told(step, lambda what, done, of: None, lambda why: None, stop)


def config(decoder: Path) -> Config:
    return Config(gpt_model=str(decoder))


def test_what_helps_is_kept_and_served_in_that_repository_alone(decoder, root, tmp_path):
    verdict = Adapting(root, config(decoder), QUICK).adapt(told(), regardless=True)
    assert verdict is not None and verdict.has_helped, verdict and verdict.notes()
    made = adapters.get(root)
    assert made is not None
    assert made.notes["holes"] == len(verdict.before)
    assert {path.name for path in made.folder.iterdir()} == {"adapter.json", "adapter.safetensors"}

    snap = Snapshot("file:x", 0, "python", source(3) + "def area(width, height):\n    return ", len(source(3)) + 36)
    completer = Completer(Config(backend="gpt", gpt_model=str(decoder), deadline_ms=60_000), create)
    assert completer.open([root])
    inside = completer.complete(snap, Cancel())
    assert inside.why.endswith("; adapted to repo")
    assert completer.open([tmp_path])
    outside = completer.complete(snap, Cancel())
    assert "adapted" not in outside.why
    assert [one.log_probs for one in inside.suggestions] != [one.log_probs for one in outside.suggestions]
    completer.configure(Config(backend="gpt", gpt_model=str(decoder), adapter="off"))
    assert not completer.open([root]), "off is off"


def test_what_does_not_help_leaves_nothing_behind(decoder, root):
    still = Pace(**vars(QUICK) | {"rate": 0.0, "rows": 8})
    verdict = Adapting(root, config(decoder), still).adapt(told(), regardless=True)
    assert verdict is not None and not verdict.has_helped
    assert not adapters.folder_of(root).exists()


def test_one_that_was_stopped_goes_on_where_it_was(decoder, root):
    first: list = []
    assert Adapting(root, config(decoder), QUICK).adapt(told(steps=first, most=3), regardless=True) is None
    runner = CliRunner()
    assert "after step 3" in runner.invoke(app, ["adapt", str(root), "--status"]).output
    judged = (adapters.folder_of(root) / adapters.RUN / run.BEFORE).stat().st_mtime_ns

    later: list = []
    going_on = Adapting(root, config(decoder), Pace(rows=99))
    assert going_on.pace == QUICK, "it goes on as it was begun"
    assert going_on.adapt(told(steps=later, most=2), regardless=True) is None
    assert [line["step"] for line in first + later] == [1, 2, 3, 4, 5]
    assert (adapters.folder_of(root) / adapters.RUN / run.BEFORE).stat().st_mtime_ns == judged
    (root / "file_9.py").write_text(source(99))
    Adapting(root, config(decoder), QUICK).adapt(told(most=1), regardless=True)
    assert (adapters.folder_of(root) / adapters.RUN / run.BEFORE).stat().st_mtime_ns > judged, "these are other holes"
    assert runner.invoke(app, ["adapt", str(root), "--remove"]).exit_code == 0
    assert not adapters.folder_of(root).exists()


def test_other_weights_begin_anew(decoder, root):
    Adapting(root, config(decoder), QUICK).adapt(told(most=1), regardless=True)
    record = adapters.folder_of(root) / adapters.RUN / run.RECORD
    record.write_text(json.dumps(json.loads(record.read_text()) | {"decoder": "of other weights"}))
    steps: list = []
    Adapting(root, config(decoder), QUICK).adapt(told(steps=steps, most=1), regardless=True)
    assert [line["step"] for line in steps] == [1]


def test_a_folder_that_holds_too_little_leaves_nothing_behind(decoder, root):
    for path in list(root.iterdir())[1:]:
        path.unlink()
    with pytest.raises(InputError, match="too little"):
        Adapting(root, config(decoder), QUICK)
    assert not adapters.folder_of(root).exists()


def test_a_decoder_that_was_not_taught_to_fill_in_is_refused(decoder, root, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    for path in decoder.iterdir():
        (plain / path.name).write_bytes(path.read_bytes())
    words = json.loads((plain / "tokenizer.json").read_text().replace("fim_", "no_").replace("file_sep", "other"))
    (plain / "tokenizer.json").write_text(json.dumps(words))
    raw = json.loads((plain / "config.json").read_text())
    del raw["fim"]
    (plain / "config.json").write_text(json.dumps(raw))
    with pytest.raises(ModelMismatch, match="sentinels"):
        Adapting(root, config(plain), QUICK)


def test_a_folder_that_is_none_is_named():
    found = CliRunner().invoke(app, ["adapt", "/nowhere/at/all"])
    assert found.exit_code == InputError.exit_code
    assert "is no folder" in found.output


def test_an_adapter_that_is_damaged_is_left_out_with_a_warning(decoder, root, caplog):
    Adapting(root, config(decoder), QUICK).adapt(told(), regardless=True)
    made = adapters.get(root)
    assert made is not None
    (made.folder / adapters.WEIGHTS).write_bytes(b"no weights")
    completer = Completer(Config(backend="gpt", gpt_model=str(decoder)), create)
    completer.open([root])
    assert completer.warm_up()[0] == "gpt"
    assert "the adapter in" in caplog.text
