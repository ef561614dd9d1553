"""Where training text comes from: wheels named by a recipe, a folder of wheels, or a folder of source files."""

from __future__ import annotations

import hashlib
import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from fim_lsp.compare.wheels import download
from fim_lsp.errors import InputError

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|Unlicense|zlib|0BSD|CC0|Zope|ZPL|BlueOak|PostgreSQL)\b",
    re.I,
)
RESTRICTED = re.compile(
    r"GPL|GNU|MPL|Mozilla|NVIDIA|Proprietary|EUPL|CDDL|\bSSPL\b|Commons Clause|Business Source", re.I
)
LICENCE_CHARS = 200  # of a License field: some packages put the whole text there


@dataclass(frozen=True)
class Package:
    """One wheel: what it is, under which licence, and its file."""

    name: str
    version: str
    licence: str
    path: Path
    sha256: str = ""

    @property
    def is_permissive(self) -> bool:
        return bool(PERMISSIVE.search(self.licence)) and not RESTRICTED.search(self.licence)

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield (path, text) of the Python files, those that are not UTF-8 left out."""
        if self.path.is_dir():
            for path in sorted(self.path.rglob("*.py")):
                if (text := _decoded(path.read_bytes())) is not None:
                    yield path.relative_to(self.path).as_posix(), text
            return
        with zipfile.ZipFile(self.path) as wheel:
            for name in sorted(wheel.namelist()):
                if name.endswith(".py") and (text := _decoded(wheel.read(name))) is not None:
                    yield name, text


@dataclass(frozen=True)
class CorpusRecipe:
    """What a corpus is made of: pinned packages, and names that are kept apart for evaluation."""

    packages: tuple[tuple[str, str], ...] = ()  # (name, version)
    held_out: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path) -> CorpusRecipe:
        """Read the [data] table of a recipe.toml; raises InputError."""
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))["data"]
            packages = tuple((str(row[0]), str(row[1])) for row in data.get("packages", []))
            return cls(packages, frozenset(map(normal, data.get("held_out", []))))
        except (OSError, tomllib.TOMLDecodeError, KeyError, IndexError, TypeError) as problem:
            raise InputError(f"{path} is no recipe ({problem!r}): it needs a [data] table with packages") from None


def normal(name: str) -> str:
    """Return a package's or module's name as all its spellings agree on (PEP 503)."""
    return re.sub(r"[-_.]+", "_", name).lower()


def find(recipe: CorpusRecipe, folders: Sequence[Path], cache: Path) -> Iterator[Package]:
    """Yield the wheels of a recipe, from `folders` or else fetched by pip into `cache`; raises InputError."""
    have = {(normal(p.name), p.version): p for folder in folders for p in wheels(folder)}
    for name, version in recipe.packages:
        package = have.get((normal(name), version))
        if package is None:
            download(name, version, cache)
            package = {(normal(p.name), p.version): p for p in wheels(cache)}.get((normal(name), version))
        if package is None:
            raise InputError(f"no wheel of {name} {version}: the recipe names a version that cannot be had")
        yield package


def wheels(folder: Path) -> list[Package]:
    """List the readable wheels of a folder by name, the newest version of each."""
    newest: dict[str, Package] = {}
    for path in sorted(folder.rglob("*.whl")):
        package = read_wheel(path)
        if package is not None:
            newest[normal(package.name)] = package
    return [newest[name] for name in sorted(newest)]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, "" for a folder."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def is_held_out(package: str, path: str, held_out: frozenset[str]) -> bool:
    """True for a file of a held-out package, under whatever other package it was found."""
    return normal(package) in held_out or any(
        normal(part) in held_out for part in PurePosixPath(path).with_suffix("").parts
    )


def read_wheel(path: Path) -> Package | None:
    try:
        with zipfile.ZipFile(path) as wheel:
            name = next((n for n in wheel.namelist() if n.endswith(".dist-info/METADATA")), "")
            head = HeaderParser().parsestr(wheel.read(name).decode("utf-8", "replace")) if name else None
    except (OSError, zipfile.BadZipFile):
        return None
    if head is None or not head["Name"]:
        return None
    marks = [head["License-Expression"] or "", (head["License"] or "")[:LICENCE_CHARS]]
    marks += [c.rpartition("::")[2] for c in head.get_all("Classifier", []) if c.startswith("License ::")]
    licence = "; ".join(dict.fromkeys(" ".join(mark.split()) for mark in marks if mark.strip()))
    return Package(head["Name"], head["Version"] or "", licence, path)


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return None
