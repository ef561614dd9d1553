"""Between LSP's types and ours: snapshots in, items out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lsprotocol import types as lsp

from fim_lsp.domain import Choice, Outcome, Snapshot, Suggestion
from fim_lsp.lsp.documents import Document, clean
from fim_lsp.pipeline.compare_at_cursor import Comparison, Run, Side

TYPED_MOST = 200  # characters of an edit that may be a person's typing


def snapshot(document: Document, position: lsp.Position, manual: bool, selected: str = "") -> Snapshot:
    """Freeze a document with the cursor at a position; `selected` is typed there first."""
    offset = document.offset(position)
    text = document.text
    if selected:
        text = text[:offset] + selected + text[offset:]
    return _snapshot(document, text, offset + len(selected), manual)


def inline_snapshot(document: Document, params: lsp.InlineCompletionParams) -> tuple[Snapshot, str, lsp.Range]:
    """Return the snapshot, the menu entry it pretends was accepted ("" for none), and the range to replace."""
    manual = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
    here = lsp.Range(params.position, params.position)
    info = params.context.selected_completion_info
    if info is None:
        return snapshot(document, params.position, manual), "", here
    start, end = document.offset(info.range.start), document.offset(info.range.end)
    as_if = clean(document.text[:start] + info.text + document.text[end:])
    return _snapshot(document, as_if, start + len(clean(info.text)), manual), info.text, info.range


def _snapshot(document: Document, text: str, offset: int, manual: bool) -> Snapshot:
    snap = Snapshot(
        document.uri,
        document.version,
        document.language,
        "" if document.excluded else text,
        offset,
        manual,
        document.eol,
        document.path,
        document.silence,
    )
    return document.notebook.surround(snap, document) if document.notebook and not document.silence else snap


def typed_at(document: Document, params: lsp.DidChangeTextDocumentParams) -> Snapshot | None:
    """Return the snapshot behind what was typed; None when it looks like something else than typing."""
    if len(params.content_changes) != 1 or len(params.content_changes[0].text) > TYPED_MOST:
        return None
    change = params.content_changes[0]
    if not isinstance(change, lsp.TextDocumentContentChangePartial):
        return None
    begin = document.offset(change.range.start)
    return snapshot(document, document.position(begin + len(clean(change.text))), manual=False)


def inline_items(
    outcome: Outcome, document: Document, selected: str, replaced: lsp.Range, commands: Sequence[lsp.Command]
) -> lsp.InlineCompletionList:
    """Return ghost-text items; every item has a range on one line (Neovim 0.12.0 fails without one)."""
    pairs = zip(outcome.suggestions, commands, strict=True)
    return lsp.InlineCompletionList([inline_item(s, document, replaced, selected, command) for s, command in pairs])


def inline_item(
    suggestion: Suggestion,
    document: Document,
    replaced: lsp.Range,
    selected: str = "",
    command: lsp.Command | None = None,
) -> lsp.InlineCompletionItem:
    """Return a suggestion as an item for a document; `selected` was taken for typed when it was made."""
    start, end = document.offset(replaced.start), document.offset(replaced.end)
    return lsp.InlineCompletionItem(
        insert_text=selected + suggestion.text.replace("\n", document.eol),
        filter_text=None,
        range=lsp.Range(document.position(start), document.position(end + suggestion.replaces)),
        command=command,
    )


def explanation(outcome: Outcome) -> dict[str, Any]:
    """Return the answer to `fimLsp/explain`."""
    return {
        "backend": outcome.backend,
        "why": outcome.why,
        "reason": outcome.reason,
        "shown": [suggestion.text for suggestion in outcome.suggestions],
        "confidence": [suggestion.confidence for suggestion in outcome.suggestions],
        "expectedMs": dict(outcome.choice.expected_ms) if outcome.choice else {},
        "timings": dict(outcome.timings),
        "tokens": dict(outcome.tokens),
        "snippets": [{"path": one.path, "why": one.why} for one in outcome.snippets],
        "sent": dict(outcome.sent),
    }


Item = Callable[[Suggestion], lsp.InlineCompletionItem]


def comparison(found: Comparison, item: Item | None = None) -> dict[str, Any]:
    """Return the answer to `fimLsp/compare`; `item` places a suggestion in its document."""
    choice = found.choice or Choice("", "")
    return {
        "reason": found.reason,
        "choice": {"family": choice.family, "why": choice.why, "expectedMs": dict(choice.expected_ms)},
        "taken": found.taken,
        "rounds": found.rounds,
        "sides": [_side(side, item) for side in found.sides],
    }


def _side(side: Side, item: Item | None) -> dict[str, Any]:
    cold = side.runs.get("cold")
    best = cold.answer.kept[0] if cold and cold.answer.kept else None
    return {
        "family": side.family,
        "error": side.error,
        "item": item(best) if item and best else None,
        "confidence": best.confidence if best else None,
        "reason": cold.reason if cold else "",
        "runs": {condition: _run(run) for condition, run in side.runs.items()},
    }


def _run(run: Run) -> dict[str, Any]:
    return {"totalMs": run.total_ms, "timings": dict(run.answer.meter.timings), "tokens": dict(run.answer.meter.tokens)}


def cursor_of(params: Any) -> tuple[str, lsp.Position]:
    """Read {textDocument: {uri}, position} of a custom request; raises ValueError naming what is wrong."""
    if not isinstance(params, Mapping):
        raise ValueError("params must be {textDocument: {uri}, position: {line, character}}")
    try:
        uri, at = params["textDocument"]["uri"], params["position"]
        return str(uri), lsp.Position(int(at["line"]), int(at["character"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(f"params must be {{textDocument: {{uri}}, position}}: {problem!r}") from None
