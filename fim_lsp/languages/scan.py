"""Brackets, quotes and comments of a text by its characters alone: for drafts, which no parser has seen."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.languages.language import Language

PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Scan:
    """What a text holds outside its strings and comments, and what it ends within."""

    brackets: tuple[tuple[int, str], ...]  # (offset, bracket)
    quote: str  # of the string that is still open
    is_comment: bool  # a comment is


def scan(text: str, language: Language) -> Scan:
    """Read a text; a string without a long quote ends with its line, so that one odd quote harms one line."""
    found: list[tuple[int, str]] = []
    quote, at = "", 0
    while at < len(text):
        char = text[at]
        if quote:
            at += 2 if char == "\\" and text[at + 1 : at + 2] != "\n" else 1
            if char == quote or (char == "\n" and quote not in language.long_quotes):
                quote = ""
        elif language.literal_pattern and (literal := language.literal_pattern.match(text, at)):
            at = max(literal.end(), at + 1)
        elif after := _comment_end(text, at, language):
            at = after
            if at > len(text):
                return Scan(tuple(found), "", True)
        else:
            if char in language.quotes or char in language.long_quotes:
                quote = char
            elif char in language.brackets:
                found.append((at, char))
            at += 1
    return Scan(tuple(found), quote, False)


def _comment_end(text: str, at: int, language: Language) -> int:
    """Return where the comment that begins here ends, beyond the text where it does not; 0 where none begins."""
    if language.block_comment and text.startswith(language.block_comment[0], at):
        end = text.find(language.block_comment[1], at + len(language.block_comment[0]))
        return end + len(language.block_comment[1]) if end >= 0 else len(text) + 1
    if text.startswith(language.line_comments, at):
        end = text.find("\n", at)
        return end if end >= 0 else len(text) + 1
    return 0


def open_brackets(text: str, language: Language) -> str:
    """Return the brackets left open, outermost first."""
    stack: list[str] = []
    for _, char in scan(text, language).brackets:
        if char in PAIRS.values():
            stack.append(char)
        elif stack and stack[-1] == PAIRS[char]:
            stack.pop()
    return "".join(stack)


def stray_closers(text: str, language: Language, open_before: str = "") -> list[tuple[int, str]]:
    """List (offset, closer) of what closes neither a bracket of the text nor one of those open before it."""
    stack, stray = list(open_before), []
    for at, char in scan(text, language).brackets:
        if char in PAIRS.values():
            stack.append(char)
        elif stack and stack[-1] == PAIRS[char]:
            stack.pop()
        else:
            stray.append((at, char))
    return stray
