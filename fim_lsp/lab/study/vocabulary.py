"""The vocabulary of the architecture study, made out of texts."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer as _Tokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.nn.study.vocabulary import SPECIAL

SIZE = 4096


def train(texts: Iterable[str], size: int = SIZE) -> Tokenizer:
    """Make a byte-level BPE of at most `size` entries, marks included, out of texts."""
    inner = _Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return Tokenizer(inner)
