"""The compiled kernels, as ctypes sees them; None where they were not built."""

from __future__ import annotations

import ctypes
import logging
import os
from ctypes import POINTER, c_char_p, c_float, c_int, c_void_p
from functools import lru_cache

from fim_lsp.nn.native.build import LIBRARY

logger = logging.getLogger(__name__)

CHOICE = "FIM_LSP_KERNELS"  # environment: `torch`, or one of `kernels()`; empty takes the best
INTS = (  # the fields of `Shape`, in its order
    *("layers", "hidden", "inner", "heads", "kv_heads", "head_dim", "rotary", "positions", "window", "is_tied"),
    *("is_centred", "is_parallel", "activation", "threads"),
)
FLOATS = ("eps", "embedding_factor", "attention_factor")
IS_OVER = ctypes.CFUNCTYPE(c_int)
CORES_MOST = 8  # more threads than that only wait for the memory


class EngineShape(ctypes.Structure):
    """`Shape` of engine.c."""

    _fields_ = [*((name, c_int) for name in INTS), *((name, c_float) for name in FLOATS)]


@lru_cache(1)
def library() -> ctypes.CDLL | None:
    """Load the library once."""
    if not LIBRARY.is_file():
        return None
    try:
        lib = ctypes.CDLL(str(LIBRARY))
    except OSError as problem:  # built on another machine
        logger.warning("%s cannot be loaded (%s): torch computes instead", LIBRARY, problem)
        return None
    lib.fim_kernels.restype, lib.fim_kernels.argtypes = c_char_p, [c_int]
    lib.fim_new.restype, lib.fim_new.argtypes = c_void_p, [POINTER(EngineShape), c_char_p, c_void_p]
    lib.fim_free.restype, lib.fim_free.argtypes = None, [c_void_p]
    lib.fim_set_matrix.argtypes = [c_void_p, *[c_int] * 5, c_void_p, c_void_p, c_void_p]
    lib.fim_use_matrix.argtypes = [c_void_p, *[c_int] * 4, *[c_void_p] * 4]
    lib.fim_set_vector.argtypes = [c_void_p, c_int, c_int, c_void_p]
    lib.fim_use_positions.argtypes = [c_void_p, c_void_p]
    lib.fim_run.argtypes = [
        *[c_void_p] * 3, *[c_int] * 2, *[c_void_p] * 2, c_int, c_void_p, c_int, *[c_void_p] * 2, IS_OVER,
    ]  # fmt: skip
    lib.fim_logits.argtypes = [c_void_p, c_void_p, c_int, c_void_p]
    return lib


def kernels() -> list[str]:
    """Name the instruction sets that can run here, best first; none where nothing was compiled."""
    lib = library()
    found: list[str] = []
    while lib and (name := lib.fim_kernels(len(found))):
        found.append(name.decode())
    return found


def chosen() -> str | None:
    """Return the kernels to use, or None for torch."""
    wanted, found = os.environ.get(CHOICE, ""), kernels()
    if wanted and wanted != "torch" and wanted not in found:
        logger.warning("%s=%s: this machine has %s", CHOICE, wanted, ", ".join(found) or "no kernels but torch's")
        wanted = ""
    return None if wanted == "torch" else wanted or next(iter(found), None)


def threads() -> int:
    """Return how many threads compute: FIM_LSP_THREADS, or one for each core this process may use."""
    if (wanted := os.environ.get("FIM_LSP_THREADS", "")).isdecimal() and int(wanted):
        return int(wanted)
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    return max(1, min(cores, CORES_MOST))
