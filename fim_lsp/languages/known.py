"""The languages there are: each a file of this folder and a line here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import PurePath

from fim_lsp.languages.language import Language

KNOWN = (
    "python",  # the first is that of a text that does not say
    "javascript",
    "typescript",
    "tsx",
    "go",
    "rust",
    "java",
    "c",
    "cpp",
    "csharp",
    "ruby",
    "php",
    "bash",
    "lua",
    "html",
    "css",
    "sql",
    "json",
    "yaml",
    "toml",
    "markdown",
)


def read(names: Iterable[str]) -> dict[str, Language]:
    """Return the languages of these files."""
    return {name: import_module(f"{__package__}.{name}").LANGUAGE for name in names}


LANGUAGES = read(KNOWN)
DEFAULT = KNOWN[0]
PLAIN = Language(name="", extensions=(), line_comments=(), block_comment=None)  # lines and brackets are all it knows


def ids() -> tuple[str, ...]:
    """List every name by which an editor may call a language."""
    return tuple(one for language in LANGUAGES.values() for one in (language.name, *language.ids))


def wheels() -> tuple[str, ...]:
    """List the packages that bring the grammars."""
    return tuple(sorted({language.wheel for language in LANGUAGES.values()} - {""}))


def get(language_id: str) -> Language:
    """Return a language by any of its names; of an unknown one only lines and brackets are known."""
    if language_id in LANGUAGES:
        return LANGUAGES[language_id]
    return next((language for language in LANGUAGES.values() if language_id in language.ids), PLAIN)


def language_of(path: str) -> str:
    """Return the language id for a file name, "" when none is known."""
    suffix = PurePath(path).suffix.lower()
    return next((language.name for language in LANGUAGES.values() if suffix in language.extensions), "")


def named(word: str) -> str:
    """Return the language id for what a document calls a language: any of its names, or its files' extension."""
    word = word.lower()
    return get(word).name or language_of(f"a.{word}") or word
