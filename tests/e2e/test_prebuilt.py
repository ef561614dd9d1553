"""The wheels of every platform: what each is called and holds, and the engine in it, run where an emulator runs it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fim_lsp.nn.native import cross

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "tests/unit/nn/run_engine.c"
ARM_LIBRARIES = Path("/usr/aarch64-linux-gnu")  # Debian's libc6-arm64-cross
MACHINES = {  # where the number of the machine stands in a file of this kind, and which it is
    "manylinux_2_17_x86_64": (b"\x7fELF", 18, "<H", 62),
    "manylinux_2_17_aarch64": (b"\x7fELF", 18, "<H", 183),
    "win_amd64": (b"MZ", None, "<H", 0x8664),
    "macosx_11_0_arm64": (b"\xcf\xfa\xed\xfe", 4, "<I", 0x100000C),
    "macosx_10_15_x86_64": (b"\xcf\xfa\xed\xfe", 4, "<I", 0x1000007),
}

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not importlib.util.find_spec("ziglang") and not shutil.which("zig"), reason="Zig: pip install -e '.[release]'"
    ),
]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the main wheels of a release."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, str(ROOT / "models/release.py"), "--no-weights", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def engines(dist, tmp_path_factory):
    """The engine of each wheel by its platform tag, unpacked."""
    out = tmp_path_factory.mktemp("engines")
    found = {}
    for wheel in dist.glob("*.whl"):
        tag = wheel.stem.rsplit("-", 1)[1]
        with zipfile.ZipFile(wheel) as packed:
            assert len(set(packed.namelist())) == len(packed.namelist())
            inside = [name for name in packed.namelist() if re.search(r"\.(so|dll|dylib)$", name)]
            assert len(inside) == (tag != "any"), (tag, inside)
            (metadata,) = (name for name in packed.namelist() if name.endswith(".dist-info/WHEEL"))
            assert f"Tag: py3-none-{tag}\n" in packed.read(metadata).decode()
            if inside:
                found[tag] = Path(packed.extract(inside[0], out / tag))
    return found


def machine_of(tag: str, library: bytes) -> int:
    """Return the machine that a library's header names."""
    magic, at, kind, _ = MACHINES[tag]
    assert library.startswith(magic)
    if at is None:  # PE: a pointer at 0x3c, a signature, the machine
        at = struct.unpack_from("<I", library, 0x3C)[0] + 4
    return struct.unpack_from(kind, library, at)[0]


def test_each_platform_has_its_wheel_and_each_wheel_its_engine(dist, engines):
    tags = {wheel.stem.rsplit("-", 1)[1] for wheel in dist.glob("*.whl")}
    assert tags == {*MACHINES, "any"} == {target.tag for target in cross.TARGETS.values()} | {"any"}
    assert len(list(dist.glob("*.tar.gz"))) == 1
    for target in cross.TARGETS.values():
        library = engines[target.tag]
        assert library.parts[-4:] == ("fim_lsp", "nn", "native", target.library)
        assert machine_of(target.tag, library.read_bytes()) == MACHINES[target.tag][3]
        assert library.stat().st_size < 1e6


def test_the_linux_engines_need_no_newer_c_library_than_their_tag_says(engines):
    for tag in ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64"):
        needed = re.findall(rb"GLIBC_(\d+)\.(\d+)", engines[tag].read_bytes())
        assert needed and max((int(major), int(minor)) for major, minor in needed) <= (2, 17)


def test_pip_takes_the_wheel_with_an_engine(dist, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", str(dist)]
    done = subprocess.run([*pip, "--target", str(tmp_path), "fim-lsp"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    find = "from fim_lsp.nn.native import library; print(library.LIBRARY, library.kernels())"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    found = subprocess.check_output([sys.executable, "-c", find], text=True, env=env, cwd=tmp_path)
    assert found.startswith(str(tmp_path)) and "plain" in found


def run_engine(target: str, engines: dict[str, Path], folder: Path, *emulator: str, **env: str) -> str:
    """Build the driver for a target, let it try the engine of the target's wheel, and return the kernels it ran."""
    driver = folder / "run_engine.exe"
    flags = ["-O2", "-lm", *(["-ldl"] if target.startswith("linux") else [])]
    command = [*cross.zig(), "cc", "-target", cross.TARGETS[target].triple, str(DRIVER), "-o", str(driver), *flags]
    subprocess.run(command, check=True)
    words = [*emulator, str(driver), str(engines[cross.TARGETS[target].tag])]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="runs on Linux x86-64")
def test_linux_x86_64_runs(engines, tmp_path):
    assert run_engine("linux-x86_64", engines, tmp_path).endswith("plain agree")


@pytest.mark.skipif(
    not shutil.which("qemu-aarch64") or not ARM_LIBRARIES.is_dir(), reason="qemu-user, libc6-arm64-cross"
)
@pytest.mark.parametrize(
    ("cpu", "kernels"), [("max", "i8mm dotprod plain"), ("cortex-a76", "dotprod plain"), ("cortex-a72", "plain")]
)
def test_linux_aarch64_runs_in_qemu(engines, tmp_path, cpu, kernels):
    emulator = ("qemu-aarch64", "-L", str(ARM_LIBRARIES), "-cpu", cpu)
    assert run_engine("linux-aarch64", engines, tmp_path, *emulator) == f"{kernels} agree"


@pytest.mark.skipif(not shutil.which("wine"), reason="wine is not installed")
def test_windows_runs_in_wine(engines, tmp_path):
    quiet = {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    assert run_engine("windows-x86_64", engines, tmp_path, "wine", **quiet).endswith("plain agree")
