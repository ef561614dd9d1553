"""Rendered prompts are read back: format by format, prefix, suffix and what else they say."""

from __future__ import annotations

import pytest

from fim_lsp.http import prompts
from fim_lsp.http.place import CompletionAsk, TextAround

RENDERED = {
    "qwen": "<|fim_prefix|>y = <|fim_suffix|>\nz<|fim_middle|>",
    "qwen, suffix first": "<|fim_suffix|>\nz<|fim_prefix|>y = <|fim_middle|>",
    "starcoder": "<fim_prefix>y = <fim_suffix>\nz<fim_middle>",
    "starcoder, suffix first": "<fim_prefix><fim_suffix>\nz<fim_middle>y = ",
    "mellum": "<fim_suffix>\nz<fim_prefix>y = <fim_middle>",
    "santacoder": "<fim-prefix>y = <fim-suffix>\nz<fim-middle>",
    "deepseek": "<｜fim▁begin｜>y = <｜fim▁hole｜>\nz<｜fim▁end｜>",
    "deepseek, from its beginning": "<｜begin▁of▁sentence｜><｜fim▁begin｜>y = <｜fim▁hole｜>\nz<｜fim▁end｜>",
    "codellama": "<PRE> y =  <SUF>\nz <MID>",
    "codellama, as its authors have it": "<s> <PRE> y =  <SUF>\nz <MID>",
    "codestral": "[SUFFIX]\nz[PREFIX]y = ",
    "glm": "<|code_prefix|>y = <|code_suffix|>\nz<|code_middle|>",
    "seed-coder": "<[fim-suffix]>\nz<[fim-prefix]>y = <[fim-middle]>",
}


@pytest.mark.parametrize("prompt", RENDERED.values(), ids=RENDERED)
def test_a_rendered_prompt_is_read_back(prompt):
    assert prompts.read(prompt) == TextAround("y = ", "\nz")


PLAIN = {
    "a sentinel further down": 'x = 1\nMARK = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"\ny = ',
    "half of one": "<|fim_prefix|>y = ",
    "no middle": "<fim_prefix>y = <fim_suffix>z",
    "nothing": "",
}


@pytest.mark.parametrize("prompt", PLAIN.values(), ids=PLAIN)
def test_what_is_no_prompt_is_prefix(prompt):
    assert prompts.read(prompt) == TextAround(prompt)


def shown(place: TextAround) -> tuple:
    return place.prefix, place.suffix, place.path, [(one.path, one.text) for one in place.snippets]


WITH_FILES = {
    "qwen": "<|repo_name|>r\n<|file_sep|>a.py\nx = 1\n<|file_sep|>b.py\n"
    "<|fim_prefix|>y = <|fim_suffix|>z<|fim_middle|>",
    "starcoder": "<repo_name>r<file_sep>a.py\nx = 1\n<file_sep>b.py\n<fim_prefix>y = <fim_suffix>z<fim_middle>",
    "codestral": "[SUFFIX]z[PREFIX]+++++ a.py\nx = 1\n\n+++++ b.py\ny = ",
}


@pytest.mark.parametrize("prompt", WITH_FILES.values(), ids=WITH_FILES)
def test_other_files_and_the_path_are_told_apart(prompt):
    assert shown(prompts.read(prompt)) == ("y = ", "z", "b.py", [("a.py", "x = 1")])


def test_files_without_a_name_are_files_all_the_same():
    prompt = "<file_sep>x = f(1)\ny = 2<file_sep><fim_prefix>y = <fim_suffix>z<fim_middle>"
    assert shown(prompts.read(prompt)) == ("y = ", "z", "", [("", "x = f(1)\ny = 2")])


def test_a_turn_of_codegeex_tells_path_and_language():
    prompt = (
        "<|user|>\n###PATH:src/a.rs\n###LANGUAGE:Rust\n###MODE:BLOCK\n"
        "<|code_suffix|>z<|code_prefix|>y = <|code_middle|><|assistant|>\n"
    )
    assert prompts.read(prompt) == TextAround("y = ", "z", "src/a.rs", "rust")


IN_COMMENTS = {
    "other files and the path": (
        "# Path: p/a.py\n# x = 1\n# \n# z = 2\n# Path: p/c.py\n# q\n# p/b.py\ny = ",
        ("y = ", "", "p/b.py", [("p/a.py", "x = 1\n\nz = 2"), ("p/c.py", "q")]),
    ),
    "the path alone": ("\n-- p/b.lua\n-- mine\ny = ", ("-- mine\ny = ", "", "p/b.lua", [])),
    "of no known kind": ("# Path: notes\n# x\ny = ", ("# Path: notes\n# x\ny = ", "", "", [])),
    "a comment of the file": ("# x = 1\n# a.py\ny = ", ("# x = 1\n# a.py\ny = ", "", "", [])),
    "never named": ("# Path: a.py\n# x = 1\ny = ", ("# Path: a.py\n# x = 1\ny = ", "", "", [])),
    "nothing but comments": ("# a.py\n# b", ("# b", "", "a.py", [])),
}


@pytest.mark.parametrize(("prefix", "expected"), IN_COMMENTS.values(), ids=IN_COMMENTS)
def test_what_stands_in_comments_is_told_apart(prefix, expected):
    assert shown(prompts.read(prefix)) == expected


LANGUAGES = {
    "as the client says": (TextAround("x", language="py"), "python"),
    "by the path": (TextAround("x", path="src/a.rs"), "rust"),
    "in a first line": (TextAround("-- language: lua\nlocal x = "), "lua"),
    "by the files beside it": (prompts.read("<|file_sep|>a.go\nx\n<|fim_prefix|>y<|fim_suffix|><|fim_middle|>"), "go"),
    "not at all": (TextAround("x"), "plaintext"),
    "one that nobody knows": (TextAround("x", language="klingon"), "plaintext"),
}


@pytest.mark.parametrize(("place", "language"), LANGUAGES.values(), ids=LANGUAGES)
def test_the_language_is_found_where_it_is_told(place, language):
    assert CompletionAsk(place).snapshot().language == language


def test_half_a_character_becomes_one():
    snap = CompletionAsk(TextAround("a\ud800b", "\udfff")).snapshot()
    assert (snap.prefix, snap.suffix) == ("a\ufffdb", "\ufffd")
    assert snap.text.encode()
