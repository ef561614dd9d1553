"""What a vocabulary's own template has before a text stands before the prompt; without it a Gemma says nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import processors

from fim_lsp.backends.reader import Reader
from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.checkpoints.formats import Format
from fim_lsp.checkpoints.gguf_words import read_words
from fim_lsp.checkpoints.tokenizer import Tokenizer
from tests.unit.checkpoints.fuzz import folders

BOS = 256
VALUES = {"model": "gpt2", "pre": "gpt-2", "tokens": ["a", "<bos>"], "token_type": [1, 3], "merges": []}


@pytest.mark.parametrize(("single", "expected"), [("$A", ()), ("<|endoftext|> $A", (BOS,)), ("$A <|endoftext|>", ())])
def test_a_template_says_it(tmp_path, single, expected):
    folders.write_all(tmp_path)
    inner = Tokenizer.from_folder(tmp_path / "floats").inner
    special = [("<|endoftext|>", BOS)]
    inner.post_processor = processors.TemplateProcessing(single, pair="$A $B", special_tokens=special)
    inner.save(str(tmp_path / "floats/tokenizer.json"))
    reader = Reader.from_folder(tmp_path / "floats")
    assert reader.format.begin == expected
    assert BOS not in reader.tokenizer.encode("a")


@pytest.mark.parametrize("order", ["suffix-first", "prefix-first", "prefix-only"])
def test_it_is_the_prompts_first(order):
    bare = Format(order, 11, 12, 13, frozenset(), 10, 10)
    assert replace(bare, begin=(7,)).render([1], [2], []) == [7, *bare.render([1], [2], [])]


def test_the_shipped_vocabulary_has_none():
    assert Tokenizer.from_folder(find_model("gpt", "")).beginning == ()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ()),
        ({"bos_token_id": 1, "add_bos_token": True}, (1,)),
        ({"bos_token_id": 1, "add_bos_token": False}, ()),
        ({"bos_token_id": 9, "add_bos_token": True}, ()),  # beyond the vocabulary
    ],
)
def test_the_head_of_a_gguf_says_it(tmp_path, more, expected):
    raw, _ = read_words({f"tokenizer.ggml.{name}": value for name, value in (VALUES | more).items()}, Path("x.gguf"))
    raw["model"]["vocab"] |= {letter: 2 + n for n, letter in enumerate("ĠĊdef(x):returnÃ©'\n")}
    (tmp_path / "tokenizer.json").write_text(json.dumps(raw))
    assert Tokenizer.from_folder(tmp_path).beginning == expected
