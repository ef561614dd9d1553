"""Suggestions as values, drawn: ‸ is the cursor, [] what accepting replaces."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.e2e.neovim.screen import PLUGIN, find_nvim

pytestmark = pytest.mark.editor


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Call a function of suggestion.lua with JSON arguments."""
    script = tmp_path_factory.mktemp("lua") / "call.lua"
    script.write_text(
        f"vim.opt.rtp:prepend({str(PLUGIN)!r})\n"
        "local calls = vim.json.decode(arg[1], {luanil = {object = true}})\n"
        "local out = {require('fim_lsp.suggestion')[calls[1]](unpack(calls, 2))}\n"
        "io.write(vim.json.encode({out[1] or vim.NIL, out[2] or vim.NIL}))\n"
    )

    def run(*words):
        done = subprocess.run(
            [find_nvim(), "--clean", "-l", str(script), json.dumps(words)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def place(picture: str) -> dict:
    before, rest = picture.split("‸")
    return {"row": 0, "col": len(before.encode()), "before": before, "rest": rest}


@pytest.mark.parametrize(
    ("was", "text", "covered", "now", "left"),
    [
        ("x = ‸", "alpha", "", "x = al‸", "pha"),
        ("x = ‸", "alpha", "", "x = alpha‸", None),  # nothing left
        ("x = ‸", "alpha", "", "x = b‸", None),
        ("x = ‸", "alpha", "", "x =‸", None),  # deleted
        ("f(‸)", "a, b)", ")", "f(a‸)", ", b)"),
        ("f(‸)", "a)", ")", "f(a)‸", None),  # the bracket typed over
        ("f(‸)", "a) + 1", ")", "f(a)‸", " + 1"),
        ("f(‸", "g(h)", "", "f(g(‸)", None),  # a bracket that another plugin closed
        ('x = "é‸"', "tude", "", 'x = "ét‸"', "ude"),
    ],
)
def test_advance(call, was, text, covered, now, left):
    rest, _ = call("advance", {"text": text, "covered": covered}, place(was), place(now))
    assert (rest and rest["text"]) == left


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("alpha + beta", "alpha"),
        (" + beta", " +"),
        ("(a, b)", "("),
        (", b)", ","),
        ("\n    return x", "\n    return"),
        ("größe = 1", "größe"),
        ("   ", "   "),
        ("返回矩形的面积", "返回"),  # no blanks between words: two at a time
        (" 的，单位", " 的"),
        ("，单位", "，"),
        ("値を返す関数", "値"),  # Chinese signs, then hiragana
        ("カウンターの値", "カウンター"),
        ("area面积", "area"),
        ("e\u0301t\u00e9 x", "e\u0301t\u00e9"),
    ],
)
def test_word(call, text, word):
    assert call("word", text)[0] == len(word.encode())


@pytest.mark.parametrize(("text", "line"), [("a\nb", "a"), ("\n  a\nb", "\n  a"), ("a", "a")])
def test_line(call, text, line):
    assert call("line", text)[0] == len(line)


def test_split_takes_covered_text_only_where_the_suggestion_says_it_again(call):
    taken, left = call("split", {"text": "a, b)", "covered": ")"}, 1)
    assert (taken["covered"], left) == ("", {"text": ", b)", "covered": ")"})
    taken, left = call("split", {"text": "a)))", "covered": ")))"}, 2)
    assert (taken["covered"], left) == (")", {"text": "))", "covered": "))"})


def test_read_takes_off_what_stands_already(call):
    where = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 7}}
    read, _ = call("read", {"insertText": "alpha)", "range": where}, place("x = al‸)"))
    assert read == {"text": "pha)", "covered": ")"}
    where["start"]["line"] = 3
    assert call("read", {"insertText": "alpha)", "range": where}, place("x = al‸)"))[0] is None
