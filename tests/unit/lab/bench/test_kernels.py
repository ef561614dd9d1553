"""The kernels' benchmark with a small model and a llama-bench that says what it is told to."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from rich.console import Console

from fim_lsp import machine
from fim_lsp.errors import ConfigError
from fim_lsp.lab.bench import kernels

PEAK = {"read_gb_s": 30.0, "int8_gop_s": 800.0, "matmul_gop_s": 800.0}
SCRIPT = """#!{python}
import json, sys
kind = "Q8_0" if "q8" in sys.argv[sys.argv.index("-m") + 1] else "BF16"
if "broken" in sys.argv[2]:
    sys.exit("no such file")
rows = [{{"n_gen": 0, "avg_ts": 500.0}}, {{"n_gen": 64, "avg_ts": 100.0}}]
print(json.dumps([row | {{"model_type": f"llama {{kind}}", "model_size": 1000}} for row in rows]))
"""


@pytest.fixture
def model(tmp_path):
    import transformers

    sizes = {"vocab_size": 96, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512}
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **heads)).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "llama-bench"
    path.write_text(SCRIPT.format(python=sys.executable))
    path.chmod(0o755)
    return path


def test_rounds_become_medians_shares_and_ratios(model, program, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "peak", lambda: PEAK)
    told = []
    files = [tmp_path / "q8.gguf", tmp_path / "wide.gguf"]
    report = kernels.measure(model, files, program, 2, told.append)
    assert told == ["round 1 of 2", "round 2 of 2"]
    names = [engine["name"] for engine in report["engines"]]
    assert names[-2:] == ["llama.cpp Q8_0", "llama.cpp BF16"]
    ours = report["engines"][0]
    assert ours["share_of_bandwidth"] == pytest.approx(ours["decode_tok_s"] * ours["weight_bytes"] / 30e9, abs=0.001)
    equal = [one for one in report["ratios"] if one["what"] == "decode"]
    assert {one["theirs"] for one in equal} == {"llama.cpp Q8_0"}  # never int8 against sixteen bits
    assert equal[0]["ratio"] == pytest.approx(ours["decode_tok_s"] / 100, abs=0.01)
    kernels.show(Console(quiet=True), report)
    json.dumps(report)


def test_a_program_that_fails_is_named(model, program, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "peak", lambda: PEAK)
    with pytest.raises(ConfigError, match=r"llama-bench failed on .*broken"):
        kernels.measure(model, [tmp_path / "broken"], program, 1, lambda what: None)
