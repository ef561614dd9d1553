"""Text to ids and back; a sentinel's name in the document stays text."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer as _Tokenizer

from fim_lsp.checkpoints.config import tokenizer_folder
from fim_lsp.errors import ModelCorrupt, ModelMissing

RECENT = 8  # texts whose ids are kept: the router asks what a request would cost, then the backend takes it


class Tokenizer:
    """A byte-level BPE from tokenizer.json."""

    def __init__(self, inner: _Tokenizer):
        inner.encode_special_tokens = True  # "<fim_middle>" typed by a person is ten characters, not a sentinel
        inner.no_truncation()
        inner.no_padding()
        self.inner = inner
        self._ids = lru_cache(RECENT)(self._encode)

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Load tokenizer.json, from where the model's vocabulary lies; raises ModelMissing, ModelCorrupt."""
        folder = tokenizer_folder(folder)
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelMissing(f"no tokenizer.json in {folder}: copy it from where the model came from")
        try:
            return cls(_Tokenizer.from_file(str(path)))
        except Exception as problem:  # the Rust library raises bare Exception
            raise ModelCorrupt(f"{path} cannot be read ({problem}): copy the model folder again") from None

    def encode(self, text: str) -> list[int]:
        """Return the ids of document text, no sentinel and no beginning token among them."""
        return list(self._ids(text))

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids; an unfinished character at the end is left out until it is whole."""
        text: str = self.inner.decode(ids, skip_special_tokens=False)
        return text.rstrip("\ufffd")

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.inner.encode(text, add_special_tokens=False).ids)

    def sentinel(self, name: str) -> int | None:
        """Return the id of a special token, None when this vocabulary lacks it."""
        found: int | None = self.inner.token_to_id(name)
        return found
