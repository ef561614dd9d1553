"""What llama.vim does around a request, without an editor: context, request, cache, what of an answer is shown.

After autoload/llama.vim of github.com/ggml-org/llama.vim at a1c8e6e: `fim_ctx_local`, `fim`, `fim_try_hint`,
`fim_render`, its default settings. Where it could only do better, it does so here: keys of the cache are the texts
themselves, not their hashes, and the ring of chunks from elsewhere is off (`ring_n_chunks` 0), which shortens prompts.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fim_lsp.lab.bench.latency.editor import Change, Ghost

N_PREFIX, N_SUFFIX = 256, 64  # lines
N_PREDICT = 128
FIRST_PREDICT_MS, PREDICT_MS = 250, 1000  # of a request for what is shown, and of a speculative one
MAX_LINE_SUFFIX = 8  # more right of the cursor, and nothing is asked unasked
MAX_CACHE_KEYS = 250
LOOK_BACK = 128  # characters typed along a cached answer
SCROLLED = 3  # lines by which the window may have moved on
LINES_BELOW = 256  # of which rendering sees more than a request sends
FIELDS = ("content", "truncated", "tokens_cached", "timings/prompt_n", "timings/cache_n", "timings/predicted_n")
WORD = re.compile(r"\s*\S+")

Key = tuple[str, str]


@dataclass(frozen=True)
class View:
    """The lines around the cursor; `start` and `end` are offsets of the cursor's line in the document."""

    above: Sequence[str]
    line: str
    below: Sequence[str]
    column: int
    start: int
    end: int

    @classmethod
    def at(cls, document: str, cursor: int) -> View:
        start = document.rfind("\n", 0, cursor) + 1
        end = _find(document, cursor, 1) - 1
        first = start
        for _ in range(N_PREFIX):
            if first == 0:
                break
            first = document.rfind("\n", 0, first - 1) + 1
        last = _find(document, end + 1, LINES_BELOW)
        above, below = document[first:start].split("\n")[:-1], document[end + 1 : last].split("\n")
        if below and not below[-1]:
            below.pop()  # the file's last line break begins no line
        return cls(above, document[start:end], below, cursor - start, start, end)

    @property
    def left(self) -> str:
        return self.line[: self.column]

    @property
    def right(self) -> str:
        return self.line[self.column :]

    @property
    def is_blank(self) -> bool:
        return not self.line.strip()


@dataclass(frozen=True)
class Local:
    """The context of a request."""

    prefix: str
    middle: str
    suffix: str
    indent: int
    line_suffix: str

    def cache_keys(self) -> Iterator[Key]:
        """Yield under what the answer is kept: with the whole prefix, and with its first lines scrolled away."""
        prefix = self.prefix
        for _ in range(SCROLLED + 1):
            yield prefix + self.middle, self.suffix
            prefix = prefix.partition("\n")[2]
            if not prefix:
                return


def local(view: View, shown: Sequence[str] = (), last_indent: int = 0) -> Local:
    """Return the context at the cursor, or as if the lines `shown` there had been accepted."""
    above, suffix_lines = list(view.above), view.below[:N_SUFFIX]
    if not shown:
        left, right = ("", "") if view.is_blank else (view.left, view.right)
        indent = 0 if view.is_blank else len(view.line) - len(view.line.lstrip(" \t"))
    else:
        left, right, indent = view.line + shown[0] if len(shown) == 1 else shown[-1], "", last_indent
        if len(shown) > 1:
            above += [view.line + shown[0], *shown[1:-1]]
        above = above[-N_PREFIX:]
    prefix = "\n".join(above) + "\n"
    return Local(prefix, left, "\n".join((right, *suffix_lines)) + "\n", indent, right)


