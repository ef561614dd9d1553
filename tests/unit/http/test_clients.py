"""What the clients send, field by field as their sources have it, and what they read of the answer."""

from __future__ import annotations

import pytest

from fim_lsp.backends.fake import FakeBackend
from tests.http_server import serving


@pytest.fixture(scope="module")
def server():
    with serving(FakeBackend("alpha + beta")) as running:
        yield running


def seen(server) -> tuple[str, str]:
    """Prefix and suffix as the model saw them last."""
    return server.backend.requests[-1].segments


# zed-industries/zed: crates/edit_prediction/src/fim.rs, format_fim_prompt and fim_stop_tokens, and
# open_ai_compatible.rs, send_custom_server_request; fields that are None or empty are sent too, as serde has them
ZED = {
    "qwen": (
        "<|fim_prefix|>a = <|fim_suffix|>\nb<|fim_middle|>",
        ["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"],
    ),
    "code_llama": ("<PRE> a =  <SUF>\nb <MID>", ["<PRE>", "<SUF>", "<MID>"]),
    "star_coder": (
        "<fim_prefix>a = <fim_suffix>\nb<fim_middle>",
        ["<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
    ),
    "deepseek_coder": (
        "<｜fim▁begin｜>a = <｜fim▁hole｜>\nb<｜fim▁end｜>",
        ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ),
    "codestral": ("[SUFFIX]\nb[PREFIX]a = ", ["[PREFIX]", "[SUFFIX]"]),
    "glm": (
        "<|code_prefix|>a = <|code_suffix|>\nb<|code_middle|>",
        ["<|endoftext|>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
    ),
}


@pytest.mark.parametrize(("prompt", "stop"), ZED.values(), ids=ZED)
def test_zed(server, prompt, stop):
    body = {
        "model": "fim-lsp",
        "prompt": prompt,
        "max_tokens": 64,
        "temperature": None,
        "stop": stop,
        "environment": None,
    }
    server.backend.forget()
    answer = server.ask("/v1/completions", body).json
    assert (answer["choices"][0]["text"], type(answer["id"])) == ("alpha + beta", str)
    if server.backend.requests:  # asked once, the same place is known
        assert seen(server) == ("a = ", "\nb")


def test_continue(server):
    # continuedev/continue: core/autocomplete/templating/AutocompleteTemplate.ts, qwenCoderFimTemplate;
    # core/autocomplete/templating/formatting.ts, formatSnippets, and index.ts, buildPrompt;
    # core/llm/llms/OpenAI.ts, _legacystreamComplete and _convertArgs; undefined fields are not in the JSON
    body = {
        "model": "qwen2.5-coder",
        "max_tokens": 256,
        "temperature": 0.01,
        "stream": True,
        "stop": [
            "<|endoftext|>",
            "<|fim_prefix|>",
            "<|fim_middle|>",
            "<|fim_suffix|>",
            "<|fim_pad|>",
            "<|repo_name|>",
            "<|file_sep|>",
            "<|im_start|>",
            "<|im_end|>",
        ],
        "prompt": "<|fim_prefix|>// Path: pkg/b.go\n// var x = 1\n// pkg/c.go\nc = <|fim_suffix|>\nd<|fim_middle|>",
    }
    answer = server.ask("/v1/completions", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, last = answer.events
    assert last == "[DONE]"
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "alpha + beta"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, "stop"]
    assert seen(server) == ("c = ", "\nd")
    request = server.backend.requests[-1]
    assert (request.path, request.language) == ("pkg/c.go", "go")
    assert [(one.path, one.text) for one in request.snippets] == [("pkg/b.go", "var x = 1")]


def test_continue_as_for_llama_cpp(server):
    # continuedev/continue: core/llm/llms/LlamaCpp.ts, _streamComplete
    body = {
        "prompt": "<fim_prefix>e = <fim_suffix>\nf<fim_middle>",
        "stream": True,
        "n_predict": 256,
        "stop": ["<fim_prefix>"],
        "temperature": 0.01,
    }
    events = server.ask("/completion", body).events
    assert "".join(event["content"] for event in events) == "alpha + beta"
    assert [event["stop"] for event in events] == [False, True]


def test_llama_vim(server):
    # ggml-org/llama.vim: autoload/llama.vim, llama#fim and s:ring_get_extra, and what s:fim_render reads
    body = {
        "id_slot": 0,
        "input_prefix": "import a\n\n",
        "input_suffix": "\nprint(g)\n",
        "input_extra": [
            {"text": "def old(): ...\n", "time": [0, 1], "filename": "src/old.py"},
            {"text": "def new(): ...\n", "time": [0, 2], "filename": "src/new.py"},
        ],
        "prompt": "g = ",
        "n_predict": 128,
        "stop": [],
        "n_indent": 0,
        "top_k": 40,
        "top_p": 0.90,
        "samplers": ["top_k", "top_p", "infill"],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": 50_000,
        "t_max_predict_ms": 25_000,
        "response_fields": ["content", "timings/prompt_n", "timings/predicted_n", "truncated", "tokens_cached"],
    }
    answer = server.ask("/infill", body).json
    assert answer == {
        "content": "alpha + beta",
        "timings/prompt_n": 0,
        "timings/predicted_n": 4,
        "truncated": False,
        "tokens_cached": 0,
    }
    assert seen(server) == ("import a\n\ng = ", "\nprint(g)\n")
    request = server.backend.requests[-1]
    assert [one.path for one in request.snippets] == ["src/new.py", "src/old.py"], "the newest first"
    assert (request.language, request.path) == ("python", "untitled.py")


def test_llama_vim_sends_what_is_to_be_read_ahead(server):
    # ggml-org/llama.vim: autoload/llama.vim, s:ring_update, which throws the answer away
    body = {
        "id_slot": 0,
        "input_prefix": "",
        "input_suffix": "",
        "input_extra": [{"text": "x = 1\n", "time": [0, 1], "filename": "a.py"}],
        "prompt": "",
        "n_predict": 0,
        "temperature": 0.0,
        "samplers": [],
        "stream": False,
        "cache_prompt": True,
        "t_max_prompt_ms": 1,
        "t_max_predict_ms": 1,
        "response_fields": [""],
    }
    before = len(server.backend.requests)
    assert server.ask("/infill", body).json["content"] == ""
    assert len(server.backend.requests) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "-- language: lua\n-- indentation: use 2 spaces for a tab\nlocal h = ", "suffix": "\nreturn h"},
        {"prompt": "<|fim_prefix|>-- language: lua\nlocal i = <|fim_suffix|>\nreturn i<|fim_middle|>"},
    ],
    ids=["suffix", "rendered"],
)
@pytest.mark.parametrize("is_stream", [True, False])
def test_minuet(server, fields, is_stream):
    # milanglacier/minuet-ai.nvim: lua/minuet/backends/openai_base.lua, complete_openai_fim_base;
    # lua/minuet/config.lua, default_fim_template; README.md, the template without a suffix; lua/minuet/utils.lua,
    # stream_decode, which reads each line that is JSON once `data:` is taken off
    body = {"model": "fim-lsp", "stream": is_stream, "max_tokens": 56, "top_p": 0.9} | fields
    answer = server.ask("/v1/completions", body, Accept="application/json")
    if is_stream:
        assert "".join(event["choices"][0]["text"] for event in answer.events[:-1]) == "alpha + beta"
    else:
        assert answer.json["choices"][0]["text"] == "alpha + beta"
    assert server.backend.requests[-1].language == "lua"
