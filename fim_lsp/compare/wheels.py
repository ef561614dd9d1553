"""The published wheels that holes lie in: found, fetched, checked, unpacked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.errors import InputError


@dataclass(frozen=True)
class Wheel:
    """One file of a package index."""

    name: str
    version: str
    licence: str
    file: str
    sha256: str


def unpack(wheel: Wheel, folder: Path | None, cache: Path) -> Path:
    """Return the folder of a wheel's files, from `folder`, else from the cache, else by pip; raises InputError."""
    root = cache / f"{wheel.name}-{wheel.version}-{wheel.sha256[:12]}"
    if root.is_dir():
        return root
    path = _found(wheel, folder, cache)
    if path is None:
        download(wheel.name, wheel.version, cache)
        path = _found(wheel, folder, cache)
    if path is None or hashlib.sha256(path.read_bytes()).hexdigest() != wheel.sha256:
        raise InputError(f"{path or cache} has not the {wheel.file} that the holes were cut from")
    half = root.with_name(f"{root.name}.part")
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(half)
        return half.rename(root)
    except (OSError, zipfile.BadZipFile) as problem:
        raise InputError(f"{path} cannot be unpacked into {cache}: {problem}") from None


def download(name: str, version: str, into: Path) -> None:
    """Fetch a wheel by pip; raises InputError."""
    into.mkdir(parents=True, exist_ok=True)
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run([*asked, "--dest", str(into), f"{name}=={version}"], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip gave no reason"]
        raise InputError(f"pip cannot fetch {name} {version}: {said[-1]}; give a folder that holds it by --wheels")


def _found(wheel: Wheel, *folders: Path | None) -> Path | None:
    return next((path for folder in folders if folder and (path := folder / wheel.file).is_file()), None)
