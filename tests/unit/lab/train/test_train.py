"""Training at toy size: a run that is killed goes on where it was, and something is learnt."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice

import pytest
import torch

from fim_lsp.errors import InputError, ModelCorrupt
from fim_lsp.lab.train import machine
from fim_lsp.lab.train.shards import ShardReader, write
from tests.unit.lab.train import toy

ROWS = 40


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Two shards of rows with a rule to learn: a fill counts on from what stands left of it."""
    folder, draw = tmp_path_factory.mktemp("shards"), random.Random(1)
    for number in range(2):
        rows = []
        for _ in range(ROWS):
            start = draw.randrange(8, 40)
            line = [start + n % 16 for n in range(40)]
            rows.append([line[:16], line[16:20], line[20:]])
        write(folder / f"{number:05}.safetensors.zst", rows, [0] * ROWS)
    return folder


def losses(run):
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


@pytest.mark.parametrize("family", ["gpt", "bert"])
def test_kill_9_and_resume_give_the_curve_of_a_run_left_alone(family, shards, tmp_path):
    toy.main(family, str(tmp_path / "whole"), str(shards))
    whole, run = losses(tmp_path / "whole"), tmp_path / "killed"
    assert len(whole) > 8
    command = [sys.executable, "-m", "tests.unit.lab.train.toy", family, str(run), str(shards)]
    with subprocess.Popen([*command, "--slow"]) as process:
        end = time.monotonic() + 60
        while not (run / "log.jsonl").exists() or len(losses(run)) < 4:
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()
    assert len(losses(run)) < len(whole)
    subprocess.run([*command, "--resume"], check=True)
    assert losses(run) == whole
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines() if '"loss"' in line]
    assert steps == sorted(set(steps))


def test_a_run_goes_on_in_the_type_it_began_with(shards, tmp_path, monkeypatch):
    rates = {torch.float32: 1.0, torch.bfloat16: 2.0}
    monkeypatch.setattr(machine, "matmul_rate", lambda width, device, dtype: rates[dtype])
    begun = toy.trainer("gpt", tmp_path / "run", shards)
    begun.settings = replace(begun.settings, dtype="")
    begun.train(lambda line, done: None)
    assert begun.dtype is torch.bfloat16
    rates[torch.float32] = 3.0  # the machine does other things now
    resumed = toy.trainer("gpt", tmp_path / "run", shards)
    resumed.settings = begun.settings
    resumed.resume()
    resumed.train(lambda line, done: None)
    assert resumed.dtype is torch.bfloat16


@pytest.mark.parametrize("family", ["gpt", "bert"])
def test_the_loss_falls(family, shards, tmp_path):
    toy.main(family, str(tmp_path / "run"), str(shards))
    curve = list(losses(tmp_path / "run").values())
    assert sum(curve[-3:]) < 0.9 * sum(curve[:3])


def test_shards_give_back_their_rows_from_any_row_on(tmp_path):
    rows = [[[1, 2], [], [3]], [[], [65_535], []], [[7]]]
    write(tmp_path / "00000.safetensors.zst", rows, [0, 1])
    write(tmp_path / "00001.safetensors.zst", rows[:1], [2])
    all_rows = [*rows, rows[0]]
    reader = ShardReader(tmp_path)
    for start in range(9):
        assert list(islice(reader.rows(start), 6)) == [all_rows[(start + n) % 4] for n in range(6)]


def test_shards_that_are_not_there_or_broken_are_named(tmp_path):
    with pytest.raises(InputError, match="token shards"):
        ShardReader(tmp_path)
    (tmp_path / "00000.safetensors.zst").write_bytes(b"nonsense")
    with pytest.raises(ModelCorrupt, match=r"00000.*truncated or damaged"):
        ShardReader(tmp_path)
