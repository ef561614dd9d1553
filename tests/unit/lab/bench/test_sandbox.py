"""Programs that misbehave: each is told apart from one that works, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from fim_lsp.lab.bench import sandbox
from fim_lsp.lab.bench.sandbox import Limits, run

posix = pytest.mark.skipif(os.name != "posix", reason="limits and groups of processes are POSIX's")
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems may not keep a limit on address space")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Have the sandbox make its folders where a test can look."""
    place = tmp_path / "folders"
    place.mkdir()
    monkeypatch.setattr(sandbox.tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ("assert 1 + 1 == 2", "passed"),
        ("import math, re, collections, hashlib\nassert hashlib.md5(b'').hexdigest()", "passed"),
        ("assert 1 + 1 == 3", "failed"),
        ("def (", "failed"),
        ("a = '\0'", "failed"),
        ("a = '\ud800'", "passed"),  # no text, but it must not end the measuring
        ("raise SystemExit", "failed"),
        ("exit(0)", "failed"),
        ("import os\nos._exit(0)", "failed"),
        ("input()", "failed"),
        ("def f(n):\n    return f(n + 1)\nf(0)", "failed"),
        ("try:\n    assert False\nexcept AssertionError:\n    pass", "passed"),
        ("import sys\nassert len(sys.argv) == 1", "passed"),
    ],
)
def test_a_program_passes_only_by_reaching_its_end(program, verdict):
    assert run(program) == verdict


def test_the_environment_is_not_the_users(monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    program = "import os\nassert 'A_SECRET' not in os.environ\nassert os.environ['HOME'] == os.getcwd()"
    assert run(program) == "passed"


def test_an_endless_loop_is_killed():
    began = time.monotonic()
    assert run("while True:\n    pass", Limits(wall_s=1.0, cpu_s=60)) == "timeout"
    assert run("import time\ntime.sleep(600)", Limits(wall_s=1.0)) == "timeout"
    assert time.monotonic() - began < 60


@posix
def test_an_endless_loop_runs_out_of_processor_time():
    assert run("while True:\n    pass", Limits(wall_s=120.0, cpu_s=1)) == "timeout"


@linux
def test_a_memory_bomb_is_refused():
    assert run("a = bytearray(1 << 20)", Limits(memory_mb=512)) == "passed"
    assert run("a = bytearray(1 << 30)", Limits(memory_mb=512)) == "failed"
    assert run("a = [0]\nwhile True:\n    a = a + a", Limits(memory_mb=512)) == "failed"


@posix
def test_a_big_file_is_refused():
    program = "with open('big', 'wb') as file:\n    file.write(b'x' * {})"
    assert run(program.format(1 << 10)) == "passed"
    assert run(program.format(2 << 20)) == "failed"


def test_a_flood_of_output_goes_nowhere(capfd):
    program = "import sys\nfor _ in range(20_000):\n    print('x' * 1000)\n    sys.stderr.write('x' * 1000)"
    assert run(program, Limits(wall_s=120.0, cpu_s=60)) == "passed"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "call",
    [
        "import os; os.system('exit 0')",
        "import subprocess; subprocess.run(['python'])",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 0)",
        "import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
    ],
)
@posix
def test_processes_and_network_are_refused(call):
    caught = "except PermissionError as problem:\n    assert 'refused here' in str(problem)\nelse:\n    1 / 0"
    assert run(f"try:\n    {call}\n{caught}") == "passed"


@posix
def test_a_bomb_of_forks_does_not_start():
    assert run("import os\nwhile True:\n    os.fork()") == "failed"


@linux
def test_children_that_slip_through_are_killed_with_their_group(tmp_path):
    """Forks of the C library pass no audit hook: they must not outlive the program all the same."""
    program = (
        "import ctypes, time\n"
        "for _ in range(5):\n"
        "    if ctypes.CDLL(None).fork() == 0:\n"
        f"        time.sleep(600)  # {tmp_path.name}\n"
        "        raise SystemExit\n"
    )
    assert run(program) == "passed"
    deadline = time.monotonic() + 30
    while (left := _running(sandbox.tempfile.gettempdir())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.parametrize(
    "change",
    [
        "open({path!r}, 'w')",
        "open({path!r}, 'ab')",
        "open({path!r}, 'r+')",
        "import os; os.open({path!r}, os.O_RDWR)",
        "import os; os.remove({path!r})",
        "import os; os.rename({path!r}, 'mine')",
        "import os; os.rename('program.py', {path!r})",
        "import os; os.truncate({path!r}, 0)",
        "import os; os.chmod({path!r}, 0)",
        "import os; os.symlink({path!r}, 'link'); open('link', 'w')",
        "import os; os.chdir(os.path.dirname({path!r})); open('kept.txt', 'w')",
        "import pathlib; pathlib.Path({path!r}).unlink()",
        "import shutil, os; shutil.rmtree(os.path.dirname({path!r}))",
        "import sqlite3; sqlite3.connect({path!r})",
    ],
)
def test_files_of_others_are_left_alone(change, tmp_path):
    kept = tmp_path / "others" / "kept.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    assert run(f"assert open({str(kept)!r}).read() == 'kept'\n" + change.format(path=str(kept))) == "failed"
    assert kept.read_text() == "kept"
    assert kept.stat().st_mode & 0o400
    assert [path.name for path in kept.parent.iterdir()] == ["kept.txt"]


def test_its_own_files_are_its_own():
    program = (
        "import os, shutil, tempfile\n"
        "from pathlib import Path\n"
        "os.mkdir('a')\n"
        "Path('a/b').write_text('b')\n"
        "Path('~/c').expanduser().write_text('c')\n"
        "os.rename('a/b', 'a/d')\n"
        "with tempfile.NamedTemporaryFile() as file:\n"
        "    file.write(b'x')\n"
        "shutil.rmtree('a')\n"
        "assert sorted(os.listdir()) == ['c', 'program.py']\n"
    )
    assert run(program) == "passed"


def _running(folder: str) -> list[int]:
    """Return the processes that were started in a sandbox's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if folder in words:
            found.append(int(path.name))
    return found
