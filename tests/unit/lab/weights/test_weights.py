"""From a base to the folder that ships, on a tiny model: each step by itself, then all of them."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import zipfile
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Inner
from tokenizers import decoders, models, pre_tokenizers, trainers

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import InputError
from fim_lsp.lab.weights import calibrate, grid, merge, rounding, texts, vocabulary
from fim_lsp.lab.weights.prompts import Prompts
from fim_lsp.lab.weights.recipe import WeightsRecipe
from fim_lsp.nn.native.layers import NativeDecoder
from fim_lsp.nn.reference.transformer import Decoder

CODE = "".join(
    f"def area_{n}(width, height):\n    total = width * height + {n}\n    return total\n\n\n" for n in range(40)
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A random Qwen2 with a byte-level vocabulary of its own, as a transformers folder."""
    import transformers

    path = tmp_path_factory.mktemp("base")
    inner = Inner(models.BPE())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=list(vocabulary.SENTINELS))
    inner.train_from_iterator([CODE, "naïve café, größer, 日本語 日本語"] * 3, trainer)
    inner.save(str(path / "tokenizer.json"))
    (path / "tokenizer_config.json").write_text("{}")
    torch.manual_seed(0)
    size = inner.get_vocab_size()
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.Qwen2Config(
        vocab_size=size, num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=True,
        bos_token_id=0, eos_token_id=0, **sizes,
    )  # fmt: skip
    transformers.Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A wheel, an npm archive and a package that may not be used."""
    path = tmp_path_factory.mktemp("archives")
    for name, licence in (("one", "MIT"), ("two", "Apache-2.0"), ("closed", "GPL-3.0")):
        with zipfile.ZipFile(path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\nLicense: {licence}\n")
            for part in ("a", "b"):
                wheel.writestr(f"{name}/{part}.py", f"# {name} {part}\n{CODE}")
    with tarfile.open(path / "web-2.0.tgz", "w:gz") as package:
        for name, text in (
            ("package/package.json", json.dumps({"name": "web", "version": "2.0", "license": "ISC"})),
            ("package/index.ts", "export const area = (w: number, h: number) => w * h;\n" * 10),
            ("package/index.min.js", "var a=1;" * 60),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            package.addfile(info, io.BytesIO(text.encode()))
    return path


def test_a_weight_of_four_bits_is_a_byte_times_its_rows_scale():
    weight = torch.randn(32, 128, generator=torch.Generator().manual_seed(1)) * torch.logspace(-3, 1, 32)[:, None]
    found = rounding.plain(weight, 4)
    assert found.levels.min() >= -8
    assert found.levels.max() <= 7
    assert found.times.min() >= 1
    assert found.times.max() <= 15
    whole = found.levels.int() * found.times.int().repeat_interleave(grid.GROUP, 1)
    assert whole.abs().max() < 128
    torch.testing.assert_close(whole * found.step[:, None], found.dense())
    assert ((found.dense() - weight).norm(dim=1) / weight.norm(dim=1)).max() < 0.12


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_calibrated_rounding_keeps_the_product_better(seed):
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(24, 96, generator=generator)
    inputs = torch.randn(800, 24, generator=generator) @ basis + 0.1 * torch.randn(800, 96, generator=generator)
    weight = torch.randn(16, 96, generator=generator)
    wanted = inputs @ weight.T
    products = rounding.mean_products(inputs)
    errors = [
        (inputs @ found.dense().T - wanted).norm()
        for found in (rounding.plain(weight, 4), rounding.calibrated(weight, products, 4))
    ]
    assert errors[1] < 0.8 * errors[0]


def test_an_input_that_never_comes_does_no_harm():
    inputs = torch.randn(200, 64, generator=torch.Generator().manual_seed(2))
    inputs[:, 5] = 0
    found = rounding.calibrated(torch.randn(32, 64), rounding.mean_products(inputs), 4)
    assert found.dense().isfinite().all()


def test_texts_are_of_permissive_packages_and_each_comes_once(archives):
    packages = list(texts.archives([archives]))
    assert [(one.name, one.licence) for one in packages] == [("one", "MIT"), ("two", "Apache-2.0"), ("web", "ISC")]
    found = texts.by_language(packages, 10**6)
    assert {language: [file.path for file in some] for language, some in found.items()} == {
        "python": ["one/a.py", "two/a.py", "one/b.py", "two/b.py"],  # in turn
        "typescript": ["package/index.ts"],
    }
    assert '["web", "2.0", "ISC"]' in texts.manifest(packages)
    assert sum(len(file.text) for file in texts.by_language(packages, 1)["python"]) < 2 * len(CODE)


def test_licences_of_debian_packages_are_read(tmp_path):
    root = tmp_path / "pkg"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: d\n")
    (root / "usr/share/doc/x").mkdir(parents=True)
    (root / "usr/share/doc/x/copyright").write_text("Files: *\nLicense: Expat\n text\n")
    (root / "usr/share/x.go").write_text("package main\n" * 40)
    built = subprocess.run(["dpkg-deb", "--build", str(root), str(tmp_path / "x_1_all.deb")], capture_output=True)
    assert built.returncode == 0, built.stderr
    (package,) = texts.archives([tmp_path])
    assert (package.name, package.licence) == ("x", "Expat")
    assert [language for language, _ in package.texts()] == ["go"]


@pytest.fixture(scope="module")
def trimmed(base, tmp_path_factory):
    full = Tokenizer.from_folder(base)
    raw = json.loads((base / "tokenizer.json").read_text())
    kept = vocabulary.choose(raw, {"python": vocabulary.count(full, [CODE])}, 330)
    out = tmp_path_factory.mktemp("trimmed")
    vocabulary.trim_folder(base, out, kept)
    return out, kept


def test_a_kept_token_keeps_what_it_is_merged_from(base, trimmed):
    out, kept = trimmed
    raw = json.loads((base / "tokenizer.json").read_text())
    ids = raw["model"]["vocab"]
    assert len(kept) == 320, "the largest multiple of 32"
    for left, right in vocabulary.pairs(raw):
        if ids[left + right] in kept:
            assert {ids[left], ids[right]} <= set(kept)
    small = json.loads((out / "tokenizer.json").read_text())
    numbers = sorted(small["model"]["vocab"].values())
    assert sorted({*numbers, *(token["id"] for token in small["added_tokens"])}) == list(range(320))
    assert {token["content"] for token in small["added_tokens"]} == set(vocabulary.SENTINELS)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_encodes_and_decodes_to_itself(trimmed, text):
    text = text.replace("\ufffd", "?")  # the tokenizer takes it for half a character
    tokenizer = Tokenizer.from_folder(trimmed[0])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    said = f"{text}<|fim_middle|>{text}"
    assert tokenizer.sentinel("<|fim_middle|>") not in tokenizer.encode(said)
    assert tokenizer.decode(tokenizer.encode(said)) == said


def test_rows_of_the_embedding_go_with_their_tokens(base, trimmed):
    out, kept = trimmed
    before, after = (load_file(folder / "model.safetensors")["model.embed_tokens.weight"] for folder in (base, out))
    torch.testing.assert_close(after, before[kept])
    full, small = Tokenizer.from_folder(base), Tokenizer.from_folder(out)
    cost = vocabulary.cost(full, small, {"python": [CODE], "prose": ["日本語 日本語"]})
    assert cost["python"] < 10 < cost["prose"], "it was chosen for the one, not for the other"


def test_prompts_have_the_form_the_decoder_was_tuned_with(base, archives):
    tokenizer = Tokenizer.from_folder(base)
    files = texts.by_language(list(texts.archives([archives])), 10**6)
    marks = {name: tokenizer.sentinel(name) for name in vocabulary.SENTINELS}
    prompts = list(islice(Prompts(tokenizer, files, {"python": 1.0}, 4), 40))
    for prompt in prompts:
        order = [token for token in prompt.ids if token in marks.values() and token != marks["<|file_sep|>"]]
        assert order == [marks[f"<|{name}|>"] for name in ("fim_suffix", "fim_prefix", "fim_middle", "endoftext")]
        assert prompt.ids.index(marks["<|fim_middle|>"]) == len(prompt.ids) - prompt.middle - 1
        if marks["<|file_sep|>"] in prompt.ids:
            assert prompt.ids[0] == marks["<|file_sep|>"]
    assert {marks["<|file_sep|>"] in prompt.ids for prompt in prompts} == {True, False}
    again = list(islice(Prompts(tokenizer, files, {"python": 1.0}, 4), 40))
    assert [prompt.ids for prompt in again] == [prompt.ids for prompt in prompts]


def test_a_tuning_is_folded_in(base, tmp_path):
    a, b = torch.randn(2, 64), torch.randn(64, 2)
    norm = torch.full((64,), 1.5)
    save_file(
        {"layers.1.o.A": a, "layers.1.o.B": b, "layers.0.n2": norm, "norm": norm * 2}, tmp_path / "tuning.safetensors"
    )
    merge.merge(base, tmp_path / "tuning.safetensors", tmp_path / "merged")
    before, after = (load_file(folder / "model.safetensors") for folder in (base, tmp_path / "merged"))
    name = "model.layers.1.self_attn.o_proj.weight"
    torch.testing.assert_close(after[name], (before[name].float() + b @ a).bfloat16())
    torch.testing.assert_close(after["model.layers.0.post_attention_layernorm.weight"].float(), norm)
    torch.testing.assert_close(after["model.norm.weight"].float(), norm * 2)
    assert after.keys() == before.keys()
    with pytest.raises(InputError, match="does not exist"):
        merge.merge(base, tmp_path / "nothing", tmp_path / "merged")


def test_all_steps_make_a_folder_that_the_kernels_read(base, archives, tmp_path, monkeypatch):
    recipe_file = tmp_path / "recipe.toml"
    recipe_file.write_text(
        '[base]\npackages = []\nsha256 = ""\n[vocabulary]\nfirst = 300\nsize = 330\n'
        "[rounding]\nrows = 12\nshares = { python = 1.0 }\n"
    )
    (tmp_path / "work").mkdir()
    (tmp_path / "work/merged").symlink_to(base)
    monkeypatch.setattr(texts, "HELD_OUT", 1000)  # of so few packages none is kept apart
    recipe = WeightsRecipe.read(recipe_file, tmp_path / "work")
    with pytest.raises(InputError, match="step before"):
        recipe.round([archives], lambda *_: None)
    recipe.trim([archives])
    told = []
    recipe.round([archives], lambda *line: told.append(line))
    assert [line[1] for line in told] == [1, 2]
    whole = calibrate.load(tmp_path / "work/rounded/layer-01.safetensors")
    (tmp_path / "work/rounded/layer-01.safetensors").unlink()
    again = WeightsRecipe.read(recipe_file, tmp_path / "work")
    again.round([archives], lambda *line: told.append(line))
    assert told[2:] == [("rounding layers", 2, 2)], "it goes on where it was stopped"
    for is_first_only, names in (
        (True, ["layers-1", "embedding-0"]),
        (False, ["layers-1", "embedding-0", "embedding-1"]),
    ):
        out = tmp_path / f"out-{is_first_only}"
        assert [path.stem for path in recipe.pack(out, is_first_only)] == names
        native, slow = NativeDecoder.from_folder(out), Decoder.from_folder(out, torch.float32)
        ids = Tokenizer.from_folder(out).encode(CODE)[:60]
        found, expected = (one.forward(ids, one.new_cache(80), rows=60) for one in (native, slow))
        assert found.shape == (60, 288 if is_first_only else 320)
        assert np.abs(found - expected).mean() < 0.05 * expected.std()
    same = [(tmp_path / f"out-{which}/embedding-0.safetensors").read_bytes() for which in (True, False)]
    assert same[0] == same[1], "the next release adds files and changes none"
    grown = WeightsRecipe.read(recipe_file, tmp_path / "work")
    first, full = tmp_path / "out-True", tmp_path / "out-False"
    raw = json.loads((first / "config.json").read_text())
    (first / "config.json").write_text(json.dumps(raw | {"confidence": {"bias": 1.0}}))
    grown.pack(first, is_first_only=False, is_vocabulary_only=True)
    assert json.loads((first / "config.json").read_text())["confidence"] == {"bias": 1.0}, "what was fitted stays"
    index = "model.safetensors.index.json"
    for name in ("layers-1.safetensors", "embedding-1.safetensors", "tokenizer.json", index):
        assert (first / name).read_bytes() == (full / name).read_bytes()
    kept = json.loads((tmp_path / "work/kept.json").read_text())
    before = (tmp_path / "work/trimmed/tokenizer.json").read_bytes()
    grown.trim_to(tmp_path / "work/kept.json")
    assert (tmp_path / "work/trimmed/tokenizer.json").read_bytes() == before
    assert len(kept) == 320
    assert whole["model.layers.1.mlp.up_proj"].bits == 4
