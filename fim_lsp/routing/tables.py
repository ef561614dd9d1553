"""What was measured of a model, read from its config.json without loading it."""

from __future__ import annotations

import logging

from fim_lsp.checkpoints.catalogue import find_model
from fim_lsp.errors import ModelError, ModelMissing
from fim_lsp.routing.rule import RoutingTable

logger = logging.getLogger(__name__)


def read_table(family: str, setting: str) -> RoutingTable | None:
    """Read what was measured of a family's model, without loading it; None where nothing was, or nothing is there."""
    try:
        return RoutingTable.read(find_model(family, setting))
    except ModelMissing:
        return None  # loading the model will say so
    except ModelError as problem:
        logger.warning("%s; `auto` takes it for a model that was not measured", problem)
        return None
