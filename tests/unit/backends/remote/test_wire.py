"""What each kind of server is sent, byte for byte, and what is read of its documented answers."""

from __future__ import annotations

import pytest

from fim_lsp.backends.base import Endpoint
from fim_lsp.backends.remote.wire import WIRES, Piece, kind_of, read, whole_path
from fim_lsp.checkpoints.rendered import render
from fim_lsp.domain import FimRequest, GenerationLimits, Snippet
from fim_lsp.errors import RemoteFault
from fim_lsp.http import prompts
from fim_lsp.sentinels import PUBLISHED
from fim_lsp.settings import REMOTE_FORMATS, REMOTE_KINDS

ASK = FimRequest(("def f(x):\n    return ", "\n\nprint(f(1))\n"), GenerationLimits(max_tokens=48), path="a.py")
BLOCK = FimRequest(ASK.segments, GenerationLimits(multiline=True, max_tokens=128), path="a.py")
WITH_FILES = FimRequest(ASK.segments, ASK.limits, (Snippet("b.py", "y = 1\n", "similar"),), path="a.py")

BODIES = {
    # platform.openai.com/docs/api-reference/completions/create; docs.ollama.com/api/openai-compatibility and
    # github.com/ollama/ollama openai/openai.go, CompletionRequest: model, prompt, suffix, max_tokens, stop, stream
    "openai, suffix": (
        *("openai", Endpoint(model="qwen2.5-coder:1.5b"), ASK),
        {
            "model": "qwen2.5-coder:1.5b",
            "prompt": "def f(x):\n    return ",
            "suffix": "\n\nprint(f(1))\n",
            "max_tokens": 48,
            "temperature": 0,
            "stream": True,
            "stop": ["\n"],
        },
    ),
    # docs.vllm.ai serving/openai_compatible_server: `suffix` is not supported; the prompt: the model card of
    # Qwen2.5-Coder, "Fill in the Middle" and "Repository Level Code Completion"
    "openai, rendered, with another file": (
        *("openai", Endpoint(model="Qwen/Qwen2.5-Coder-1.5B", format="qwen"), WITH_FILES),
        {
            "model": "Qwen/Qwen2.5-Coder-1.5B",
            "prompt": "<|file_sep|>b.py\ny = 1\n\n<|file_sep|>a.py\n"
            "<|fim_prefix|>def f(x):\n    return <|fim_suffix|>\n\nprint(f(1))\n<|fim_middle|>",
            "max_tokens": 48,
            "temperature": 0,
            "stream": True,
            "stop": ["\n", "<|endoftext|>", "<|fim_pad|>", "<|file_sep|>"],
        },
    ),
    # github.com/ggml-org/llama.cpp tools/server/README.md, POST /infill, and the options of POST /completion
    "infill, with another file": (
        *("infill", Endpoint(), WITH_FILES),
        {
            "input_prefix": "def f(x):\n    return ",
            "input_suffix": "\n\nprint(f(1))\n",
            "input_extra": [{"filename": "b.py", "text": "y = 1\n"}],
            "prompt": "",
            "n_predict": 48,
            "temperature": 0,
            "stream": True,
            "cache_prompt": True,
            "stop": ["\n"],
        },
    ),
    # docs.mistral.ai/api, POST /v1/fim/completions, FIMCompletionRequest: model and prompt required
    "mistral, a block": (
        *("mistral", Endpoint(model="codestral-latest"), BLOCK),
        {
            "model": "codestral-latest",
            "prompt": "def f(x):\n    return ",
            "suffix": "\n\nprint(f(1))\n",
            "max_tokens": 128,
            "temperature": 0,
            "stream": True,
        },
    ),
    # api-docs.deepseek.com/api/create-completion, POST /beta/completions: model and prompt required
    "deepseek": (
        *("deepseek", Endpoint(model="deepseek-chat"), ASK),
        {
            "model": "deepseek-chat",
            "prompt": "def f(x):\n    return ",
            "suffix": "\n\nprint(f(1))\n",
            "max_tokens": 48,
            "temperature": 0,
            "stream": True,
            "stop": ["\n"],
        },
    ),
}


@pytest.mark.parametrize("kind, endpoint, request_, body", BODIES.values(), ids=BODIES)
def test_a_body(kind, endpoint, request_, body):
    assert WIRES[kind].body(request_, endpoint) == body


