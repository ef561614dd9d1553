"""Which files are left out, and by which rule: names of secret files, the user's patterns, rule files in folders.

A file is left out where any of them says so; a rule file's `!` lifts only what rule files of its own kind say.

top/                a repository, or an open folder
├ .fimlspignore     *.sql        holds from here down
└ part/
  ├ .fimlspignore   !a.sql       the innermost that says something counts
  └ a.sql
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from fim_lsp.privacy import names
from fim_lsp.privacy.rules import Rules

OWN, GIT = ".fimlspignore", ".gitignore"
SETTING = "fimLsp.exclude"


class Exclusion:
    """The rules as they are when first asked for; who wants newer ones makes another. Any thread may ask."""

    def __init__(self, roots: Iterable[Path] = (), patterns: Sequence[str] = (), with_ignored: bool = False):
        """Take the open folders, the user's patterns, and whether what git ignores is left out, too."""
        self.roots = tuple(roots)
        self.patterns = Rules.of(patterns, f"item {{}} of {SETTING}")
        self.files = (OWN, GIT) if with_ignored else (OWN,)
        self._folders: dict[Path, str] = {}
        self._tops: dict[Path, Path | None] = {}
        self._rules: dict[Path, Rules | None] = {}

    def reason(self, path: Path) -> str:
        """Return why a file is left out, as it is named or where its links lead; "" where it is not."""
        try:
            resolved = Path(os.path.realpath(path))
            return self.said(path) or ("" if resolved == path else self.said(resolved))
        except ValueError:  # no file has such a name
            return names.reason(path) or self.patterns.check(path.name) or ""
        except OSError as problem:
            return f"its path cannot be looked at: {problem}"

    def said(self, path: Path, is_folder: bool = False) -> str:
        """Return why a path is left out as it is named, "" where it is not; links are not followed."""
        why = "" if is_folder else names.reason(path)
        return why or self._folder(path.parent) or self._by_rules(path, is_folder)

    def _folder(self, folder: Path) -> str:
        """Return why all of a folder is left out."""
        if (known := self._folders.get(folder)) is not None:
            return known
        is_outermost = folder in (folder.parent, self._top(folder))
        why = "" if is_outermost else self._folder(folder.parent) or self._by_rules(folder, True)
        self._folders[folder] = why
        return why

    def _by_rules(self, path: Path, is_folder: bool) -> str:
        end = "/" if is_folder else ""
        root = max((root for root in self.roots if root in path.parents), key=lambda one: len(one.parts), default=None)
        if why := self.patterns.check(path.relative_to(root or path.anchor).as_posix() + end):
            return why
        if (top := self._top(path.parent)) is None:
            return ""
        folders = [folder for folder in path.parents if folder == top or top in folder.parents]
        for name in self.files:
            for folder in folders:  # the innermost first, as git does
                rules = self._read(folder / name)
                said = rules.check(path.relative_to(folder).as_posix() + end) if rules else None
                if said:
                    return said
                if said is not None:
                    break
        return ""

    def _top(self, folder: Path) -> Path | None:
        """Return the outermost folder whose rules hold here: of the repository around, or an open one."""
        if folder not in self._tops:
            chain = (folder, *folder.parents)
            repository = next((one for one in chain if (one / ".git").exists()), None)
            tops = [one for one in chain if one in self.roots or one == repository]
            self._tops[folder] = tops[-1] if tops else None
        return self._tops[folder]

    def _read(self, file: Path) -> Rules | None:
        if file not in self._rules:
            self._rules[file] = Rules.read(file)
        return self._rules[file]
