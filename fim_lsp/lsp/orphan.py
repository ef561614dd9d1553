"""Leave when the editor is gone, also where another process still holds the pipe (LSP 3.18, initialize, processId)."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable

POLL_S = 2.0
LEFT_ALONE = 1  # exit code: nobody asked for the shutdown


def watch(pid: int | None, leave: Callable[[int], object] = os._exit) -> None:
    """Leave once a process has ended; one that is not to be seen, as from inside a container, is not watched."""
    if pid and pid > 0:
        threading.Thread(target=lambda: _wait(pid) and leave(LEFT_ALONE), name="orphan", daemon=True).start()


def _wait(pid: int) -> bool:
    """Wait for the end of a process; False at once where it is not to be seen."""
    if sys.platform == "win32":
        return _wait_windows(pid)
    try:
        if hasattr(os, "pidfd_open"):
            return bool(select.select([os.pidfd_open(pid)], [], []))  # also when nobody collects what is left of it
    except ProcessLookupError:
        return False
    except OSError:
        pass  # an old kernel, or a sandbox
    if not _is_there(pid):
        return False
    while _is_there(pid):
        time.sleep(POLL_S)
    return True


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _wait_windows(pid: int) -> bool:
    import ctypes

    synchronize, forever = 0x0010_0000, -1
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    return bool(handle) and kernel.WaitForSingleObject(handle, forever) == 0
