"""Brackets, quotes and comments of a text by its characters alone: for drafts, which no parser has seen."""

from __future__ import annotations

from dataclasses import dataclass

from fim_lsp.languages.language import Language

PAIRS = {")": "(", "]": "[", "}": "{"}
CLOSERS = {opener: closer for closer, opener in PAIRS.items()}
LOOK_BACK_CHARS = 4000  # of a line


@dataclass(frozen=True)
class Scan:
    """What a text holds outside its strings and comments, and what it ends within."""

    brackets: tuple[tuple[int, str], ...]  # (offset, bracket)
    quote: str  # of the string that is still open
    comment: int  # offset of the comment that is still open, -1 without one


def scan(text: str, language: Language) -> Scan:
    """Read a text; a string without a long quote ends with its line, so that one odd quote harms one line."""
    found: list[tuple[int, str]] = []
    at = 0
    while token := language.token_pattern.search(text, at):
        at = token.end()
        match token.lastgroup:
            case "bracket":
                found.append((token.start(), token.group()))
            case "quote":
                at = _string_end(text, at, token.group(), language)
                if at > len(text):
                    return Scan(tuple(found), token.group(), -1)
            case "line" | "block":
                ending = (
                    "\n" if token.lastgroup == "line" else language.block_comment[1] if language.block_comment else ""
                )
                if (end := text.find(ending, at)) < 0:
                    return Scan(tuple(found), "", token.start())
                at = end + len(ending)
    return Scan(tuple(found), "", -1)


def _string_end(text: str, at: int, quote: str, language: Language) -> int:
    """Return where the string ends that begins at `at`, beyond the text where it does not."""
    is_long = quote in language.long_quotes
    while at < len(text):
        char = text[at]
        if char == quote or (char == "\n" and not is_long):
            return at + 1
        at += 2 if char == "\\" and (is_long or text[at + 1 : at + 2] != "\n") else 1
    return len(text) + 1


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


def closers_behind(before: str, after: str, language: Language) -> str:
    """Return what stands behind the cursor on its line, where it but closes what the line opened before: an editor
    puts it there with each opener, and nothing says yet that the line ends with it. "" where more stands there."""
    found, standing = scan(before[-LOOK_BACK_CHARS:], language), after.rstrip()
    opened = open_brackets(before[-LOOK_BACK_CHARS:], language)
    closers = found.quote + "".join(CLOSERS[one] for one in reversed(opened))
    return standing if found.comment < 0 and closers.startswith(standing) else ""


def closed_by(text: str, closers: str, language: Language) -> list[int]:
    """Return where a text closes the first, the second … of the closers that stand behind it, as far as it does."""
    found, at = [], 0
    if closers[:1] in PAIRS:
        rest = closers
    else:
        at, rest = _string_end(text, 0, closers[:1], language), closers[1:]
        if at > len(text):
            return []
        found.append(at - 1)
    for closer, (offset, said) in zip(rest, stray_closers(text[at:], language), strict=False):
        if said != closer:
            break
        found.append(at + offset)
    return found


def opened_again(text: str, stands: str, language: Language) -> str:
    """Return the quote that a text within a string begins with although it stands before it, "" where it closes it."""
    quote = stands[-1:]
    if not quote or quote not in language.quotes + language.long_quotes:
        return ""
    mark = 3 * quote if stands.endswith(3 * quote) else quote
    rest = text.removeprefix(mark)
    is_ended = bool(rest.strip()) and rest.count(mark) == 1 and rest.rstrip().endswith(mark)
    return mark if rest != text and (is_ended or language.is_word(rest[:1])) else ""
