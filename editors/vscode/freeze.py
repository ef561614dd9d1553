"""Freeze the server for the system this runs on and pack it into a VSIX: with it installed, nothing else is needed.

make vsix-server, or python editors/vscode/freeze.py --target linux-x64

fim_lsp[frozen]  ──pip──▶  an environment of its own  ──PyInstaller──▶  server/  ──tried──▶ vsce ──▶  dist/*.vsix
nn/native/*.c  ──cross.py──▶  the engine  ──┘                             │                     dist/SHA256SUMS
models/{qwen2.5-coder-0.5b,infiller}  ────────────────────────────────────┘

Why so: docs/decisions/0036-the-server-inside-the-extension.md; signing and publishing: docs/releasing.md. Needs the
extra `release`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))  # this checkout's fim_lsp, whatever is installed
from fim_lsp.nn.native import cross  # noqa: E402

TARGETS = {  # what VS Code calls a platform: what cross.py does, and Python
    "linux-x64": ("linux-x86_64", "Linux", "x86_64"),
    "linux-arm64": ("linux-aarch64", "Linux", "aarch64"),
    "win32-x64": ("windows-x86_64", "Windows", "AMD64"),
    "darwin-arm64": ("macos-arm64", "Darwin", "arm64"),
    "darwin-x64": ("macos-x86_64", "Darwin", "x86_64"),
}
WEIGHTS = ("qwen2.5-coder-0.5b", "infiller")  # of models/; the study's are for measuring
SAMPLES = "fim_lsp/cli/samples"
UNUSED = (
    "torch",
    "transformers",
    "matplotlib",
    "PIL",
    "tkinter",
    "numpy.f2py",
    "setuptools",
    "pip",
)  # what PyInstaller would follow where it lies
SERVER = HERE / "server"
BEGAN = time.perf_counter()
MARKED = "def add(first, second):\n    return first[MASK]\n"


def this_platform() -> str | None:
    """Return what VS Code calls the system this runs on."""
    here = (platform.system(), platform.machine())
    return next((name for name, (_, *system) in TARGETS.items() if tuple(system) == here), None)


def freeze(target: str, work: Path) -> None:
    """Leave the server in server/, as one folder."""
    from build.env import DefaultIsolatedEnv

    say(f"compiling the engine for {target}")
    kind = cross.TARGETS[TARGETS[target][0]]
    engine = cross.compile_for(kind, work / "engine")
    wanted = {"FIM_LSP_WHEEL_TAG": kind.tag, "FIM_LSP_ENGINE": str(engine)}
    os.environ.update(wanted, PIP_CONSTRAINT=str(ROOT / "constraints.txt"))
    say("installing the server and PyInstaller into an environment of their own (a minute)")
    with DefaultIsolatedEnv() as env:
        env.install([f"fim-lsp[frozen] @ {ROOT.as_uri()}"])
        say("freezing (a minute)")
        run(env.python_executable, "-m", "PyInstaller", *options(env.python_executable, work), str(HERE / "frozen.py"))
    shutil.rmtree(SERVER, ignore_errors=True)
    shutil.move(work / "dist/fim-lsp", SERVER)
    for link in [path for path in SERVER.rglob("*") if path.is_symlink()]:
        link.unlink()  # a zip would hold the file twice; who needs it finds it beside itself


def options(python: str, work: Path) -> list[str]:
    """Return PyInstaller's options: what it cannot see by following imports."""
    names = "import importlib.metadata as m; print(*{one.name for one in m.distributions()})"
    found = subprocess.check_output([python, "-c", names], text=True).split()
    grammars = sorted(name.replace("-", "_") for name in found if name.startswith("tree-sitter-"))
    words = ["--noconfirm", "--onedir", "--console", "--log-level=WARN", "--name=fim-lsp"]
    words += [f"--{kind}path={work / kind}" for kind in ("work", "dist", "spec")]
    words += ["--collect-submodules=fim_lsp", "--collect-data=fim_lsp", "--recursive-copy-metadata=fim-lsp"]
    words += [f"--collect-all={name}" for name in grammars]
    words += [f"--add-data={ROOT / SAMPLES}{os.pathsep}{SAMPLES}"]  # Python files that are read, not run
    words += [f"--exclude-module={name}" for name in UNUSED]
    # beside fim_lsp, as in a clone: checkpoints/catalogue.py looks there first
    words += [f"--add-data={ROOT / 'models' / name}{os.pathsep}models/{name}" for name in WEIGHTS]
    return words


