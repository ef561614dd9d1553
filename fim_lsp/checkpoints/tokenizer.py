"""Text to ids and back; a sentinel's name in the document stays text."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from tokenizers import Tokenizer as _Tokenizer

from fim_lsp.checkpoints.config import MOST_TOKENS, tokenizer_folder
from fim_lsp.errors import ModelCorrupt, ModelMismatch, ModelMissing

RECENT = 16  # texts whose ids are kept: the router asks what a request would cost, then the backend takes it
LETTER, LAST = "a", "\U0010ffff"
MOST_BEGINNING = 16  # tokens before a text
PROBE = "def f(x):\n    return 'é'\n"  # what any vocabulary for code can read


class Tokenizer:
    """A byte-level BPE from tokenizer.json."""

    def __init__(self, inner: _Tokenizer, vocab: int = MOST_TOKENS):
        inner.encode_special_tokens = True  # "<fim_middle>" typed by a person is ten characters, not a sentinel
        inner.no_truncation()
        inner.no_padding()
        self.inner, self.vocab = inner, vocab
        self._ids = lru_cache(RECENT)(self._encode)
        self.beginning = self._beginning()  # ids that the vocabulary's own template has before a text: <bos>, or none

    @classmethod
    def from_folder(cls, folder: Path, vocab: int = MOST_TOKENS) -> Tokenizer:
        """Load tokenizer.json, from where the vocabulary of a model with `vocab` rows lies.

        Raises ModelMissing, ModelCorrupt, ModelMismatch.
        """
        folder = tokenizer_folder(folder)
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelMissing(f"no tokenizer.json in {folder}: copy it from where the model came from")
        try:
            found = cls(_Tokenizer.from_file(str(path)), vocab)
            found.decode(found.encode(PROBE))
        except ModelMismatch as problem:
            raise ModelMismatch(f"{path}: {problem}") from None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as problem:  # the Rust library raises bare Exception, and where it panics not even that
            raise ModelCorrupt(f"{path} cannot be read ({problem}): copy the model folder again") from None
        if (tokens := found.inner.get_vocab_size()) > vocab:
            raise ModelMismatch(f"{path} has {tokens} tokens and the model {vocab} rows: copy both from one model")
        return found

    def encode(self, text: str) -> list[int]:
        """Return the ids of document text, no sentinel and no beginning token among them; raises ModelMismatch."""
        return list(self._ids(text))

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids; an unfinished character at the end is left out until it is whole."""
        text: str = self.inner.decode(ids, skip_special_tokens=False)
        return text.rstrip("\ufffd")

    def _beginning(self) -> tuple[int, ...]:
        bare = self.inner.encode(LETTER, add_special_tokens=False).ids
        ids = self.inner.encode(LETTER, add_special_tokens=True).ids
        found = tuple(ids[: next((at for at in range(len(ids)) if ids[at : at + len(bare)] == bare), 0)])
        if len(found) > MOST_BEGINNING or max(found, default=0) >= self.vocab:
            raise ModelMismatch(
                f"its template begins a text with {found!s:.60}, of a model of {self.vocab} rows: "
                "copy both from one model"
            )
        return found

    def _encode(self, text: str) -> tuple[int, ...]:
        ids = tuple(self.inner.encode(text, add_special_tokens=False).ids)
        if max(ids, default=0) >= self.vocab:
            raise ModelMismatch(f"token {max(ids)} is beyond the model's {self.vocab} rows: copy both from one model")
        return ids

    def spell(self, ids: Sequence[int]) -> str:
        """Return how the vocabulary spells tokens, whatever its alphabet: what begins alike reads alike."""
        return "".join(str(self.inner.id_to_token(one)) for one in ids)

    def beginning_with(self, spelt: str) -> Sequence[int]:
        """Return the ids of tokens spelt so, or so and longer."""
        spellings, ids = self._sorted
        return ids[bisect_left(spellings, spelt) : bisect_left(spellings, spelt + LAST)]

    def within(self, spelt: str) -> list[int]:
        """Return the ids of tokens that something spelt so begins with, shorter than it."""
        spellings, ids = self._sorted
        places = ((bisect_left(spellings, spelt[:count]), spelt[:count]) for count in range(1, len(spelt)))
        return [ids[at] for at, part in places if at < len(spellings) and spellings[at] == part]

    @cached_property
    def _sorted(self) -> tuple[list[str], array[int]]:
        """Return the spellings of tokens in order, and their ids; no sentinel is among them."""
        added = self.inner.get_added_tokens_decoder()
        spelt = [self.inner.id_to_token(one) or "" for one in range(self.vocab)]
        known = (one for one, text in enumerate(spelt) if text and one not in added)
        ids = array("i", sorted(known, key=spelt.__getitem__))
        return [spelt[one] for one in ids], ids

    def sentinel(self, name: str) -> int | None:
        """Return the id of a special token, None when this vocabulary, or the model, lacks it."""
        found: int | None = self.inner.token_to_id(name)
        return found if found is None or found < self.vocab else None
