"""Compile the kernels for another machine: `python -m fim_lsp.nn.native.cross --target linux-aarch64 --out DIR`.

By Zig's C compiler, which carries every system's headers and stubs along: docs/decisions/0023-prebuilt-engine.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.nn.native.build import AMX, AVX2, AVX512, AVXVNNI, PLAIN, CannotCompile, Set, compile_with

ARM = (  # as build.py's, in Zig's words; without -mcpu its plain C for macOS would be an M1's
    ("plain", "-mcpu=generic"),
    ("dotprod", "-mcpu=generic+v8_2a+dotprod"),
    ("i8mm", "-mcpu=generic+v8_2a+dotprod+i8mm"),
)


@dataclass(frozen=True)
class Target:
    """A kind of machine: what Zig calls it, its instruction sets, its file and its wheel's platform tag."""

    triple: str
    sets: Sequence[Set]
    library: str
    tag: str


TARGETS = {
    "linux-x86_64": Target(
        "x86_64-linux-gnu.2.17", (PLAIN, AVX2, AVX512, AVXVNNI, AMX), "engine.so", "manylinux_2_17_x86_64"
    ),
    "linux-aarch64": Target("aarch64-linux-gnu.2.17", ARM, "engine.so", "manylinux_2_17_aarch64"),
    # tiles need the system's leave, which is asked of Linux alone
    "windows-x86_64": Target("x86_64-windows-gnu", (PLAIN, AVX2, AVX512, AVXVNNI), "engine.dll", "win_amd64"),
    "macos-arm64": Target("aarch64-macos.11.0", ARM, "engine.dylib", "macosx_11_0_arm64"),
    "macos-x86_64": Target("x86_64-macos.10.15", (PLAIN, AVX2, AVX512), "engine.dylib", "macosx_10_15_x86_64"),
}


def zig() -> list[str]:
    """Return how Zig is called: the package ziglang, or `zig`; raises CannotCompile."""
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang"]
    if found := shutil.which("zig"):
        return [found]
    raise CannotCompile("Zig was not found: pip install 'fim-lsp[release]'")


def compile_for(target: Target, folder: Path) -> Path:
    """Compile a target's library into a folder and return its path; raises CannotCompile."""
    folder.mkdir(parents=True, exist_ok=True)
    return compile_with([*zig(), "cc", "-target", target.triple], target.sets, folder / target.library, ("-s", "-lm"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, required=True, help="the machine it is to run on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the library")
    wanted = parser.parse_args()
    try:
        print(compile_for(TARGETS[wanted.target], wanted.out))
    except CannotCompile as problem:
        sys.exit(f"not compiled: {problem}")


if __name__ == "__main__":
    main()
