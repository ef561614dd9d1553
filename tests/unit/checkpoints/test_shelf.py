"""Decoders taken onto the shelf: the same numbers as from where they came, whole or not at all, and damage is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Regex

from fim_lsp.checkpoints import adding, gguf, intake, packing, shelf
from fim_lsp.checkpoints.arrays import TensorPart
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.config import read_config
from fim_lsp.checkpoints.gguf_words import SPLITS, read_words
from fim_lsp.checkpoints.licence import licence_of
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import InputError, ModelCorrupt, ModelMismatch, ModelMissing
from fim_lsp.lab.train import gguf_file
from fim_lsp.nn.native.layers import NativeDecoder
from tests.unit.checkpoints.fuzz import folders

IDS = list(range(1, 40))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("sources")
    folders.write_all(root)
    return root


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def write_gguf(folder: Path, config: dict, kind: str, tensors: dict | None = None) -> Path:
    """Write model.gguf of random weights, and beside it the tokenizer.json of its trained vocabulary."""
    import torch
    from tokenizers import Tokenizer as Inner
    from tokenizers import decoders, models, pre_tokenizers, trainers

    inner = Inner(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLITS["qwen2"][0]["pattern"]["Regex"]), "isolated")
    splits = {"qwen2": [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]}
    splits["llama"] = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Sequence(splits[config["model_type"]]), decoders.ByteLevel()
    alphabet, special = pre_tokenizers.ByteLevel.alphabet(), list(folders.SPECIAL[:5])
    trainer = trainers.BpeTrainer(vocab_size=folders.VOCAB, initial_alphabet=alphabet, special_tokens=special)
    inner.train_from_iterator(["def area(width, height):\n    return width * height\n" * 9], trainer)
    inner.save(str(folder / "tokenizer.json"))
    tensors = tensors or folders.random_tensors(config, "floats")
    torches = {name: torch.from_numpy(array) for name, array in tensors.items()}
    return gguf_file.write(folder, torches, config | {"fim": folders.FIM}, folder, kind)


def silent(what: str, done: int, of: int) -> None:
    """Tell nobody."""


def add(path: Path, name: str = "mine", bits: int = 8, tell=silent, check=lambda folder: {}) -> shelf.Shelved:
    return adding.add(path, name, bits, tell, check, {"source": str(path)})


def logits(folder: Path, bits: int = 8) -> np.ndarray:
    model = NativeDecoder.from_folder(folder, bits=bits)
    return model.forward(IDS, model.new_cache(64), rows=len(IDS))


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("source", ["floats", "rows"])
def test_a_folder_gives_the_same_numbers_as_before(sources, source, bits):
    model = add(sources / source, bits=bits)
    np.testing.assert_array_equal(logits(model.folder), logits(sources / source, bits))
    assert {path.name for path in model.folder.iterdir()} >= {"tokenizer.json", "config.json", "layers-001.safetensors"}


def test_weights_that_are_ready_are_copied(sources):
    model = add(sources / "ready")
    np.testing.assert_array_equal(logits(model.folder), logits(sources / "ready"))


def test_a_vocabulary_in_pieces_is_the_same(sources, monkeypatch):
    monkeypatch.setattr(intake, "PIECE", 64 * 64)
    model = add(sources / "floats")
    assert len(list(model.folder.glob("embedding-*.safetensors"))) == 5
    np.testing.assert_array_equal(logits(model.folder), logits(sources / "floats"))


def test_rounding_is_within_half_a_level():
    weight = np.random.default_rng(0).normal(size=(64, 128)).astype(np.float32)
    weight[3] = 0
    found = packing.rounded(TensorPart("F32", weight, None, None), 8)
    scale = found.step[:, None]
    assert (np.abs(found.levels * scale - weight) <= scale * 0.501).all()


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
@pytest.mark.parametrize(
    "config", [folders.LLAMA, folders.QWEN2 | {"tie_word_embeddings": False}], ids=["llama", "qwen2"]
)
def test_gguf_gives_the_numbers_that_it_holds(tmp_path, config, kind, monkeypatch):
    monkeypatch.setattr(intake, "BLOCK", 32 * 64)  # so that matrices are read in several blocks
    path = write_gguf(tmp_path, config, kind)
    raw, tensors = gguf.read(path)
    if kind == "f16":
        given = folders.random_tensors(config, "floats")
        halves = {name: one.astype(np.float16).astype(np.float32) for name, one in given.items() if one.ndim == 2}
        tensors = given | halves
    opened = tmp_path / "opened"
    opened.mkdir()
    shutil.copy(tmp_path / "tokenizer.json", opened)
    (opened / "config.json").write_text(json.dumps(raw))
    save_file(tensors, opened / "model.safetensors")
    model = add(path)
    np.testing.assert_array_equal(logits(model.folder), logits(opened))
    assert read_config(model.folder).tied is False


def test_a_vocabulary_that_gguf_holds_twice_is_kept_once(tmp_path):
    config = folders.QWEN2 | {"tie_word_embeddings": False}
    tensors = folders.random_tensors(config, "floats")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] * 1.02  # as another rounding of it would be
    model = add(write_gguf(tmp_path, config, "f16", tensors))
    assert read_config(model.folder).tied
    assert not list(model.folder.glob("head-*"))


@pytest.mark.parametrize(
    "text", ["def f(x):\n    return 'é'\n", "area = width  * 日本\t1234", "<|fim_prefix|> and <|endoftext|>"]
)
def test_gguf_brings_its_tokenizer(tmp_path, text):
    model = add(write_gguf(tmp_path, folders.QWEN2, "f16"))
    found, expected = Tokenizer.from_folder(model.folder), Tokenizer.from_folder(tmp_path)
    assert found.encode(text) == expected.encode(text)
    assert found.decode(found.encode(text)) == text
    assert found.sentinel("<|fim_middle|>") == expected.sentinel("<|fim_middle|>")


def test_the_split_of_the_shipped_vocabulary_is_the_one_by_its_name():
    shipped = json.loads((find_model("gpt", "") / "tokenizer.json").read_text())
    assert SPLITS["qwen2"] == shipped["pre_tokenizer"]["pretokenizers"]


VALUES = {"model": "gpt2", "pre": "qwen2", "tokens": ["a", "b", "ab", "<p>", "<s>", "<m>"], "merges": ["a b"]}


def words(**changed) -> tuple[dict, dict]:
    return read_words({f"tokenizer.ggml.{name}": value for name, value in (VALUES | changed).items()}, Path("x.gguf"))


def test_a_gguf_states_its_licence(tmp_path, monkeypatch):
    path = write_gguf(tmp_path, folders.QWEN2, "f16")
    assert "licence" not in add(path, "one").notes.raw
    head = gguf.read_head(path)
    monkeypatch.setattr(gguf, "read_head", lambda path: head._replace(values=head.values | {"general.license": "mit"}))
    assert add(path, "two").notes.raw["licence"] == "mit"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("README.md", "---\nlicense: apache-2.0\n---\n# x\n", "apache-2.0"),
        ("README.md", "# x\nlicense: not in front\n", ""),
        ("LICENSE.txt", "\n  MIT License\n\nCopyright\n", "MIT License"),
    ],
)
def test_a_folder_states_its_licence(tmp_path, file, text, said):
    (tmp_path / file).write_text(text)
    assert licence_of(tmp_path) == said


def test_sentinels_that_only_the_head_names_are_written_down():
    raw, fim = words(fim_pre_token_id=3, fim_suf_token_id=4, fim_mid_token_id=5)
    assert (fim["prefix"], fim["suffix"], fim["middle"]) == ("<p>", "<s>", "<m>")
    assert [token["content"] for token in raw["added_tokens"] if token["special"]] == ["<p>", "<s>", "<m>"]
    assert words()[1] == {}
    assert words(fim_pre_token_id=3, fim_suf_token_id=4, fim_mid_token_id=99)[1] == {}


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"model": "llama"}, ModelMismatch, "a sentencepiece vocabulary; byte-level BPE is read"),
        ({"model": None}, ModelMismatch, "of the kind None"),
        ({"pre": "tekken"}, ModelMismatch, "splits text as 'tekken'"),
        ({"merges": None}, ModelCorrupt, "lacks tokenizer.ggml.merges"),
        ({"tokens": [1]}, ModelCorrupt, "lacks tokenizer.ggml.tokens"),
    ],
)
def test_vocabularies_that_are_not_read_are_told(changed, kind, said):
    with pytest.raises(kind, match=said):
        words(**changed)


def test_an_interrupted_add_leaves_nothing(sources, data):
    def stop(what, done, of):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(sources / "floats", tell=stop)
    assert list((data / "models").iterdir()) == []
    assert shelf.shelved() == []


def test_what_a_killed_run_left_is_no_model_and_goes_in_time(sources, data, monkeypatch):
    left = data / f"models/{shelf.UNFINISHED}killed"
    left.mkdir(parents=True)
    assert shelf.shelved() == []
    add(sources / "floats", "first")
    assert left.exists()  # another run may be at it
    monkeypatch.setattr(adding, "STALE_S", -1)
    add(sources / "floats", "second")
    assert not left.exists()
    assert [model.name for model in shelf.shelved()] == ["first", "second"]


def test_what_a_check_refuses_is_not_added(sources, data):
    def refuse(folder):
        raise ModelMismatch("it says nothing sensible")

    with pytest.raises(ModelMismatch, match="sensible"):
        add(sources / "floats", check=refuse)
    assert list((data / "models").iterdir()) == []


def test_a_name_is_taken_once(sources):
    add(sources / "floats")
    with pytest.raises(InputError, match="'mine' already: fim-lsp models remove mine"):
        add(sources / "rows")


def test_a_name_that_is_taken_meanwhile_is_told(sources, data):
    def meanwhile(folder):
        shutil.copytree(sources / "rows", data / "models/mine")
        return {}

    with pytest.raises(InputError, match="'mine' already"):
        add(sources / "floats", check=meanwhile)


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "x" * 65, "con:"])
def test_a_name_is_no_path(sources, name):
    with pytest.raises(InputError, match="is no name"):
        add(sources / "floats", name)
    assert shelf.find(name) is None


def test_a_setting_may_be_a_name(sources, tmp_path, monkeypatch):
    model = add(sources / "floats")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()  # a workspace's folder does not come in the way
    assert find_model("gpt", "mine") == model.folder
    assert find_model("gpt", "./mine") == Path("mine")
    assert find_model("bert", "mine") == Path("mine")  # a decoder is no infiller
    with pytest.raises(ModelMissing, match=r"'other'.*nor a model's name \(fim-lsp models list has mine\)"):
        find_model("gpt", "other")


def test_without_models_the_way_to_one_is_told():
    with pytest.raises(ModelMissing, match="fim-lsp models add"):
        find_model("gpt", "other")


def test_a_removed_model_is_gone(sources, data):
    add(sources / "floats")
    shelf.remove("mine")
    assert list((data / "models").iterdir()) == []
    with pytest.raises(ModelMissing, match="no model 'mine'"):
        shelf.remove("mine")


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: flip(folder / "layers-001.safetensors"), r"layers-001\.safetensors is not as it was written"),
        (lambda folder: (folder / "norm.safetensors").unlink(), r"norm\.safetensors is gone"),
        (lambda folder: (folder / "more.safetensors").touch(), r"more\.safetensors is not as it was written"),
    ],
)
def test_a_changed_file_is_told(sources, damage, said):
    model = add(sources / "floats")
    shelf.intact(model)
    damage(model.folder)
    with pytest.raises(ModelCorrupt, match=rf"{said}: fim-lsp models remove mine"):
        shelf.intact(model)


def test_widths_that_the_kernels_cannot_map_are_told(sources, tmp_path):
    import torch
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = transformers.LlamaConfig(vocab_size=272, num_key_value_heads=2, **sizes)
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "odd")
    folders.write_tokenizer(tmp_path / "odd")
    with pytest.raises(ModelMismatch, match=r"multiples of 64.*torch computes"):
        add(tmp_path / "odd")


def test_a_folder_without_a_tokenizer_is_told(sources, tmp_path):
    shutil.copytree(sources / "floats", tmp_path / "bare")
    (tmp_path / "bare/tokenizer.json").unlink()
    with pytest.raises(ModelMissing, match=r"no tokenizer\.json.*save_pretrained"):
        add(tmp_path / "bare")


def test_a_full_disk_is_told_before(sources, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(InputError, match="has 0 MB free"):
        add(sources / "floats")


def test_sentinels_are_kept_apart_whatever_they_are_called(sources, tmp_path):
    shutil.copytree(sources / "floats", tmp_path / "plain")
    raw = json.loads((tmp_path / "plain/tokenizer.json").read_text())
    for one in raw["added_tokens"]:
        one["special"] = False
    (tmp_path / "plain/tokenizer.json").write_text(json.dumps(raw))
    model = add(tmp_path / "plain")
    added = json.loads((model.folder / "tokenizer.json").read_text())["added_tokens"]
    is_special = {one["content"]: one["special"] for one in added}
    assert is_special["<|fim_prefix|>"]
    assert not is_special["<x>"]
