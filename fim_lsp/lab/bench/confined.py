"""What runs inside the limited subprocess of sandbox.py: it takes its own rights away, then executes one program.

`python -I -B confined.py PROGRAM CPU_S MEMORY_BYTES FILE_BYTES`; standard library alone, nothing of ours.

The limits are laid here and not between fork and exec, which is unsafe in a process that has threads. The audit hook
(PEP 578) is a net under accidents, no wall: a program that means harm gets round it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAILED, REACHED_END = 1, 86  # a program that leaves early with 0 has not shown that its test holds

PROCESSES = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system"}
PROCESSES |= {"os.kill", "os.killpg", "pty.spawn", "subprocess.Popen"}
NETWORK = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
REFUSED = PROCESSES | NETWORK
CHANGES = {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"}
CHANGES |= {"os.truncate", "os.utime", "shutil.rmtree", "sqlite3.connect"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Lay limits on this process where the system has them; one that is stricter already stays."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # a signal at the first, killed at the second
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))


def guard(folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that refuses processes, the network, and any change outside `folder`."""
    root = os.path.realpath(folder)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in REFUSED:
            raise PermissionError(f"{event} is refused here")
        if event == "open":
            paths = args[:1] if args[2] & WRITES else ()
        elif event in CHANGES:
            paths = args
        else:
            return
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike) and not _is_within(os.fsdecode(path), root):
                raise PermissionError(f"{event} outside the working folder is refused here")

    return hook


def main(program: str, *limits: str) -> int:
    """Execute a program's file under limits and return how it ended."""
    source = Path(program).read_bytes()
    limit(*map(int, limits))
    sys.argv = [program]
    sys.addaudithook(guard(str(Path.cwd())))
    try:
        exec(compile(source, "program.py", "exec"), {})  # an empty namespace, as the benchmark's own runner has it
    except BaseException:  # SystemExit too: the test was not reached
        return FAILED
    return REACHED_END


def _is_within(path: str, root: str) -> bool:
    where = os.path.realpath(path)
    return where == root or where.startswith(root + os.sep)


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # no waiting for threads the program left
