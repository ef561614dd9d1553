"""Write editing traces: which spans of a long file are typed, in what order, and how a person's hands would.

Pauses between keys are log-normal, as keystroke logs show them: a median of 150 ms inside a word, longer before a
word, longest before a line (Dhakal et al., Observations on Typing from 136 Million Keystrokes, CHI 2018).
"""

from __future__ import annotations

import hashlib
import random

from fim_lsp.compare.holes import Cutter, Span
from fim_lsp.domain import is_word
from fim_lsp.lab.bench.latency.documents import parts, usable
from fim_lsp.lab.bench.latency.traces import Edit, TypingTrace, digest
from fim_lsp.languages import DEFAULT, get

SIZES = (800, 50, 3000, 200, 12_000, 100, 1500, 5000, 400, 20_000, 8000, 16_000)  # lines; any few first ones differ
KINDS = {"whole_line": 0.3, "block": 0.3, "function_body": 0.2, "rest_of_line": 0.12, "arguments": 0.08}
CHARS = 130  # of a trace, about: half a minute of typing
EDIT_CHARS = 160
EDITS_OF_A_PART = 2
SLIP_SHARE = 0.03
SHORTEST_MS, LONGEST_MS = 40, 2500
NEAR = {"a": "s", "e": "r", "i": "o", "l": "k", "n": "m", "o": "p", "r": "t", "s": "d", "t": "y", "u": "i"}


def write(count: int, seed: int) -> list[TypingTrace]:
    """Return so many traces; the same seed gives the same ones."""
    may_type, done = usable(), set[str]()
    traces = []
    for number in range(count):
        size = SIZES[number % len(SIZES)]
        rng = random.Random(f"{seed}:{number}")
        shuffled = sorted(may_type, key=lambda key: hashlib.sha256(f"{seed}:{number}:{key}".encode()).digest())
        fresh = [key for key in shuffled if may_type[key] and key not in done]
        trace, typed = _trace(f"{size}-lines-{number // len(SIZES) + 1}", size, fresh, shuffled, rng)
        done.update(typed)
        traces.append(trace)
    return traces


def _trace(
    name: str, size: int, fresh: list[str], others: list[str], rng: random.Random
) -> tuple[TypingTrace, list[str]]:
    """Return a trace and the keys of the parts that are typed into."""
    typed = fresh[: 1 if size <= 100 else 2 if size <= 800 else 3]
    chosen, lines = list(typed), sum(text.count("\n") for text in parts(typed))
    for key in others:
        more = parts([key])[0].count("\n")
        if key not in typed and lines + more <= size:
            chosen.append(key)
            lines += more
    rng.shuffle(chosen)
    texts = parts(chosen)
    final, spans = "".join(texts), []
    for key in typed:
        at = chosen.index(key)
        begin = sum(map(len, texts[:at]))
        cut = Cutter(texts[at], get(DEFAULT)).spans(rng, KINDS, EDITS_OF_A_PART, most_chars=EDIT_CHARS)
        spans += [_without_indentation(texts[at], span, begin) for span in cut]
    rng.shuffle(spans)
    kept: list[Span] = []
    for span in spans:
        if not kept or sum(one.end - one.start for one in kept) < CHARS:
            kept.append(span)
    return TypingTrace(name, tuple(chosen), digest(final), tuple(_edit(final, span, rng) for span in kept)), typed


def _without_indentation(text: str, span: Span, begin: int) -> Span:
    """Return a span of the whole file; an editor has indented the line before anything is typed."""
    said = text[span.start : span.end]
    indent = len(said) - len(said.lstrip(" \t")) if text[: span.start].endswith("\n") or not span.start else 0
    return Span(begin + span.start + indent, begin + span.end, span.kind)


def _edit(final: str, span: Span, rng: random.Random) -> Edit:
    said = final[span.start : span.end]
    pauses = tuple(_pause_ms(final, span.start + at, rng) for at in range(len(said)))
    slips = {at: NEAR[char] for at, char in enumerate(said) if char in NEAR and rng.random() < SLIP_SHARE}
    slips = {at: wrong + said[at + 1 : at + 1 + rng.randrange(2)].strip() for at, wrong in slips.items()}
    return Edit(span.start, span.end, round(_clip(rng.lognormvariate(7.1, 0.4))), pauses, slips)


def _pause_ms(final: str, at: int, rng: random.Random) -> int:
    before, char = final[at - 1 : at], final[at]
    pause = rng.lognormvariate(5.0, 0.45)
    if is_word(char) and not is_word(before):
        pause *= 1.6
    if before in ("\n", "") or not final[final.rfind("\n", 0, at) + 1 : at].strip():
        pause += rng.lognormvariate(5.9, 0.5)
    return round(_clip(pause))


def _clip(pause: float) -> float:
    return min(max(pause, SHORTEST_MS), LONGEST_MS)