def request(at: Local, is_speculative: bool, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of POST /infill."""
    return {
        "id_slot": 0,
        "input_prefix": at.prefix,
        "input_suffix": at.suffix,
        "input_extra": [],
        "prompt": at.middle,
        "n_predict": N_PREDICT,
        "stop": [],
        "n_indent": at.indent,
        "top_k": 40,
        "top_p": 0.90,
        "samplers": ["top_k", "top_p", "infill"],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": PREDICT_MS if is_speculative else FIRST_PREDICT_MS,
        "response_fields": list(FIELDS),
        **sampling,
    }


class Answers:
    """Its cache: the last answers by what they answered."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Key, str] = OrderedDict()

    def has(self, at: Local) -> bool:
        return any(key in self.kept for key in at.cache_keys())

    def put(self, at: Local, content: str) -> None:
        for key in at.cache_keys():
            self.kept[key] = content
            self.kept.move_to_end(key)
            if len(self.kept) > MAX_CACHE_KEYS:
                self.kept.popitem(last=False)

    def find(self, at: Local) -> str | None:
        """Return the answer kept for this very place, or the longest remainder of one that was typed along."""
        text = at.prefix + at.middle
        if (text, at.suffix) in self.kept:
            self.kept.move_to_end((text, at.suffix))
            return self.kept[text, at.suffix]
        best = ""
        for typed in range(1, min(LOOK_BACK, len(text)) + 1):
            content = self.kept.get((text[:-typed], at.suffix), "")
            if content.startswith(text[-typed:]) and len(content) - typed > len(best):
                best = content[typed:]
        return best or None


@dataclass(frozen=True)
class Hint:
    """What is drawn: ghost text where it may be accepted, and its lines, after which the next request speculates."""

    ghost: Ghost | None
    lines: tuple[str, ...]


def render(content: str, view: View) -> Hint:
    """Return what is shown of an answer: nothing of what only repeats the lines that are there."""
    lines = content.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    lines = lines or [""]
    line = view.line
    if view.is_blank:  # the answer brings its own indentation
        lead = min(len(lines[0]) - len(lines[0].lstrip()), len(line))
        line, lines[0] = lines[0][:lead], lines[0][lead:]
    left, right = line[: view.column], line[view.column :]
    if _is_repetition(lines, replace(view, line=line)):
        lines = [""]
    lines[-1] += right
    if not "\n".join(lines).strip():
        return Hint(None, tuple(lines))
    return Hint(_ghost(lines, left, right, view), tuple(lines))


def _ghost(lines: Sequence[str], left: str, right: str, view: View) -> Ghost | None:
    """Return ghost text that rewrites its line, as llama.vim does on accepting."""
    shown = "\n".join(lines)
    shown = shown.removesuffix(right) if right else shown
    first = lines[0].removesuffix(right) if right and len(lines) == 1 else lines[0]
    word = WORD.match(first)

    def rewritten(text: str) -> Change:
        return Change(view.start, view.end, left + text)

    if not shown:
        return None
    accepted_word = (word[0] if word else "") + right
    return Ghost(shown, rewritten("\n".join(lines)), rewritten(lines[0]), rewritten(accepted_word))


def _is_repetition(lines: Sequence[str], view: View) -> bool:
    below = view.below
    if len(lines) > 1 and not lines[0] and list(lines[1:]) == list(below[: len(lines) - 1]):
        return True
    if len(lines) == 1 and lines[0] == view.right:
        return True
    at = next((n for n, line in enumerate(below) if line.strip()), len(below) - 1)  # the next line with something on it
    if at < 0 or view.left + lines[0] != below[at]:
        return False
    if len(lines) == 1:
        return True
    if len(lines) == 2 and at + 1 < len(below) and below[at + 1].startswith(lines[-1]):
        return True
    return len(lines) > 2 and list(lines[1:]) == list(below[at + 1 : at + len(lines)])


def _find(document: str, start: int, count: int) -> int:
    """Return where the line begins that is `count` line breaks on, one past the end where there are fewer."""
    for _ in range(count):
        start = document.find("\n", start) + 1
        if not start:
            return len(document) + 1
    return start
