"""An editing trace: a text that somebody is going to have written, and with what pauses, slips and jumps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fim_lsp.errors import InputError
from fim_lsp.lab.bench.latency.documents import parts

KEY = re.compile(r"\n[ \t]*|.", re.DOTALL)  # the editor indents a new line


@dataclass(frozen=True)
class Edit:
    """final[start:end] is to be written: a pause before each of its characters, slips before some of them."""

    start: int
    end: int
    jump_ms: int  # looking around, before the cursor comes here
    pauses_ms: tuple[int, ...]
    slips: Mapping[int, str]  # offset in the edit: what is typed there by mistake, and taken back


@dataclass(frozen=True)
class TypingTrace:
    """Edits in the order of writing, in a text put together from the parts of these holes."""

    name: str
    keys: tuple[str, ...]
    sha256: str
    edits: tuple[Edit, ...]

    @cached_property
    def final(self) -> str:
        """The text when all is written; raises InputError when the shipped holes are no longer those it was made of."""
        try:
            text = "".join(parts(self.keys))
        except KeyError as missing:
            raise InputError(f"trace {self.name}: no shipped hole {missing}; write it anew: {REMEDY}") from None
        if digest(text) != self.sha256:
            raise InputError(f"trace {self.name}: its text has changed; write it anew: {REMEDY}")
        return text

    def begun(self) -> str:
        """Return the text with nothing written yet."""
        text = self.final
        for edit in sorted(self.edits, key=lambda edit: -edit.start):
            text = text[: edit.start] + text[edit.end :]
        return text

    def located_edits(self) -> Iterator[tuple[int, str, Edit]]:
        """Yield (offset in the text as it stands when its turn comes, what to write, edit)."""
        for turn, edit in enumerate(self.edits):
            unwritten = sum(later.end - later.start for later in self.edits[turn:] if later.start < edit.start)
            yield edit.start - unwritten, self.final[edit.start : edit.end], edit


REMEDY = "`fim-lsp bench traces --out FILE`"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def keys(text: str) -> list[str]:
    """Return the keys that write a text: a character each, a new line together with its indentation."""
    return KEY.findall(text)


def read(path: Path | None = None) -> list[TypingTrace]:
    """Read traces from JSON lines, the shipped ones by default; raises InputError."""
    source = path or Path(__file__).with_name("traces.jsonl")
    try:
        return [_trace(json.loads(line)) for line in source.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise InputError(f"{source} holds no editing traces: {problem!r}") from None


def dump(traces: Iterable[TypingTrace]) -> str:
    """Return traces as JSON lines."""
    return "".join(json.dumps(_row(trace), ensure_ascii=False, separators=(",", ":")) + "\n" for trace in traces)


def _row(trace: TypingTrace) -> dict[str, Any]:
    edits = [
        {
            "start": edit.start,
            "end": edit.end,
            "jump_ms": edit.jump_ms,
            "pauses_ms": list(edit.pauses_ms),
            "slips": [[at, wrong] for at, wrong in edit.slips.items()],
        }
        for edit in trace.edits
    ]
    return {"name": trace.name, "parts": list(trace.keys), "sha256": trace.sha256, "edits": edits}


def _trace(row: Mapping[str, Any]) -> TypingTrace:
    edits = tuple(
        Edit(one["start"], one["end"], one["jump_ms"], tuple(one["pauses_ms"]), dict(map(_slip, one["slips"])))
        for one in row["edits"]
    )
    return TypingTrace(row["name"], tuple(row["parts"]), row["sha256"], edits)


def _slip(pair: Sequence[Any]) -> tuple[int, str]:
    at, wrong = pair
    return int(at), str(wrong)
