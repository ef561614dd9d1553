"""Cut holes whose answer names what only another file of the package defines (after CrossCodeEval, arXiv 2310.11248).

A name counts where the file imports, by it or from there, what defines it, and no other line of the file has it but
that import: nothing but the other file gives it away.
"""

from __future__ import annotations

import ast
import builtins
import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fim_lsp.compare.holes import Cutter, Span
from fim_lsp.compare.multi_file import MultiFileSet, SourceSpan
from fim_lsp.compare.wheels import Wheel
from fim_lsp.lab.holes.by_language import TESTS, normal
from fim_lsp.lab.train import clean, sources
from fim_lsp.languages import get

OF_PACKAGE, OF_FILE = 20, 2  # holes
MOST_DEFINITIONS = 2  # files that define a name: what more do is everybody's word
LEAST_CHARS, MOST_CHARS = 4, 100  # of a name; of an answer
KINDS = {"rest_of_line": 0.5, "arguments": 0.2, "expression": 0.15, "whole_line": 0.15}
OF_VALUES = {name for kind in (str, bytes, list, dict, set, float, BaseException) for name in dir(kind)}
COMMON = OF_VALUES | set(dir(builtins))


class Use(NamedTuple):
    """A name that is read: where it stands, in code points; of an attribute, the name that its chain begins with."""

    name: str
    at: int
    root: str | None


@dataclass(frozen=True)
class PythonFile:
    """One Python file: what it defines, uses and imports."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def defined(self) -> frozenset[str]:
        """Functions and classes, and what modules, classes and `self` are given."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            if isinstance(node, ast.Module | ast.ClassDef):
                targets = (target for line in node.body for target in _targets(line))
                found.update(target.id for target in targets if isinstance(target, ast.Name))
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _root(node) == "self":
                found.add(node.attr)
        return frozenset(found)

    @cached_property
    def imports(self) -> dict[str, tuple[str, ast.stmt]]:
        """Names that imports bring: the module each comes from, dots for the folders above, and the statement."""
        found: dict[str, tuple[str, ast.stmt]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found |= {alias.asname or alias.name: (module, node) for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.asname or alias.name.partition(".")[0]: (alias.name, node) for alias in node.names}
        return found

    @cached_property
    def uses(self) -> list[Use]:
        starts = [0]
        for line in self.text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load) and node.end_lineno:
                name = node.attr if isinstance(node, ast.Attribute) else node.id
                start = starts[node.end_lineno - 1]
                written = self.text[start : starts[node.end_lineno] - 1].encode()[: node.end_col_offset].decode()
                root = _root(node) if isinstance(node, ast.Attribute) else None
                found.append(Use(name, start + len(written) - len(name), root))
        return found

    def is_seen_elsewhere(self, name: str, span: Span) -> bool:
        """True where another line than the span's and the name's import has it."""
        imported = self.imports[name][1] if name in self.imports else None
        first, last = (imported.lineno, imported.end_lineno or 0) if imported else (0, -1)
        for match in re.finditer(rf"\b{re.escape(name)}\b", self.text):
            line = self.text.count("\n", 0, match.start()) + 1
            if not span.start <= match.start() < span.end and not first <= line <= last:
                return True
        return False


class PackageFiles:
    """The files of a package, and which of them define what others use."""

    def __init__(self, found: Iterable[tuple[str, str]]):
        self.files = {path: PythonFile(path, text) for path, text in found}
        self.counts = Counter(name for file in self.files.values() for name in file.defined)

    def is_foreign(self, use: Use, file: PythonFile) -> bool:
        """True for a name that few files define, none of them this one, and that a file it imports does define."""
        name = use.name
        if len(name) < LEAST_CHARS or name.startswith("__") or name in COMMON or name in file.defined:
            return False
        if not 0 < self.counts[name] <= MOST_DEFINITIONS:
            return False
        if use.root is None:
            return name in file.imports and self._leads_to(name, file, name)
        if use.root in file.imports and not self._sources(use.root, file):
            return False  # of another package
        return any(self._leads_to(imported, file, name) for imported in file.imports)

    def _leads_to(self, imported: str, file: PythonFile, name: str) -> bool:
        """True where an import of this file means one that defines the name, or one that imports it in turn."""
        for source in self._sources(imported, file):
            passed_on = imported in source.imports and self._sources(imported, source)
            if name in source.defined or (passed_on and any(name in one.defined for one in passed_on)):
                return True
        return False

    def _sources(self, imported: str, file: PythonFile) -> list[PythonFile]:
        """Return the files that an import may mean: a module's, or a module within it."""
        module, _ = file.imports[imported]
        dots = len(module) - len(module.lstrip("."))
        folder = PurePosixPath(file.path).parts[:-dots] if dots else ()
        parts = (*folder, *(part for part in module.lstrip(".").split(".") if part))
        names = ("/".join(parts), "/".join((*parts, imported)))
        paths = (path for name in names for path in (f"{name}.py", f"{name}/__init__.py"))
        return [self.files[path] for path in paths if path in self.files]


def cut(wheels: Sequence[Path], tuned_on: Collection[str], seed: int) -> MultiFileSet:
    """Cut holes into wheels, but for packages tuned on and licences that are not permissive."""
    known, packages, spans = {normal(name) for name in tuned_on}, [], []
    for path in sorted(wheels):
        package = sources.read_wheel(path)
        if package is None or not package.is_permissive or normal(package.name) in known:
            continue
        of_package = list(_of_package(package, random.Random(f"{seed} {package.name}")))
        if of_package:
            licence = package.licence[: sources.LICENCE_CHARS]
            packages.append(Wheel(package.name, package.version, licence, path.name, sources.checksum(path)))
            spans += of_package
    return MultiFileSet(tuple(packages), tuple(spans))


def _of_package(wheel: sources.Package, rng: random.Random) -> Iterator[SourceSpan]:
    package = PackageFiles((path, text) for path, text in wheel.files() if _is_good(path, text))
    made: list[SourceSpan] = []
    for path in rng.sample(list(package.files), len(package.files)):
        made += list(_of_file(wheel.name, package, package.files[path], rng))
        if len(made) >= OF_PACKAGE:
            break
    yield from sorted(made[:OF_PACKAGE], key=lambda span: (span.path, span.start))


def _of_file(name: str, package: PackageFiles, file: PythonFile, rng: random.Random) -> Iterator[SourceSpan]:
    foreign = [use for use in file.uses if package.is_foreign(use, file)]
    cutter, made = Cutter(file.text, get("python")), 0
    for use in rng.sample(foreign, len(foreign)):
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        span = cutter.around(rng, kind, Span(use.at, use.at + len(use.name)), MOST_CHARS)
        if span is None or file.is_seen_elsewhere(use.name, span):
            continue
        names = {one.name for one in foreign if span.start <= one.at < span.end}
        made += 1
        yield SourceSpan(
            *(name, file.path, kind, span.start, span.end, file.text[span.start : span.end]),
            names=tuple(sorted(names)),
            is_imported=not names.isdisjoint(file.imports),
        )
        if made == OF_FILE:
            return


def _is_good(path: str, text: str) -> bool:
    if TESTS.search(path) or clean.refuse(path, text) not in ("", "too short or too long"):
        return False
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _targets(line: ast.stmt) -> list[ast.expr]:
    if isinstance(line, ast.Assign):
        return line.targets
    return [line.target] if isinstance(line, ast.AnnAssign) else []


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes begins with, "" where it begins with none."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
