"""Suggestions as entries of a completion menu, for editors without inline completion."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from lsprotocol import types as lsp

from fim_lsp.domain import Outcome, Snapshot, Terms, is_word
from fim_lsp.lsp.documents import Document

LABEL_CHARS = 60


class Indent(Enum):
    """What becomes of the indentation of an entry's further lines."""

    KEPT = auto()  # the client says nothing: those that do not know the question insert as it is
    TOLD = auto()  # the client can be told to keep it
    ADDED = auto()  # the client puts that of the current line before them

    @classmethod
    def of(cls, client: lsp.ClientCapabilities) -> Indent:
        """Read a client's capabilities (LSP 3.17, InsertTextMode)."""
        completion = client.text_document.completion if client.text_document else None
        item = completion.completion_item if completion else None
        support = item.insert_text_mode_support if item else None
        if support and lsp.InsertTextMode.AsIs in support.value_set:
            return cls.TOLD
        adjusts = completion is not None and completion.insert_text_mode == lsp.InsertTextMode.AdjustIndentation
        return cls.ADDED if adjusts or support else cls.KEPT


def is_asked(params: lsp.CompletionParams) -> bool:
    """True for what a person asked for by hand, as far as a client tells that from typing."""
    return params.context is None or params.context.trigger_kind == lsp.CompletionTriggerKind.Invoked


def terms(params: lsp.CompletionParams) -> Terms:
    """Say whether it was a character that asked."""
    kind = params.context.trigger_kind if params.context else None
    return Terms(is_by_character=kind == lsp.CompletionTriggerKind.TriggerCharacter)


def items(
    outcome: Outcome, document: Document, snap: Snapshot, indent: Indent, commands: Sequence[lsp.Command]
) -> lsp.CompletionList:
    """Return entries that replace the word before the cursor by itself and the suggestion."""
    word = _word_before(snap.line_prefix)
    entries = []
    for rank, (suggestion, command) in enumerate(zip(outcome.suggestions, commands, strict=True)):
        text = word + suggestion.text
        placed = _without_indent(text, snap) if indent is Indent.ADDED else text
        here = snap.offset - snap.origin
        start, end = here - len(word), here + suggestion.replaces
        entries.append(
            lsp.CompletionItem(
                label=_label(text),
                kind=lsp.CompletionItemKind.Snippet if "\n" in text else lsp.CompletionItemKind.Text,
                detail="fim-lsp",
                documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, f"```{snap.language}\n{text}\n```"),
                filter_text=text,
                command=command,
                sort_text=f" {rank}",  # a blank comes before every name
                insert_text_mode=lsp.InsertTextMode.AsIs if indent is Indent.TOLD else None,
                text_edit=lsp.TextEdit(
                    lsp.Range(document.position(start), document.position(end)),
                    placed.replace("\n", document.eol),
                ),
            )
        )
    return lsp.CompletionList(is_incomplete=True, items=entries)


def _word_before(line: str) -> str:
    start = len(line)
    while start and is_word(line[start - 1]):
        start -= 1
    return line[start:]


def _without_indent(text: str, snap: Snapshot) -> str:
    """Take the current line's indentation from the lines below it; a line that has less cannot be made right."""
    line = snap.line_prefix
    indent = line[: len(line) - len(line.lstrip())]
    first, *lines = text.split("\n")
    return "\n".join([first, *(below.removeprefix(indent) for below in lines)])


def _label(text: str) -> str:
    line, _, more = text.strip().partition("\n")
    return line[:LABEL_CHARS] + ("…" if more or len(line) > LABEL_CHARS else "")
