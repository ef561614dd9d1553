"""Bring one folder's store up to date in a process of its own, so that nobody who types waits for a parser.

python -P -m fim_lsp.context.index ROOT STORE MOST_FILES PATTERN…    prints `done total` as it goes; patterns exclude
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fim_lsp.context.index.build import update
from fim_lsp.context.index.store import Store

NICE = 15


def main(root: str, file: str, most: str, *patterns: str) -> None:
    """Read what has changed, at the lowest priority there is."""
    if hasattr(os, "SCHED_IDLE"):  # Linux: only what nobody else wants
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif hasattr(os, "nice"):
        os.nice(NICE)
    store = Store(Path(file))
    for done, total in update(Path(root), store, int(most), patterns):
        print(done, total, flush=True)
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
