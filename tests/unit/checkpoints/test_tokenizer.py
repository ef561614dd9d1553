"""A tokenizer.json that lies is told by its file when it is read, not when a person types."""

from __future__ import annotations

import json
import re

import pytest

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from tests.unit.checkpoints.fuzz import folders

BEGIN, TEXT = {"SpecialToken": {"id": "<b>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}


def with_template(folder, single, **special):
    folders.write_tokenizer(folder)
    path = folder / "tokenizer.json"
    special = {name: {"id": name, "tokens": [name] * len(ids), "ids": ids} for name, ids in special.items()}
    template = {"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": template}))
    return path


def test_a_template_that_names_no_token_is_told(tmp_path):
    """The Rust library panics over it, which Python sees as no Exception."""
    path = with_template(tmp_path, [BEGIN, TEXT])
    with pytest.raises(ModelCorrupt, match=re.escape(str(path))):
        Tokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("ids", [[4_000_000_000], [folders.VOCAB], [1] * 1000])
def test_a_beginning_that_no_model_has_is_told(tmp_path, ids):
    path = with_template(tmp_path, [BEGIN, TEXT], **{"<b>": ids})
    with pytest.raises(ModelMismatch, match=re.escape(str(path))):
        Tokenizer.from_folder(tmp_path, folders.VOCAB)


def test_a_beginning_is_read(tmp_path):
    with_template(tmp_path, [BEGIN, TEXT], **{"<b>": [256, 257]})
    assert Tokenizer.from_folder(tmp_path, folders.VOCAB).beginning == (256, 257)
