"""Published encoders (BERT, RoBERTa, ModernBERT ...) as infillers: the whole text again for every canvas and pass.

They have no word for "nothing more", so canvases of many lengths compete; what they give up is speed, for their
positions leave no gap and nothing of the context can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fim_lsp.checkpoints.files import Floats
from fim_lsp.checkpoints.marks import Marks
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import ModelCorrupt, ModelMismatch
from fim_lsp.nn.canvas import GAP, Canvas, Layout
from fim_lsp.nn.reference.quant import pick_device

SIZES = (1, 2, 3, 4, 6, 8, 12, 16)
BLOCK_SIZES = (8, 16, 24, 32, 48)
RESERVED = 4 + GAP  # positions kept for a canvas and the marks at both ends
ROWS = 8  # canvases a pass of the model takes together


class Text(NamedTuple):
    """A context as ids, and where its holes are among them."""

    ids: list[int]
    holes: list[int]


class MaskedLM:
    """An `AutoModelForMaskedLM` behind the two methods of the encoder."""

    def __init__(self, model: Any, marks: Marks, end: int, positions: int):
        self.model, self.marks, self.end = model.eval(), marks, end
        self.infill = {
            "begin": marks.begin,
            "mask": marks.mask,
            "delete": marks.delete,
            "expand": marks.expand,
            "canvases": SIZES,
            "block_canvases": BLOCK_SIZES,
            "prefix_tokens": min(384, (positions - RESERVED) * 3 // 4),
            "suffix_tokens": min(128, (positions - RESERVED) // 4),
        }

    @classmethod
    def from_folder(cls, folder: Path) -> tuple[MaskedLM, Tokenizer]:
        """Load a transformers folder with its tokenizer of whatever kind; raises ModelCorrupt, ModelMismatch."""
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        try:
            tokens = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except ValueError as problem:
            raise ModelMismatch(f"{folder} holds no masked language model: {_first(problem)}") from None
        except Exception as problem:  # transformers trusts what config.json says, and fails where it is used
            raise ModelCorrupt(f"{folder} cannot be loaded: {_first(problem)}; copy the model folder again") from None
        mask = tokens.mask_token_id
        if mask is None or not tokens.is_fast:
            raise ModelMismatch(f"{folder} has no mask token or no fast tokenizer: the infiller needs both")
        ends = [tokens.cls_token_id, tokens.bos_token_id], [tokens.sep_token_id, tokens.eos_token_id]
        begin, end = (next((at for at in some if at is not None), mask) for some in ends)
        # RoBERTa counts its positions from behind the padding's
        positions = int(getattr(model.config, "max_position_embeddings", 512)) - 2
        made = cls(model.to(pick_device()), Marks(begin, mask, mask, mask), end, positions)
        return made, Tokenizer(tokens.backend_tokenizer)

    def read(self, layout: Layout, is_over: Callable[[], bool] | None = None) -> Text:
        """Note where the holes are; nothing is computed ahead."""
        return Text(layout.ids, [hole.start - GAP * number for number, hole in enumerate(layout.holes)])

    @torch.inference_mode()
    def score_canvases(self, reading: Text, canvases: Sequence[Canvas], wanted: int, banned: Sequence[int]) -> Floats:
        """Return log-probabilities [slots holding `wanted`, vocab], in the order of canvases, holes and slots."""
        rows = [self._row(reading, canvas, wanted) for canvas in canvases]
        seen = [self._run(rows[at : at + ROWS]) for at in range(0, len(rows), ROWS)]
        logits = torch.cat(seen).float()
        logits[:, list(banned)] = -torch.inf
        return np.asarray(logits.log_softmax(-1).cpu())

    def _row(self, reading: Text, canvas: Canvas, wanted: int) -> tuple[list[int], list[int]]:
        """Return the ids of a whole text with its canvas in place, and the positions asked for."""
        ids: list[int] = []
        asked: list[int] = []
        bounds = [0, *reading.holes, len(reading.ids)]
        for number, contents in enumerate([*canvas, None]):
            ids.extend(reading.ids[bounds[number] : bounds[number + 1]])
            if contents is not None:
                asked.extend(len(ids) + n for n, token in enumerate(contents) if token == wanted)
                ids.extend(contents)
        return [*ids, self.end], asked

    def _run(self, rows: list[tuple[list[int], list[int]]]) -> Tensor:
        longest = max(len(ids) for ids, _ in rows)
        device = self.model.device
        ids = torch.tensor([row + [self.end] * (longest - len(row)) for row, _ in rows], device=device)
        seen = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in rows], device=device)
        logits = self.model(input_ids=ids, attention_mask=seen).logits
        return torch.cat([logits[at, asked] for at, (_, asked) in enumerate(rows)])


def _first(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