PROMPTS = {  # each as its publisher has it; fim_lsp/sentinels.py names where
    "qwen": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    "starcoder": "<fim_prefix>a<fim_suffix>b<fim_middle>",
    "deepseek": "<｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>",
    "codellama": "<PRE> a <SUF>b <MID>",
    "codegemma": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    "codestral": "[SUFFIX]b[PREFIX]a",
    "granite": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
    "mellum": "<fim_suffix>b<fim_prefix>a<fim_middle>",
    "seed-coder": "<[fim-suffix]>b<[fim-prefix]>a<[fim-middle]>",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_prompt(name):
    assert render(FimRequest(("a", "b"), GenerationLimits()), PUBLISHED[name]) == PROMPTS[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_sentinel_in_the_text_is_not_one_in_the_prompt(name):
    text = PROMPTS[name] + "".join(PUBLISHED[name].ends)
    prompt = render(FimRequest((text, "b"), GenerationLimits()), PUBLISHED[name])
    left = prompt.replace("a", "").replace("b", "").replace(" ", "")
    assert left == PROMPTS[name].replace("a", "").replace("b", "").replace(" ", "")


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_sent_to_a_server_is_what_our_own_reads(name):
    read_back = prompts.read(render(WITH_FILES, PUBLISHED[name]))
    assert (read_back.prefix, read_back.suffix) == WITH_FILES.segments
    files = ("a.py", [("b.py", "y = 1")]) if PUBLISHED[name].has_paths else ("", [])
    assert (read_back.path, [(one.path, one.text) for one in read_back.snippets]) == files


def test_the_settings_offer_every_kind_and_format():
    assert ("auto", *WIRES) == REMOTE_KINDS
    assert ("suffix", *PROMPTS) == REMOTE_FORMATS


EVENTS = [
    ("openai", '{"choices": [{"text": "x", "index": 0, "finish_reason": null}]}', Piece("x")),
    ("openai", '{"choices": [{"text": "", "index": 0, "finish_reason": "length"}]}', Piece("", True)),
    ("openai", '{"choices": [], "usage": {"total_tokens": 9}}', Piece("")),
    ("openai", "[DONE]", Piece("", True)),
    ("infill", '{"content": "x", "tokens": [87], "stop": false}', Piece("x")),
    ("infill", '{"content": "", "stop": true, "stop_type": "eos", "model": "m"}', Piece("", True)),
    ("mistral", '{"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}', Piece("x")),
    ("mistral", '{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}', Piece("x", True)),
    ("deepseek", '{"choices": [{"text": "x", "finish_reason": null}], "error": null}', Piece("x")),
]


@pytest.mark.parametrize("kind, data, piece", EVENTS)
def test_an_event(kind, data, piece):
    assert read(data, WIRES[kind]) == piece


@pytest.mark.parametrize("data", ['{"content": "x"}', "[]", '"x"', "{}", '{"choices": [3]}', '{"choices": {"a": 1}}'])
def test_an_event_of_another_schema_is_refused(data):
    with pytest.raises(RemoteFault, match="another schema"):
        read(data, WIRES["openai"])


@pytest.mark.parametrize(
    "kind, path, whole",
    [
        ("openai", "", "/v1/completions"),
        ("openai", "/v1/", "/v1/completions"),
        ("openai", "/llm/v1", "/llm/v1/completions"),
        ("openai", "/llm", "/llm/v1/completions"),
        ("openai", "/v1/completions", "/v1/completions"),
        ("infill", "/", "/infill"),
        ("infill", "/infill", "/infill"),
        ("mistral", "/v1", "/v1/fim/completions"),
        ("deepseek", "/beta", "/beta/completions"),
    ],
)
def test_an_address_is_completed(kind, path, whole):
    assert whole_path(path, kind) == whole


@pytest.mark.parametrize(
    "host, path, kind",
    [
        ("localhost", "", "openai"),
        ("localhost", "/infill", "infill"),
        ("codestral.mistral.ai", "", "mistral"),
        ("api.deepseek.com", "/beta", "deepseek"),
        ("api.deepseek.com.example.org", "", "openai"),
        ("notmistral.ai", "", "openai"),
    ],
)
def test_an_address_gives_its_kind_away(host, path, kind):
    assert kind_of(Endpoint(), host, path) == kind
    assert kind_of(Endpoint(kind="infill"), host, path) == "infill"
