"""What llama.vim sends and shows, place by place."""

from __future__ import annotations

import pytest

from fim_lsp.lab.bench.latency.llama_vim import MAX_CACHE_KEYS, Answers, View, local, render, request

TEXT = "import os\n\ndef f(a):\n    x = a.\n    return x\n"


def at(text: str, mark: str = "║") -> View:
    cursor = text.index(mark)
    return View.at(text.replace(mark, ""), cursor)


def test_whole_lines_go_above_and_the_typed_line_is_the_prompt():
    body = request(local(at("import os\n\ndef f(a):\n    x = a.║\n    return x\n")), False, {})
    assert body["input_prefix"] == "import os\n\ndef f(a):\n"
    assert body["prompt"] == "    x = a."
    assert body["input_suffix"] == "\n    return x\n"
    assert (body["n_indent"], body["n_predict"], body["t_max_predict_ms"]) == (4, 128, 250)
    assert body["samplers"] == ["top_k", "top_p", "infill"] and body["cache_prompt"] and body["id_slot"] == 0


def test_windows_are_cut_by_lines():
    lines = [f"a{n} = {n}" for n in range(1000)]
    view = at("\n".join([*lines[:500], "b = ║", *lines[500:]]) + "\n")
    here = local(view)
    assert here.prefix.split("\n")[0] == "a244 = 244" and here.prefix.count("\n") == 256
    assert here.suffix.split("\n")[1] == "a500 = 500" and here.suffix.count("\n") == 65


def test_a_blank_line_is_asked_from_its_beginning_and_brings_its_own_indentation():
    view = at("def f():\n    ║\nx = 1\n")
    assert (local(view).middle, local(view).indent) == ("", 0)
    hint = render("    return 1", view)
    assert hint.ghost.shown == "return 1"
    assert hint.ghost.all.apply("def f():\n    \nx = 1\n") == "def f():\n    return 1\nx = 1\n"


def test_speculation_is_about_what_comes_after_accepting():
    view = at("def f(a):\n    x = ║\n    return x\n")
    one = local(view, ("a.b",), 4)
    assert (one.prefix, one.middle, one.indent) == ("def f(a):\n", "    x = a.b", 4)
    two = local(view, ("a.b", "    y = 2"), 4)
    assert (two.prefix, two.middle) == ("def f(a):\n    x = a.b\n", "    y = 2")
    assert request(two, True, {})["t_max_predict_ms"] == 1000


def test_typing_along_an_answer_finds_its_remainder():
    answers = Answers()
    answers.put(local(at("x = ║\n")), "one + two")
    assert answers.find(local(at("x = ║\n"))) == "one + two"
    assert answers.find(local(at("x = one ║\n"))) == "+ two"
    assert answers.find(local(at("x = on ║\n"))) is None
    assert answers.find(local(at("x = ║\ny\n"))) is None


def test_an_answer_is_known_after_scrolling_three_lines():
    answers = Answers()
    answers.put(local(at("a\nb\nc\nd\nx = ║\n")), "1")
    for scrolled in ("b\nc\nd\n", "c\nd\n", "d\n"):
        assert answers.has(local(at(f"{scrolled}x = ║\n")))
    assert not answers.has(local(at("x = ║\n")))


def test_old_answers_make_room():
    answers = Answers()
    for number in range(MAX_CACHE_KEYS + 10):
        answers.put(local(at(f"x{number} = ║\n")), "1")
    assert len(answers.kept) == MAX_CACHE_KEYS


@pytest.mark.parametrize(
    ("text", "said", "shown"),
    [
        ("x = ║\n", "", None),
        ("x = ║\n", "\n\n", None),
        ("x = ║\n", "1\n", "1"),
        ("f(║)\n", ")", None),  # what is right of the cursor
        ("def f():║\n    return 1\n", "\n    return 1", None),  # the lines below
        ("    ║\n    return 1\n", "    return 1", None),  # the next line
        ("f(║)\n", "a", "a"),
    ],
)
def test_what_repeats_is_not_shown(text, said, shown):
    ghost = render(said, at(text)).ghost
    assert (ghost.shown if ghost else None) == shown


def test_all_a_line_or_a_word_can_be_accepted():
    document = "x = f()\n"
    ghost = render("a + b,\n      c", at("x = f(║)\n")).ghost
    assert ghost.all.apply(document) == "x = f(a + b,\n      c)\n"
    assert ghost.line.apply(document) == "x = f(a + b,\n"  # the rest of the line has gone to the last one
    assert ghost.word.apply(document) == "x = f(a)\n"
