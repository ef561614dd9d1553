"""Where a user's own things are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path

DATA_DIR = "FIM_LSP_DATA_DIR"  # an environment variable: another folder than the user's data folder


def data_folder() -> Path:
    """Return the folder of models, adapters and counts; it need not be there."""
    if folder := os.environ.get(DATA_DIR):
        return Path(folder)
    import platformdirs

    return platformdirs.user_data_path("fim-lsp")
