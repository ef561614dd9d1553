"""A language as data. The defaults are those of the many with braces and `//`; a file states what differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module

import tree_sitter

from fim_lsp.domain import is_word
from fim_lsp.languages import pieces
from fim_lsp.languages.pieces import Pieces

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Embedded:
    """Text of another language within this one."""

    nodes: frozenset[str]  # node types it is looked for in
    pattern: str  # regex over such a node's text: group `body` is it, group `language` names it
    ends: str  # regex of what ends it, beyond which no suggestion goes
    language: str = ""  # where no group names it

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


@dataclass(frozen=True)
class Language:
    """One language; node types are those of its grammar, regexes are searched in one line unless said otherwise."""

    name: str
    extensions: tuple[str, ...]
    grammar: str = ""  # module of the one-grammar wheel, `module:function` where it has several; "" for none
    ids: tuple[str, ...] = ()  # other names that editors have for it
    modes: tuple[str, ...] = ()  # Emacs's for it, where they are not called as it is

    # text
    line_comments: tuple[str, ...] = ("//",)
    block_comment: tuple[str, str] | None = ("/*", "*/")
    quotes: str = "\"'"  # of strings that end with their line
    long_quotes: str = ""  # of strings that do not
    literals: str = ""  # regex of what holds a quote, comment mark or bracket that is none
    brackets: str = "()[]{}"  # those that come in pairs everywhere
    word_chars: str = "_"  # what belongs to a word beside letters and digits: no suggestion begins or ends within one
    is_prose: bool = False  # sentences, not statements
    has_magics: bool = False  # in a notebook, IPython's lines stand among its own
    after_closer: str = ":,;{"  # what may follow a closing bracket at a line's end and belongs to it

    # zones
    comments: frozenset[str] = frozenset({"comment"})
    strings: frozenset[str] = frozenset({"string"})
    interpolations: frozenset[str] = NOTHING  # code within a string
    string_text: str = ""  # regex that begins a string where the node type is not enough
    string_starts: frozenset[str] = NOTHING  # tokens that only begin a string, where the grammar has such
    string_ends: frozenset[str] = frozenset({'"', "'", "`"})  # tokens that end one

    # blocks
    header: str = r".*\{$"  # regex of a header: all of it up to its opener, its white space collapsed
    openers: frozenset[str] = frozenset({"{"})  # tokens that end a header; without any its line's end does
    closers: tuple[str, ...] = ("}",)  # what ends a block, as deep as its header; without any the indent does
    closer_rest: str = r"[)\];,]*"  # regex of what goes with a closer
    lists: frozenset[str] = NOTHING  # bracketed nodes that a header's lines may be broken in
    endings: tuple[str, ...] = ("", "}}", " {{}}", ";")  # what makes whole an unfinished head at a text's end
    element: str = ""  # regex of an element's start at a text's end, its group the name
    expression: str = "x"  # what fits wherever an expression does
    errors: frozenset[str] = NOTHING  # nodes by which the grammar says, without an error, that something is wrong
    scope: str = ""  # regex that begins a definition's header, kept when the middle of a file is cut away

    # imports
    imports: frozenset[str] = NOTHING
    import_text: str = ""  # regex that begins an import where the node type is not enough
    shares_folder: bool = False  # files of one folder see each other's names, and an import may name a folder
    import_names: str = r"(?s)(.*)"  # regex whose group holds the names an import brings

    # definitions
    definitions: frozenset[str] = NOTHING  # nodes that give a name to something other files may use
    owners: frozenset[str] = NOTHING  # those of them whose own definitions count too
    elided: str = " { ... }"  # stands for a body that is left out

    # names; an entry with a dot is `parent.field` and means what stands just there, no field being ""
    names: frozenset[str] = NOTHING  # nodes that are names of something; without any nobody asks what a name stands for
    givers: frozenset[str] = NOTHING  # where a name is given to something, or that may be: in all of such a node
    members: frozenset[str] = NOTHING  # where it is looked for within something else
    predefined: Callable[[], frozenset[str]] = frozenset  # names that are there before any text
    unseen: str = ""  # regex of a text that may use names which it never shows

    embedded: tuple[Embedded, ...] = ()  # the first that fits
    holes: Mapping[str, str] = field(default_factory=dict)  # node types worth hiding: the kind of hole each makes

    @property
    def emacs_modes(self) -> tuple[str, ...]:
        return self.modes or (f"{self.name}-mode", f"{self.name}-ts-mode")

    @property
    def wheel(self) -> str:
        """The package that brings the grammar, "" where there is none."""
        return self.grammar.partition(":")[0].replace("_", "-")

    @cached_property
    def _parser(self) -> tree_sitter.Parser | None:
        return tree_sitter.Parser(self.ts_language) if self.ts_language else None

    @cached_property
    def ts_language(self) -> tree_sitter.Language | None:
        """The grammar, loaded when first asked for; None where there is none, or it is not installed."""
        module, _, function = self.grammar.partition(":")
        try:
            load: Callable[[], object] = getattr(import_module(module), function or "language")
            return tree_sitter.Language(load())
        except (ImportError, ValueError):  # no such wheel; no name; one made for another version of tree-sitter
            return None

    def parse(self, source: bytes, old: tree_sitter.Tree | None = None) -> tree_sitter.Tree | None:
        """Parse UTF-8 source, reusing what an edited old tree still knows; None without a grammar, or out of time."""
        if self._parser is None:
            return None
        assert self.ts_language
        before = () if old is None else (old,)
        if len(source) < pieces.SHORT:
            return self._parser.parse(source, *before)
        text = Pieces(source, self.ts_language)
        tree = self._parser.parse(text, *before)
        text.end()
        return None if text.is_late else tree

    @cached_property
    def keywords(self) -> frozenset[str]:
        """The grammar's words."""
        of = self.ts_language
        kinds = (
            {of.node_kind_for_id(n) for n in range(of.node_kind_count) if not of.node_kind_is_named(n)} if of else ()
        )
        return frozenset(kind for kind in kinds if kind and kind.isidentifier())

    @cached_property
    def definition_query(self) -> tree_sitter.Query | None:
        """What finds all nodes that define something; None without a grammar."""
        types = " ".join(f"({name})" for name in sorted(self.definitions))
        return tree_sitter.Query(self.ts_language, f"[{types}] @it") if types and self.ts_language else None

    @cached_property
    def header_pattern(self) -> re.Pattern[str]:
        return re.compile(self.header)

    @cached_property
    def token_pattern(self) -> re.Pattern[str]:
        """What languages/scan.py stops at, by kind."""
        kinds = {
            "literal": self.literals,
            "block": re.escape(self.block_comment[0]) if self.block_comment else "",
            "line": "|".join(map(re.escape, self.line_comments)),
            "quote": _any_of(self.quotes + self.long_quotes),
            "bracket": _any_of(self.brackets),
        }
        return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items() if pattern))

    @cached_property
    def error_query(self) -> tree_sitter.Query | None:
        """What finds `errors` in a tree, None without any."""
        if not self.errors or self.ts_language is None:
            return None
        return tree_sitter.Query(self.ts_language, " ".join(f"({node}) @error" for node in sorted(self.errors)))

    @cached_property
    def scope_pattern(self) -> re.Pattern[str] | None:
        return re.compile(self.scope) if self.scope else None

    @cached_property
    def unseen_pattern(self) -> re.Pattern[str] | None:
        return re.compile(self.unseen) if self.unseen else None

    @cached_property
    def closing_pattern(self) -> re.Pattern[str] | None:
        """What closes a block, at its line's beginning, and the brackets and marks that go with it."""
        if not self.closers:
            return None
        words = "|".join(re.escape(one) + r"\b" * one.isalpha() for one in self.closers)
        return re.compile(rf"(?:{words}){self.closer_rest}")

    def is_closing(self, line: str) -> bool:
        """True for a line that only closes a block: many look alike, and their indents tell them apart."""
        return bool(self.closing_pattern and self.closing_pattern.fullmatch(line.strip()))

    def is_word(self, char: str) -> bool:
        return is_word(char, self.word_chars)

    def imported(self, text: str) -> set[str]:
        """Return the words by which the rest of a file may use an import."""
        found = re.search(self.import_names, text)
        return set(re.findall(r"\w+", found.group(1) if found else text))


def _any_of(chars: str) -> str:
    return f"[{re.escape(chars)}]" if chars else ""
