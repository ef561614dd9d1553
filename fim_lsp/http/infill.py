"""llama-server's `/infill` and `/completion`, as llama.vim and others speak to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fim_lsp.domain import Outcome, Snippet
from fim_lsp.http import prompts
from fim_lsp.http.body import Body
from fim_lsp.http.choices import TextChoice
from fim_lsp.http.completions import tokens
from fim_lsp.http.fault import Fault
from fim_lsp.http.place import SENT, CompletionAsk, TextAround

READ, SAID = "prompt", "predicted"


def read_infill(body: Body) -> CompletionAsk:
    """Read `/infill`: the prompt goes on where the prefix ends, and the last of `input_extra` is the newest."""
    missing = [name for name in ("input_prefix", "input_suffix") if not body.has(name)]
    if missing:
        raise Fault(400, f"{missing[0]} is required", missing[0])
    extra = [Snippet(one.text("filename"), one.text("text"), SENT) for one in body.objects("input_extra")]
    snippets = tuple(one for one in reversed(extra) if one.text)
    prefix = body.text("input_prefix") + body.text("prompt")
    return _ask(body, TextAround(prefix, body.text("input_suffix"), snippets=snippets))


def read_completion(body: Body) -> CompletionAsk:
    """Read `/completion`: a prompt alone, rendered or not."""
    if not isinstance(body.values.get("prompt"), str):
        raise Fault(400, "prompt must be a string", "prompt")
    return _ask(body, prompts.read(body.text("prompt")))


def _ask(body: Body, place: TextAround) -> CompletionAsk:
    limits = [ms for name in ("t_max_prompt_ms", "t_max_predict_ms") if (ms := body.number(name)) and ms > 0]
    return CompletionAsk(
        place,
        max_tokens=tokens(body, "n_predict"),
        deadline_ms=sum(limits) if len(limits) == 2 else None,  # without both there is no limit to the whole
        stop=body.texts("stop"),
        is_stream=body.flag("stream"),
        fields=body.texts("response_fields"),
    )


def answer(ask: CompletionAsk, choices: list[TextChoice], outcome: Outcome) -> dict[str, Any]:
    """Return the answer, or those of its fields that were asked for, as paths such as `timings/prompt_n`."""
    whole = {
        "content": choices[0].text,
        "model": ask.model,
        "stop": True,
        "stop_type": "limit" if choices[0].finish == "length" else "eos",
        "tokens_predicted": outcome.tokens.get("decoded", 0),
        "tokens_evaluated": outcome.tokens.get("prefilled", 0) + outcome.tokens.get("reused", 0),
        "tokens_cached": outcome.tokens.get("reused", 0),
        "truncated": False,
        "timings": _timings(READ, outcome.tokens.get("prefilled", 0), outcome.timings.get("prefill", 0.0))
        | _timings(SAID, outcome.tokens.get("decoded", 0), outcome.timings.get("decode", 0.0)),
    }
    if not ask.fields:
        return whole
    flat = whole | {f"timings/{name}": value for name, value in whole["timings"].items()}  # type: ignore[attr-defined]
    return {name: flat[name] for name in ask.fields if name in flat}


def events(ask: CompletionAsk, choices: list[TextChoice], outcome: Outcome) -> str:
    """Return the answer as server-sent events, the text and then the end."""
    whole = answer(ask, choices, outcome)
    text = [{"content": choices[0].text, "stop": False}] if choices[0].text else []
    said: list[Mapping[str, Any]] = [*text, whole | {"content": ""}]
    return "".join(f"data: {json.dumps(one)}\n\n" for one in said)


def _timings(name: str, count: int, ms: float) -> dict[str, float]:
    return {
        f"{name}_n": count,
        f"{name}_ms": ms,
        f"{name}_per_token_ms": ms / count if count else 0.0,
        f"{name}_per_second": count / ms * 1e3 if ms else 0.0,
    }
