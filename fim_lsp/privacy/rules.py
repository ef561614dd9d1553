"""Patterns in the syntax of .gitignore, and which line of them decides; what cannot be read leaves out everything."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a server that meets no pattern does without
    from pathspec import GitIgnoreSpec

MOST_BYTES = 256_000
MOST_STARS = 3  # of a path's part, and of `**`: the time to match grows with their power
UNUSABLE = f"is no pattern, or has more than {MOST_STARS} stars in a part of a path; mend or delete it"


@dataclass(frozen=True)
class Rules:
    """The patterns of one source, each with the words for where it stands; `fault`: why they cannot be used."""

    patterns: tuple[tuple[str, str], ...] = ()  # where, pattern
    fault: str = ""

    @classmethod
    def of(cls, lines: Iterable[str], where: str) -> Rules:
        """Read lines; `where` has a place for their number."""
        numbered = [(where.format(number), line) for number, line in enumerate(lines, 1)]
        patterns = tuple((at, line) for at, line in numbered if line.strip() and not line.startswith("#"))
        bad = next(((at, line) for at, line in patterns if not _is_pattern(line)), None)
        return cls((), f"{bad[0]} {UNUSABLE}: {bad[1]!r:.80}") if bad else cls(patterns)

    @classmethod
    def read(cls, file: Path) -> Rules | None:
        """Read a rule file, None where there is none."""
        try:
            if not stat.S_ISREG((about := file.stat()).st_mode):
                return cls((), f"{file} is no ordinary file; mend or delete it")
            if about.st_size > MOST_BYTES:
                return cls((), f"{file} has more than {MOST_BYTES:,} bytes; shorten it")
            data = file.read_bytes()
            return cls.of(data.decode("utf-8-sig").splitlines(), f"line {{}} of {_braced(file)}")
        except UnicodeDecodeError as problem:
            line = data[: problem.start].count(b"\n") + 1
            return cls((), f"line {line} of {file} is not UTF-8; save it as UTF-8")
        except (FileNotFoundError, NotADirectoryError):
            return cls((), f"{file} is a link to nothing; mend or delete it") if file.is_symlink() else None
        except OSError as problem:
            return cls((), f"{file} cannot be read: {os.strerror(problem.errno or 0)}; let it be read, or delete it")

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines([pattern for _, pattern in self.patterns])

    def check(self, path: str) -> str | None:
        """Return the rule that leaves a path out, "" for one that lets it in, None where no rule says anything.

        The path is relative to the folder of the rules; a folder's ends in a slash.
        """
        if self.fault or not self.patterns:
            return self.fault or None
        said = self._spec.check_file(path)
        if said.include is None or said.index is None:
            return None
        where, pattern = self.patterns[said.index]
        return f"{where}, {pattern!r:.80}" if said.include else ""


def _braced(file: Path) -> str:
    return str(file).replace("{", "{{").replace("}", "}}")


def _is_pattern(line: str) -> bool:
    """True for what git would match something with, in a time that does not explode."""
    from pathspec import GitIgnoreSpec

    parts = line.split("/")
    if max(parts.count("**"), *(part.count("*") for part in parts if part != "**"), 0) > MOST_STARS:
        return False
    try:
        return all(one.include is not None for one in GitIgnoreSpec.from_lines([line]).patterns)
    except (ValueError, re.error):
        return False
