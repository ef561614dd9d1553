"""Read a prompt that a client has rendered for some published model back into prefix and suffix.

<|file_sep|>a.py⏎x = 1⏎<|file_sep|>b.py⏎<|fim_prefix|>y = <|fim_suffix|>⏎<|fim_middle|>
                                        →  prefix `y = `, suffix `⏎`, path b.py, snippet a.py

Known by how it begins: a document that mentions a sentinel further down is no prompt. Where the text around the cursor
has sentinels itself, the outermost count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fim_lsp.domain import Snippet
from fim_lsp.http import comments
from fim_lsp.http.place import SENT, TextAround
from fim_lsp.languages import known
from fim_lsp.sentinels import KNOWN, Sentinels

BEGINNINGS = re.compile(r"(?:<s>|<bos>|<\|begin_of_text\|>|<\|endoftext\|>|<｜begin▁of▁sentence｜>|\[gMASK\]<sop>)? ?")
REPOSITORY = re.compile(r"(?:<\|repo_name\|>|<repo_name>|<reponame>)[^\n<]*\n?")
PATH = re.compile(r"[^\s(){}\[\]=;,'\"<>|*]*[./][^\s(){}\[\]=;,'\"<>|*]*")
TURN, TURN_END = "<|user|>", "<|assistant|>"  # CodeGeeX4's prompt is a turn of a chat
TOLD = re.compile(r"###(PATH|LANGUAGE):([^\n]+)\n")
LISTED = re.compile(r"^\+{5} ([^\n]+)\n", re.MULTILINE)  # Codestral's head of a file
# a family with what stands before a file in any that spells its sentinels alike
FORMATS = [(one, tuple(like.file for like in KNOWN if like.prefix == one.prefix and like.file)) for one in KNOWN]


def read(prompt: str) -> TextAround:
    """Return what a prompt says; one without sentinels is all prefix."""
    begun = prompt[BEGINNINGS.match(prompt).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    for marks, files in FORMATS:
        is_begun = begun.startswith((marks.prefix, marks.suffix, *files, TURN)) or REPOSITORY.match(begun)
        if is_begun and (place := _read(begun, marks, files)) is not None:
            return read_files(place)
    return read_files(TextAround(prompt))


def read_files(place: TextAround) -> TextAround:
    """Take the files that Codestral's prompts list before the prefix, or comments tell of, for what they are."""
    if not place.prefix.startswith("+++++ "):
        return comments.read(place)
    _, *parts = LISTED.split(place.prefix)
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    if not pairs:
        return place
    path, prefix = pairs[-1]
    others = tuple(Snippet(name, text.rstrip("\n"), SENT) for name, text in pairs[:-1])
    return replace(place, prefix=prefix, path=path.strip(), snippets=place.snippets + others)


def _read(prompt: str, marks: Sentinels, files: tuple[str, ...]) -> TextAround | None:
    """Cut a prompt at a family's sentinels; None where one is missing. What stands behind the last is prefix too."""
    at_prefix, at_suffix = prompt.find(marks.prefix), prompt.find(marks.suffix)
    at_middle = prompt.rfind(marks.middle) if marks.middle else len(prompt)
    if min(at_prefix, at_suffix) < 0 or at_middle < max(at_prefix, at_suffix):
        return None
    if at_prefix < at_suffix:
        prefix = prompt[at_prefix + len(marks.prefix) : at_suffix]
        suffix = prompt[at_suffix + len(marks.suffix) : at_middle]
    else:
        suffix = prompt[at_suffix + len(marks.suffix) : at_prefix]
        prefix = prompt[at_prefix + len(marks.prefix) : at_middle]
    if marks.is_spaced:
        prefix = prefix.removeprefix(" ").removesuffix(" ")
        suffix = suffix.removesuffix(" ")
    head, rest = prompt[: min(at_prefix, at_suffix)], prompt[at_middle + len(marks.middle) :]
    place = TextAround(
        prefix + rest.removesuffix("\n").removesuffix(TURN_END) if TURN_END in rest else prefix + rest, suffix
    )
    if head.startswith(TURN):
        told = dict(TOLD.findall(head))
        return replace(place, path=told.get("PATH", ""), language=known.named(told.get("LANGUAGE", "")))
    *others, own = list(_files(REPOSITORY.sub("", head, count=1), files)) or [Snippet("", "", SENT)]
    if own.text:  # the file itself is not named
        others, own = [*others, own], Snippet("", "", SENT)
    return replace(place, path=own.path, snippets=tuple(one for one in others if one.text))


def _files(head: str, marks: tuple[str, ...]) -> Iterator[Snippet]:
    """Yield each file of a prompt's head; one that is a path alone has no text."""
    if not marks:
        return
    for part in re.split("|".join(map(re.escape, marks)), head)[1:]:
        first, newline, text = part.partition("\n")
        if newline and (not text or PATH.fullmatch(first)):
            yield Snippet(first.strip(), text.rstrip("\n"), SENT)
        else:
            yield Snippet("", part.strip("\n"), SENT)