def try_out(server: Path) -> None:
    """Let the frozen server complete a hole, with nothing around it that could help; exits where it does not."""
    program = server / ("fim-lsp.exe" if os.name == "nt" else "fim-lsp")
    with tempfile.TemporaryDirectory() as home:
        bare = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), home)
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
        words = [str(program), "complete", "-", "--json"]
        done = subprocess.run(words, input=MARKED, capture_output=True, text=True, cwd=home, env={**kept, **bare})
    if done.returncode or not json.loads(done.stdout)["text"].strip():
        raise SystemExit(f"the frozen server does not complete: {done.stdout}{done.stderr}")
    say(f"the frozen server completes: {MARKED.splitlines()[1].strip()!r} → {json.loads(done.stdout)['text']!r}")


def newest_glibc(server: Path) -> str:
    """Return the newest version of the C library that a file of a server asks for: older systems cannot run it."""
    asked = set()
    for path in server.rglob("*"):
        if path.is_file() and (data := path.read_bytes()).startswith(b"\x7fELF"):
            asked |= {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", data)}
    return ".".join(map(str, max(asked)))


def pack(target: str, out: Path) -> Path:
    """Pack the extension with server/ inside; returns the VSIX."""
    made = out / f"fim-lsp-{target}.vsix"
    say(f"packing {made.name} (a minute)")
    out.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit('npm was not found: make vsix-server brings one, or PATH="$(editors/node.sh):$PATH"')
    run(npm, "ci", "--ignore-scripts", "--loglevel=error", cwd=HERE)
    run(npm, "run", "--silent", "package:server", "--", "--target", target, "--out", str(made), cwd=HERE)
    return made


def note_checksums(out: Path) -> Path:
    """Write SHA256SUMS over the VSIX with a server in a folder; `sha256sum --check SHA256SUMS` reads it."""
    lines = []
    for path in sorted(out.glob("fim-lsp-*.vsix")):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    sums = out / "SHA256SUMS"
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")
    return sums


def run(*words: str, cwd: Path | None = None) -> None:
    done = subprocess.run(words, cwd=cwd)
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:4])} … failed with {done.returncode}")


def say(what: str) -> None:
    print(f"[{time.perf_counter() - BEGAN:5.0f} s] {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, default=this_platform(), help="default: the system this runs on")
    parser.add_argument("--out", type=Path, default=HERE / "dist", help="folder of the VSIX and SHA256SUMS")
    parser.add_argument("--keep", action="store_true", help="pack server/ as it lies there, signed since it was frozen")
    wanted = parser.parse_args()
    if wanted.target != this_platform():
        raise SystemExit(
            f"{wanted.target or 'a VSIX with the server'} is frozen on that system itself: PyInstaller packs the "
            f"Python it runs in, and this is {this_platform() or f'{platform.system()} {platform.machine()}'}"
        )
    try:
        if not wanted.keep:
            with tempfile.TemporaryDirectory() as work:
                freeze(wanted.target, Path(work))
    except ImportError as missing:
        raise SystemExit(f"this needs the package {missing.name}: pip install 'fim-lsp[release]'") from None
    except cross.CannotCompile as problem:
        raise SystemExit(str(problem)) from None
    try_out(SERVER)
    if platform.system() == "Linux":
        say(f"it runs where the C library is glibc {newest_glibc(SERVER)} or newer")
    made = pack(wanted.target, wanted.out.absolute())
    say(f"{made.stat().st_size / 1e6:.0f} MB  {made}")
    say(f"checksums in {note_checksums(made.parent)}")


if __name__ == "__main__":
    main()
