"""OpenAI's `/v1/completions`: what is read of a request, and what is answered."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fim_lsp.domain import Outcome
from fim_lsp.http import prompts
from fim_lsp.http.body import Body
from fim_lsp.http.choices import TextChoice
from fim_lsp.http.fault import Fault
from fim_lsp.http.place import CompletionAsk, TextAround

MOST_CHOICES = 3  # as many as are tried for a person who asks by hand


def read(body: Body) -> CompletionAsk:
    """Read a request; with a `suffix` the prompt is the prefix, without one it may be a rendered prompt."""
    given = body.values.get("prompt")
    if not isinstance(given, (str, list)):
        raise Fault(400, "prompt must be a string", "prompt")
    prompt = given if isinstance(given, str) else given[0] if len(given) == 1 else None
    if not isinstance(prompt, str):
        raise Fault(400, "prompt must be one string: several prompts, or token ids, are not read", "prompt")
    has_suffix = body.has("suffix")
    place = prompts.read_files(TextAround(prompt, body.text("suffix"))) if has_suffix else prompts.read(prompt)
    options = body.values.get("stream_options")
    return CompletionAsk(
        replace(place, language=body.text("language", place.language)),
        max_tokens=tokens(body, "max_tokens"),
        choices=min(max(body.whole("n") or 1, 1), MOST_CHOICES),
        stop=body.texts("stop"),
        is_stream=body.flag("stream"),
        wants_usage=isinstance(options, dict) and options.get("include_usage") is True,
        model=body.text("model", CompletionAsk.model),
    )


def tokens(body: Body, name: str) -> int | None:
    """Return how many tokens are wanted at most; below 0 llama-server knows no limit."""
    wanted = body.whole(name)
    return None if wanted is None or wanted < 0 else wanted


def answer(ask: CompletionAsk, choices: Iterable[TextChoice], outcome: Outcome) -> dict[str, Any]:
    """Return the whole answer."""
    return _head(ask) | {
        "choices": [_choice(at, one.text, one.finish) for at, one in enumerate(choices)],
        "usage": _usage(outcome),
    }


def events(ask: CompletionAsk, choices: Iterable[TextChoice], outcome: Outcome) -> str:
    """Return the answer as server-sent events: a text and an end for each choice.

    A suggestion is checked as a whole before any of it may be shown, so its text is one event.
    """
    head = _head(ask)
    rows = []
    for at, one in enumerate(choices):
        rows += [_choice(at, one.text, None)] if one.text else []
        rows.append(_choice(at, "", one.finish))
    said = [head | {"choices": [row]} for row in rows]
    if ask.wants_usage:
        said.append(head | {"choices": [], "usage": _usage(outcome)})
    return "".join(f"data: {json.dumps(one)}\n\n" for one in said) + "data: [DONE]\n\n"


def _head(ask: CompletionAsk) -> dict[str, Any]:
    made = {"id": f"cmpl-{secrets.token_hex(12)}", "object": "text_completion", "created": int(time.time())}
    return made | {"model": ask.model}


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _usage(outcome: Outcome) -> dict[str, int]:
    read = outcome.tokens.get("prefilled", 0) + outcome.tokens.get("reused", 0)
    said = outcome.tokens.get("decoded", 0)
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}
