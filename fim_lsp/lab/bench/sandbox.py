"""Run a program that a model wrote a part of, in a fresh interpreter with little time, memory and room.

 here                          subprocess, a session of its own, in an empty folder
 write program.py ──────────▶  confined.py: limits on itself, then the program
 wait, at most wall_s ◀──────  leaves by REACHED_END only behind the program's last line
 kill the group, remove the folder, whatever happened

Against accidents, not against malice: what may run here is the user's to decide (docs/humaneval.md).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fim_lsp.errors import InputError
from fim_lsp.lab.bench import confined

ProgramVerdict = Literal["passed", "failed", "timeout"]


@dataclass(frozen=True)
class Limits:
    """What one program may take; all but `wall_s` only where the system has `resource`."""

    wall_s: float = 20.0  # above cpu_s: a busy machine must not fail a program
    cpu_s: int = 5
    memory_mb: int = 2048  # address space
    file_mb: int = 1  # of each file written


USUAL = Limits()
OUT_OF_CPU = -signal.SIGXCPU if hasattr(signal, "SIGXCPU") else None


def run(program: str, limits: Limits = USUAL) -> ProgramVerdict:
    """Run a program to its last line, and leave no process and no file of it behind; raises InputError."""
    with tempfile.TemporaryDirectory(prefix="fim-lsp-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / "program.py"
        source.write_bytes(program.encode("utf-8", "replace"))
        process = _start(source, limits)
        try:
            return _verdict(process.wait(limits.wall_s))
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            _kill(process)


def _start(source: Path, limits: Limits) -> subprocess.Popen[bytes]:
    sizes = (limits.cpu_s, limits.memory_mb << 20, limits.file_mb << 20)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-B", confined.__file__, str(source), *map(str, sizes)],
            cwd=source.parent,
            env=_environment(str(source.parent)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as problem:
        raise InputError(f"{sys.executable} cannot be started ({problem}): run fim-lsp by another Python") from None


def _verdict(code: int) -> ProgramVerdict:
    if code == confined.REACHED_END:
        return "passed"
    return "timeout" if code == OUT_OF_CPU else "failed"


def _environment(folder: str) -> dict[str, str]:
    """Return next to nothing: home and temporary files are the program's own folder."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows starts nothing without
    return kept | {"HOME": folder, "TMPDIR": folder, "TEMP": folder, "TMP": folder, "OMP_NUM_THREADS": "1"}


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and whatever it started, also what outlived it."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none left; none but zombies, on macOS
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
