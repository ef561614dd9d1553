"""Compile the kernels: `python -m fim_lsp.nn.native.build`; installing from source does it where there is a compiler.

cross.py compiles them for other machines. Imports nothing of fim_lsp: the build hook loads this file by its path.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = HERE / {"win32": "engine.dll", "darwin": "engine.dylib"}.get(sys.platform, "engine.so")
FLAGS = ["-std=gnu11", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Wno-psabi"]
Set = tuple[str, str]  # an instruction set's name, and the flags for it
AVX2 = ("avx2", "-mavx2 -mfma -mf16c")
AVX512 = ("avx512", "-mavx512f -mavx512bw -mavx512vl -mavx512vnni -mfma -mf16c")
AVXVNNI = ("avxvnni", AVX2[1] + " -mavxvnni")
AMX = ("amx", AVX512[1] + " -mamx-tile -mamx-int8")
PLAIN = ("plain", "")
ARM = (PLAIN, ("dotprod", "-march=armv8.2-a+dotprod"), ("i8mm", "-march=armv8.2-a+dotprod+i8mm"))
TILES_IN_C = ("tiles_in_c", "-DTILES_IN_C")  # what tiles do, spelt out: for tests where no processor has them
SETS = {  # instruction sets by machine, each a copy of the kernels; engine.c picks one when it runs
    "x86_64": (PLAIN, AVX2, AVX512, AVXVNNI, AMX),
    "aarch64": ARM,
    "arm64": ARM,
}
NEWER = {"avxvnni", "amx", "i8mm"}  # left out where the compiler does not know them


class CannotCompile(Exception):
    """There is no compiler here, or it refused; fim-lsp runs by torch then."""


def compiler() -> str:
    """Return the C compiler: $CC, or the first of cc, gcc and clang; raises CannotCompile."""
    found = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if not found or sys.platform == "win32":
        raise CannotCompile("no C compiler (cc, gcc or clang) was found")
    return found


def compile_library(to: Path = LIBRARY, more: tuple[Set, ...] = ()) -> Path:
    """Compile and link; the file appears whole or not at all. Raises CannotCompile with what the compiler said."""
    cc = compiler().split()
    sets = [one for one in SETS.get(platform.machine(), (PLAIN,)) if one[0] not in NEWER or _knows(cc, one[1])]
    return compile_with(cc, [*sets, *more], to)


def compile_with(cc: list[str], sets: Sequence[Set], to: Path, link: Sequence[str] = ("-lm", "-lpthread")) -> Path:
    """Compile each instruction set to an object of its own and link them; raises CannotCompile."""
    with tempfile.TemporaryDirectory(dir=to.parent) as folder:
        jobs = [(HERE / "kernels.c", name, [f"-DISA={name}", *flags.split()]) for name, flags in sets]
        jobs.append((HERE / "engine.c", "engine", [f"-DHAS_{name.upper()}" for name, _ in sets]))
        objects = [str(Path(folder) / f"{name}.o") for _, name, _ in jobs]
        commands = [
            [*cc, *FLAGS, *flags, "-c", str(source), "-o", out]
            for (source, _, flags), out in zip(jobs, objects, strict=True)
        ]
        made = Path(folder) / to.name
        commands.append([*cc, "-shared", "-o", str(made), *objects, *link])
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise CannotCompile(f"{' '.join(command)}\n{done.stderr.strip()}")
        made.replace(to)
    return to


def _knows(cc: list[str], flags: str) -> bool:
    """True where the compiler takes some flags."""
    command = [*cc, *flags.split(), "-x", "c", "-fsyntax-only", os.devnull]
    return subprocess.run(command, capture_output=True).returncode == 0


if __name__ == "__main__":
    try:
        print(compile_library())
    except CannotCompile as problem:
        sys.exit(f"not compiled: {problem}")
