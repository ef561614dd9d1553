"""The ids of a vocabulary that the infiller uses for its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fim_lsp.errors import ModelMismatch


@dataclass(frozen=True)
class Marks:
    """Ids of the vocabulary that the infiller uses for its own; the `infill` table of config.json."""

    begin: int
    mask: int
    delete: int
    expand: int

    @classmethod
    def read(cls, table: Mapping[str, Any], where: Path = Path("config.json")) -> Marks:
        """Read the ids; raises ModelMismatch when the table lacks one."""
        try:
            return cls(*(int(table[name]) for name in ("begin", "mask", "delete", "expand")))
        except KeyError as missing:
            raise ModelMismatch(f"{where} lacks infill.{missing.args[0]}: not an infiller of fim-lsp") from None

    @property
    def own(self) -> tuple[int, int, int]:
        """The ids whose rows of the embedding are the infiller's own."""
        return self.mask, self.delete, self.expand
