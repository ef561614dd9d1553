"""Write a trace through an editor: press its keys in its pauses, and accept what is just what was going to be typed.

keys   ──d──e──f── ──────────▶ a key is due: is there a ghost text that fits, seen for long enough to stop the hand?
ghost        └─"main():"─┐       no: it is pressed.  yes: read it to the end, accept all of it, its line or its word
accept                   └─▶
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from fim_lsp.domain import is_word
from fim_lsp.lab.bench.latency.editor import Change, EditorSimulator, Ghost
from fim_lsp.lab.bench.latency.traces import Edit, TypingTrace, keys

REACTION_S = 0.15  # a hand that is on its way to a key does not stop for what was seen later than this
READING_S = 0.4  # from first seeing a text that fits to accepting it
SLIP_S = 0.25  # to notice a slip
BACKSPACE_S = 0.09
FEWEST_CHARS = 2  # accepting less is no less work than typing it


@dataclass
class Replay:
    """What came of one trace."""

    trace: str
    contender: str
    lines: int
    accepted_chars: int = 0
    accepts: int = 0
    typed_chars: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


def replay(trace: TypingTrace, editor: EditorSimulator, speed: float = 1.0) -> Replay:
    """Replay a trace; afterwards the document is the text that was to be written."""
    done = Replay(trace.name, editor.name, trace.final.count("\n"))
    began, spent = time.perf_counter(), editor.cpu_s()
    editor.open(trace.name, trace.begun())
    for offset, wanted, edit in trace.located_edits():
        editor.rest(edit.jump_ms / 1e3 / speed)
        editor.press("jump", offset)
        _write(editor, offset, wanted, edit, done, speed)
    editor.rest(READING_S / speed)
    editor.give_up()
    editor.settle()
    done.wall_s, done.cpu_s = time.perf_counter() - began, editor.cpu_s() - spent
    return done


def fitting(ghost: Ghost, document: str, wanted: str, written: int, cursor: int) -> Change | None:
    """Return the greatest part of a ghost text whose acceptance goes on with just what is wanted, if any does.

    The document is what it was, wanted[:written] up to the cursor, and the rest of what it was.
    """
    before, after = document[: cursor - written], document[cursor:]
    for change in (ghost.all, ghost.line, ghost.word):
        changed = change.apply(document)
        upto = written + len(changed) - len(document)
        is_further = written + FEWEST_CHARS <= upto <= len(wanted)
        if is_further and not _is_within_word(wanted, upto) and changed == before + wanted[:upto] + after:
            return change
    return None


def _write(editor: EditorSimulator, offset: int, wanted: str, edit: Edit, done: Replay, speed: float) -> None:
    written, slips = 0, dict(edit.slips)
    while written < len(wanted):
        editor.rest(edit.pauses_ms[written] / 1e3 / speed)
        if accepted := _accept(editor, wanted, written, offset, speed):
            done.accepts += 1
            done.accepted_chars += accepted
            written += accepted
            continue
        if wrong := slips.pop(written, ""):
            _slip(editor, wrong, speed)
        key = keys(wanted[written:])[0]
        editor.press("key", editor.cursor + len(key), Change(editor.cursor, editor.cursor, key))
        written += len(key)
        done.typed_chars += len(key)


def _accept(editor: EditorSimulator, wanted: str, written: int, offset: int, speed: float) -> int:
    """Accept what fits and return how many characters that gave, 0 for nothing that fits."""

    def found() -> Change | None:
        if editor.ghost is None:
            return None
        return fitting(editor.ghost, editor.document, wanted, written, offset + written)

    seen_s = (time.perf_counter() - editor.seen_at) * speed
    if found() is None or seen_s < REACTION_S:
        return 0
    editor.rest(max(0.0, READING_S - seen_s) / speed)
    if (change := found()) is None:  # another text has taken its place
        return 0
    gained = len(change.apply(editor.document)) - len(editor.document)
    editor.press("accept", editor.cursor + gained, change)
    return gained


def _slip(editor: EditorSimulator, wrong: str, speed: float) -> None:
    for char in wrong:
        editor.press("key", editor.cursor + 1, Change(editor.cursor, editor.cursor, char))
        editor.rest(SLIP_S / speed)
    for _ in wrong:
        editor.press("backspace", editor.cursor - 1, Change(editor.cursor - 1, editor.cursor, ""))
        editor.rest(BACKSPACE_S / speed)


def _is_within_word(text: str, at: int) -> bool:
    return at < len(text) and all(is_word(char) for char in text[at - 1 : at + 1])
