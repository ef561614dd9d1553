"""Cut a measuring set for each language from packages that no shipped model was tuned on."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fim_lsp.compare import cut
from fim_lsp.compare.quality import Hole, first_line
from fim_lsp.lab.train import clean, sources
from fim_lsp.lab.weights import texts
from fim_lsp.languages import language_of

REST_OF_LINE, OTHERS = 40, 10  # holes of a language
WATCHED = {"javascript": 80, "typescript": 80, "go": 80, "rust": 80, "java": 80}  # held to a share of Python's
LICENCE_CHARS = 60  # of a name; more is the licence itself
TEXTS = {texts.MIT: "MIT", "Redistribution and use in source and binary": "BSD", "Apache License": "Apache-2.0"}
OF_PACKAGE = 12  # files of a language from one package, at most
BUILT = frozenset(
    {"dist", "build", "cjs", "esm", "umd", "es", "es5", "es6", "lib-esm", "commonjs", "module", "bundles"}
    | {"_cjs", "_esm", "_types", "minified", "cjs-es5", "vendor", "docs", "doc"}
)  # folders of what a compiler, or nobody here, wrote
TESTS = re.compile(r"(^|/)(tests?|testdata|specs?|fixtures|__tests__)/|[._]test\.|[._]spec\.|/test_")
EXAMPLES = frozenset(
    {"css", "html", "sql", "json", "yaml", "toml", "markdown"}
)  # what packages have in their tests alone


@dataclass(frozen=True)
class HoleSet:
    """One language's holes, and the packages that they were cut from: name, version, licence."""

    holes: tuple[Hole, ...]
    packages: tuple[tuple[str, str, str], ...]


def cut_sets(folders: list[Path], wanted: Collection[str], tuned_on: Collection[str], seed: int) -> dict[str, HoleSet]:
    """Cut the sets of the wanted languages out of the archives of some folders, but for packages tuned on."""
    known = {normal(name) for name in tuned_on}
    found: dict[str, list[tuple[texts.Archive, str, str]]] = {language: [] for language in wanted}
    seen: set[bytes] = set()
    for archive in texts.archives(folders):
        if normal(archive.name) in known:
            continue
        for language, files in _files(archive, wanted, seen).items():
            drawn = random.Random(f"{seed} {archive.name}").sample(files, min(len(files), OF_PACKAGE))
            found[language] += [(archive, path, text) for path, text in drawn]
    return {language: _cut(language, files, seed) for language, files in found.items() if files}


def tuned_on(lists: Iterable[Path]) -> set[str]:
    """Read the packages' names from tables like models/*/data.toml and recipe.toml; raises InputError."""
    return {name for path in lists for name, _ in sources.CorpusRecipe.read(path).packages}


def write(sets: Mapping[str, HoleSet], folder: Path) -> None:
    """Write a packed file of holes for each language, and what they were cut from."""
    folder.mkdir(parents=True, exist_ok=True)
    for language, one in sets.items():
        cut.write(folder / f"{language}.jsonl.gz", one.holes)
    (folder / "packages.toml").write_text(manifest(sets), encoding="utf-8")


def normal(name: str) -> str:
    """Return a package's name without what tells its packagings and versions apart."""
    bare = re.sub(r"^(lib|librust|golang|node|python3?|ruby|php|lua)[-_]|[-_.]?v?[\d.]*([-_]dev)?$", "", name.lower())
    return sources.normal(bare)


def manifest(sets: Mapping[str, HoleSet]) -> str:
    """Return a TOML table of each language's packages."""
    rows: list[str] = ["# What the holes of each language were cut from: name, version, licence."]
    for language, one in sets.items():
        rows += ["", f"[{language}]", "packages = ["]
        rows += [f"  {json.dumps(package, ensure_ascii=False)}," for package in one.packages]
        rows.append("]")
    return "\n".join(rows) + "\n"


def _files(archive: texts.Archive, wanted: Collection[str], seen: set[bytes]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for _, file in archive.texts():
        path, language = str(PurePosixPath(file.path)).removeprefix("package/"), language_of(file.path)
        if (
            language not in wanted
            or BUILT.intersection(PurePosixPath(path).parts)
            or _is_poor(language, path, file.text)
        ):
            continue
        if (digest := clean.digest(file.text)) not in seen:
            seen.add(digest)
            found.setdefault(language, []).append((path, file.text))
    if "typescript" in found or "tsx" in found:
        found.pop("javascript", None)  # what a compiler made of it
    return found


def _is_poor(language: str, path: str, text: str) -> bool:
    if language in EXAMPLES:  # tables are all that some of them hold
        return len(text) < cut.SMALLEST or clean.refuse(path, text) not in ("", "data")
    return bool(TESTS.search(path)) or clean.refuse(path, text) != ""


def _cut(language: str, files: list[tuple[texts.Archive, str, str]], seed: int) -> HoleSet:
    given = [(archive.name, path, text) for archive, path, text in files]
    others = [kind for kind in cut.KINDS if kind != "rest_of_line"]
    drawn = cut.cut(given, WATCHED.get(language, REST_OF_LINE), seed, ["rest_of_line"])
    holes = list(_distinct(drawn + cut.cut(given, OTHERS, seed, others)))
    of = {hole.package for hole in holes}
    rows = {(one.name, one.version.partition(".orig")[0], _licence(one)) for one, _, _ in files if one.name in of}
    return HoleSet(tuple(holes), tuple(sorted(rows)))


def _distinct(holes: Iterable[Hole]) -> Iterator[Hole]:
    seen: set[tuple[str, str]] = set()
    for hole in holes:
        around = hole.prefix, hole.suffix
        if around not in seen and first_line(hole.gold):
            seen.add(around)
            yield hole


def _licence(archive: texts.Archive) -> str:
    """Return what a package calls its licence; of one that gives the text, whose text it begins with."""
    said = " ".join(archive.licence.split())
    if len(said) <= LICENCE_CHARS:
        return said
    found = {at: name for words, name in TEXTS.items() if (at := said.find(words)) >= 0}
    named = sources.PERMISSIVE.search(said)
    return found[min(found)] if found else named.group() if named else said[:LICENCE_CHARS]
