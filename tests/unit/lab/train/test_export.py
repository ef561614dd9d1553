"""A run written for others: the packed folder, a transformers folder and a GGUF say what the trunk says."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fim_lsp.checkpoints.config import read_config
from fim_lsp.errors import ConfigError
from fim_lsp.lab.train import export, gguf_file, runs, shards, warm
from fim_lsp.lab.train.loop import LoopSettings
from fim_lsp.nn.reference.tensors import read_tensors

HERE = Path(__file__).parent  # 16,384 tokens with the marks of StarCoder's family

SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A decoder as people publish them, small, with the shipped vocabulary."""
    import transformers

    folder = tmp_path_factory.mktemp("source")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(vocab_size=16384, num_key_value_heads=2, tie_word_embeddings=True, **SHAPE)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | {"fim": runs.FIM, "bos_token_id": 1, "eos_token_id": 2}))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(HERE / name, folder)
    return folder


@pytest.fixture(params=["gpt", "bert"])
def run(request, source, tmp_path) -> Path:
    """A run whose marks and weights have moved a little."""
    folder, corpus = tmp_path / "run", tmp_path / "corpus"
    corpus.mkdir()
    shards.write(corpus / "00000.safetensors.zst", [[[9, 10, 11], [12, 13], [14]]] * 64, [0] * 64)
    settings = LoopSettings(tokens=600, batch=4, compile=False, threads=1, validation_rows=4)
    record = runs.Record(request.param, str(corpus), str(source), False, (0, 1), 96, 32, 0.1, settings)
    runs.train(record, folder, shards.ShardReader(corpus), False, lambda line, done: None)
    return folder


def test_packed_and_transformers_folders_say_what_the_run_says(run, tmp_path):
    record, trunk, _ = runs.load(run)
    ids = torch.arange(20, 30)[None]
    causal = torch.full((10, 10), -torch.inf).triu(1)[None, None]
    mask = causal if record.family == "gpt" else torch.zeros(1, 1, 10, 10)
    expected = trunk.logits(trunk(ids, torch.arange(10)[None], mask)[0])
    for kind, tolerance in (("transformers", 1e-4), ("packed", 0.1)):
        report = export.export(run, kind, tmp_path / kind)
        assert report["step"] > 0
        again = warm.start(tmp_path / kind, range(2), trunk.own)
        said = again.logits(again(ids, torch.arange(10)[None], mask)[0])
        torch.testing.assert_close(said, expected, atol=tolerance, rtol=tolerance)
    assert sum(f.stat().st_size for f in (tmp_path / "packed").glob("*.safetensors")) < 3.6e6


def test_gguf_is_read_back_by_transformers_as_it_was(run, tmp_path):
    record, trunk, _ = runs.load(run)
    if record.family == "bert":
        with pytest.raises(ConfigError, match="GGUF is for decoders"):
            export.export(run, "gguf", tmp_path / "out")
        return
    export.export(run, "gguf", tmp_path / "out")
    folder = gguf_file.unpack(tmp_path / "out/model.gguf", tmp_path / "back")
    back = warm.start(folder, range(2), ())
    for name, parameter in trunk.named_parameters():
        torch.testing.assert_close(dict(back.named_parameters())[name], parameter, atol=2e-3, rtol=2e-3)
    import gguf

    fields = gguf.GGUFReader(tmp_path / "out/model.gguf").fields
    ids = json.loads((HERE / "tokenizer.json").read_text())
    by_name = {token["content"]: token["id"] for token in ids["added_tokens"]}
    for key, name in (("pre", "<fim_prefix>"), ("suf", "<fim_suffix>"), ("mid", "<fim_middle>")):
        assert int(fields[f"tokenizer.ggml.fim_{key}_token_id"].parts[-1][0]) == by_name[name]
    tokens = fields["tokenizer.ggml.tokens"]
    assert b"<reponame>" not in {bytes(tokens.parts[at]) for at in tokens.data}


def test_gguf_holds_eight_bit_blocks_when_asked(run, tmp_path):
    import gguf

    record, trunk, _ = runs.load(run)
    if record.family == "bert":
        return
    export.export(run, "gguf", tmp_path / "out", matrix_type="q8_0")
    tensors = {t.name: t for t in gguf.GGUFReader(tmp_path / "out/model.gguf").tensors}
    down = tensors["blk.0.ffn_down.weight"]
    assert down.tensor_type == gguf.GGMLQuantizationType.Q8_0
    back = torch.from_numpy(gguf.quants.dequantize(down.data, down.tensor_type))
    own = dict(trunk.named_parameters())["layers.0.mlp.down_proj.weight"]
    torch.testing.assert_close(back, own.float(), atol=0.01 * own.detach().abs().max().item(), rtol=0)
    with pytest.raises(ConfigError, match="there are f16, q8_0"):
        export.export(run, "gguf", tmp_path / "out", matrix_type="q3")


def test_a_models_folder_is_exported_as_it_stands(run, tmp_path):
    export.export(run, "transformers", tmp_path / "model")
    export.export(run, "packed", tmp_path / "directly")
    report = export.export(tmp_path / "model", "packed", tmp_path / "packed")
    assert report["step"] == 0
    own, directly = (read_tensors(folder) for folder in (tmp_path / "packed", tmp_path / "directly"))
    assert own.keys() == directly.keys()
    assert all(torch.equal(own[name], directly[name]) for name in own)


def test_an_infiller_goes_on_from_an_infiller(run, tmp_path):
    record, trunk, _ = runs.load(run)
    if record.family == "gpt":
        return
    export.export(run, "transformers", tmp_path / "first")
    assert read_config(tmp_path / "first").infill
    again = replace(record, source=str(tmp_path / "first")).trunk()
    torch.testing.assert_close(again.marks, trunk.marks)


def test_no_such_kind(run, tmp_path):
    with pytest.raises(ConfigError, match="packed, transformers or gguf"):
        export.export(run, "onnx", tmp_path / "out")
