"""What was measured of a model, read from its config.json without loading it."""

from __future__ import annotations

import json

from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.errors import ModelMissing
from fim_lsp.routing.rule import RoutingTable


def read_table(family: str, setting: str) -> RoutingTable | None:
    """Read what was measured of a family's model, without loading it; None where nothing was, or nothing is there."""
    try:
        config = json.loads((find_model(family, setting) / "config.json").read_text(encoding="utf-8"))
        return RoutingTable.read(config.get("routing", {}))
    except (ModelMissing, OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None  # loading the model will say what is wrong with it
