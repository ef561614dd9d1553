"""Published encoders through the one adapter: three families with the kinds of tokenizer they come with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from fim_lsp import backends
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Meter
from fim_lsp.errors import ModelError
from fim_lsp.nn.canvas import lay_out

TEXT = ["def area(width, height):", "    return width * height", "print(area(2, 3))", "class Box: pass"] * 20
BPE = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WORDPIECE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SHAPE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}


def save(family: str, folder):
    import transformers as t

    torch.manual_seed(0)
    if family == "bert":
        tokens = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokens.normalizer, tokens.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        tokens.decoder = decoders.WordPiece()
        tokens.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=300, special_tokens=WORDPIECE))
        names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), WORDPIECE, strict=True))
        config, model = t.BertConfig, t.BertForMaskedLM
    else:
        tokens = Tokenizer(models.BPE())
        tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokens.train_from_iterator(
            TEXT, trainers.BpeTrainer(vocab_size=400, special_tokens=BPE, initial_alphabet=alphabet)
        )
        keys = ("bos_token", "pad_token", "eos_token", "unk_token", "mask_token")
        names = dict(zip(keys, BPE, strict=True))
        config, model = {
            "roberta": (t.RobertaConfig, t.RobertaForMaskedLM),
            "modernbert": (t.ModernBertConfig, t.ModernBertForMaskedLM),
        }[family]
    fast = t.PreTrainedTokenizerFast(tokenizer_object=tokens, **names)
    fast.save_pretrained(folder)
    ids = {"pad_token_id": fast.pad_token_id, "bos_token_id": fast.bos_token_id, "eos_token_id": fast.eos_token_id}
    made = config(vocab_size=len(fast), max_position_embeddings=162, **SHAPE, **ids)
    model(made).save_pretrained(folder)


@pytest.fixture(scope="module", params=["bert", "roberta", "modernbert"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp(request.param)
    save(request.param, made)
    return made


@pytest.fixture(scope="module")
def backend(folder):
    return backends.create("bert", backends.ModelRequest(str(folder)))


@pytest.mark.parametrize("segments", [("def area(w, h):\n    return ", "\n"), ("def ", "(", "):\n    return 1\n")])
def test_every_hole_is_filled_and_no_mark_is_left(backend, segments):
    (first, *_) = [list(s)[-1] for s in backend.generate(FimRequest(segments, GenerationLimits()), Cancel(), Meter())]
    assert len(first.fills) == len(segments) - 1
    assert all(fill and "mask" not in fill.lower() for fill in first.fills)
    assert 0 < first.confidence <= 1


def test_a_look_is_the_models_own_answer(backend):
    """The adapter's rows and batches against one plain call of the model."""
    model, marks = backend.model, backend.marks
    ids = backend.tokenizer.encode("return width * height")
    layout = lay_out([ids[:2], ids[3:]], marks)
    reading = model.read(layout)
    seen = model.score_canvases(reading, [[[marks.mask]], [[marks.mask, ids[2]]]], marks.mask, ())
    for row, middle in zip(seen, ([marks.mask], [marks.mask, ids[2]]), strict=True):
        plain = torch.tensor([[marks.begin, *ids[:2], *middle, *ids[3:], model.end]])
        with torch.no_grad():
            logits = model.model(input_ids=plain).logits[0, 3]
        np.testing.assert_allclose(row, logits.log_softmax(-1), atol=1e-4, rtol=1e-4)


def test_a_long_text_is_cut_to_the_models_positions(backend):
    long = FimRequest(("value = other\n" * 400, "value = other\n" * 400), GenerationLimits())
    assert list(backend.generate(long, Cancel(), Meter()))


def test_what_is_no_masked_model_is_named(tmp_path):
    import transformers as t

    t.GPT2Config(n_embd=8, n_layer=1, n_head=1, vocab_size=50).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=str(tmp_path)):
        backends.create("bert", backends.ModelRequest(str(tmp_path)))
