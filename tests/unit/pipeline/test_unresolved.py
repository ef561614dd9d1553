"""What a suggestion uses resolves somewhere, or it is told what does not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from fim_lsp.backends.calibration import Calibration
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.compare.quality import read_holes, shipped_holes
from fim_lsp.context.index import Workspace
from fim_lsp.domain import Cancel, Outcome, Suggestion
from fim_lsp.languages import Trees, locate
from fim_lsp.pipeline import unresolved
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw
from tests.unit.context.folder import written

SURE = (-0.01, -0.01)

PYTHON = [  # document, what the model says, the names that resolve nowhere
    # an unknown name in each place that uses one
    ("x = ║\n", "load(path)", "load path"),
    ("def f(a):\n    return ║\n", "a + b", "b"),
    ("def f(a):\n    ║\n", "return a.rows[row]", "row"),
    ("def f(a):\n    ║\n", "a[key] = 1", "key"),
    ("def f(a):\n    ║\n", "total += a", "total"),
    ("def f(a):\n    ║\n", "if not ready:\n        return", "ready"),
    ("def f(a):\n    ║\n", "for one in items:\n        print(one)", "items"),
    ("║\n", "class Store(Base): pass", "Base"),
    ("║\n", "@cached\ndef f(): pass", "cached"),
    ("║\n", "def f(a: Path) -> None: pass", "Path"),
    ("x = ║\n", "f'{name} {1}'", "name"),
    ("print(║)\n", "1, end=stop", "stop"),
    ("x = ║\n", "{key: 1}", "key"),
    ("x = ║\n", "lambda a: a + b", "b"),
    ("x = ║\n", "[one for one in items if one]", "items"),
    ("def f():\n    raise ║\n", "Broken()", "Broken"),
    ("def f(a):\n    ║\n", "del cache[a]", "cache"),
    ("x = ║\n", "self.width", "self"),
    ("x = 'load'\n# load\ny.load = f(load=1)\nz = ║\n", "load", "load"),  # a string, a comment, a member, a keyword
    ("x = mis║\n", "sing(1)", "missing"),  # a word that was begun
    ("x = ║\n", "a.b(c)\ny = c", "a c"),  # each once
    ("x = f(1\n\ny = ║\n", "load(1)", ""),  # the parser does not understand the place
    ("f(ha, lo = 1\n\ndef g():\n    return ║\n", "1 + b", ""),
    # what resolves
    ("import os\nx = ║\n", "os.path.join('a')", ""),
    ("x = ║\n", "json.loads('')", ""),  # its import may be yet to come
    ("x = ║\n", "numpy.zeros(1)", "numpy"),
    ("from a import b as c\nx = ║\n", "c.d", ""),
    ("x = ║\n", "print(len(str(1)), ValueError, __name__, __file__)", ""),
    ("def f(a, *b, c=1, **d):\n    return ║\n", "a, b, c, d", ""),
    ("x = ║\n\ndef later(): pass\n", "later()", ""),  # given further down
    ("def f():\n    inner = 1\ny = ║\n", "inner", ""),  # in another scope
    ("try: pass\nexcept OSError as e: pass\nx = ║\n", "e", ""),
    ("with open('a') as (b, c): pass\nx = ║\n", "b, c", ""),
    ("match x:\n    case [one, *rest]: pass\ny = x, ║\n", "one, rest", ""),
    ("def f():\n    global state\n    ║\n", "return state", ""),
    ("x = ║\n", "[a for a, b in {}.items() if b and (c := a)]", ""),
    ("x = ║\n", "lambda a, *b, c=1: (a, b, c)", ""),
    ("║\n", "for i, (j, *k) in []:\n    print(i, j, k)", ""),
    ("║\n", "def f(a, b: int = 1, *c, **d):\n    return f(a, b, c, d)", ""),
    ("║\n", "import json\nx = json.loads('')", ""),
    ("║\n", "x = y = 1\nz = x, y", ""),
    ("║\n", "with open('a') as file:\n    file.read()", ""),
    ("║\n", "try:\n    pass\nexcept OSError as e:\n    print(e)", ""),
    ("║\n", "def f[T](a: T) -> T: ...", ""),
    ("║\n", "def f():\n    nonlocal a\n    a = 1", ""),
    ("x = ║\n", "[].attribute.of_it", ""),
    ("dict(║)\n", "key=1", ""),
    ("x = '║'\n", "some words", ""),
    ("# ║\n", "some words", ""),
    ('"""║"""\n', "some words", ""),
    ("from os import *\nx = ║\n", "load(1)", ""),
    ("from os import (\n    *)\nx = ║\n", "load(1)", ""),
    ("exec(code)\nx = ║\n", "load(1)", ""),
    ("globals()['load'] = 1\nx = ║\n", "load(1)", ""),
    ("def f(naïve):\n    return ║\n", "naïve", ""),
    ("x = 'ß', ║\n", "naïve", "naïve"),
]

TYPESCRIPT = [
    ("const x = ║;\n", "load(path)", "load path"),
    ("function f(a: number) {\n  return ║;\n}\n", "a + b", "b"),
    ("function f(a: number) {\n  ║\n}\n", "return a.rows[row];", "row"),
    ("const a = {};\n║\n", "a[key] = 1;", "key"),
    ("║\n", "class Store extends Base {}", "Base"),
    ("const x = ║;\n", "new Store(1)", "Store"),
    ("const x = ║;\n", "`${name} ${1}`", "name"),
    ("const x = ║;\n", "{ key: value }", "value"),
    ("const x = ║;\n", "{ key }", "key"),
    ("const x = ║;\n", "{ [key]: 1 }", "key"),
    ("const x = ║;\n", "(a) => a + b", "b"),
    ("║\n", "for (const one of items) {}", "items"),
    ("║\n", "if (!ready) {\n  throw new Broken();\n}", "ready Broken"),
    ("const x = ║;\n", "{ ...rest }", "rest"),
    ("const x = ║;\n", "await load()", "load"),
    ("const x = 'load'; // load\ny.load = { load: 1 };\nconst z = ║;\n", "load", "load"),
    ("const x = mis║;\n", "sing(1)", "missing"),
    ("const x = ║;\n", "items?.length ?? 0", "items"),
    ("const x = ║;\n", "a as Shape", "a"),
    ("const x = ║;\n", "event.target", "event"),  # a browser's, but mostly meant as one's own
    ("if (\nconst x = ║\n", "load + ", ""),  # the parser does not understand the place
    # what resolves
    ("import { a as b } from 'm';\nconst x = ║;\n", "b.c", ""),
    ("import d, * as ns from 'm';\nconst x = ║;\n", "ns.one(d)", ""),
    ("import fs = require('fs');\nconst x = ║;\n", "fs.read()", ""),
    ("const x = ║;\n", "JSON.parse(String(Math.max(1, NaN, undefined)))", ""),
    ("const x = ║;\n", "document.querySelector(window.location.hash)", ""),
    ("const x = ║;\n", "process.env.HOME + __dirname + require('a')", ""),
    ("const { a, b: c, ...d } = {};\nconst x = ║;\n", "[a, c, d]", ""),
    ("const [a, b = 1] = [];\nconst x = ║;\n", "a + b", ""),
    ("const x = ║;\nfunction later() {}\n", "later()", ""),
    ("function f() { const inner = 1; }\nconst x = ║;\n", "inner", ""),
    ("class Store {}\nconst x = ║;\n", "new Store()", ""),
    ("enum Kind { A }\nconst x = ║;\n", "Kind.A", ""),
    ("namespace N {}\nconst x = ║;\n", "N.a", ""),
    ("try {} catch (e) {}\nconst x = ║;\n", "e", ""),
    ("class A { constructor(private t: number) {\n  ║\n} }\n", "super(); this.a = t;", ""),
    ("const x = ║;\n", "(a, { b, c: d }, [e], ...f) => [a, b, d, e, f, arguments]", ""),
    ("const x = ║;\n", "async a => a", ""),
    ("║\n", "for (const [i, j] of []) { i + j; }", ""),
    ("║\n", "function f<T>(a: T, b?: Shape, c = 1): a is Circle { return f(a, b, c); }", ""),
    ("║\n", "const { a } = {}, b = a;", ""),
    ("║\n", "import { a } from 'm';\na();", ""),
    ("║\n", "try {} catch (e) { e.message; }", ""),
    ("║\n", "outer: while (true) { break outer; }", ""),
    ("║\n", "type Make = (of: number) => Shape;", ""),
    ("║\n", "interface Shape { [key: string]: Other; of(x: number): void }", ""),
    ("║\n", "enum Kind { A = 1, B = A }", ""),
    ("const x = ║;\n", "{ key: 1, method() {} }", ""),
    ("const x = [].║;\n", "map", ""),
    ("const x = '║';\n", "some words", ""),
    ("// ║\n", "some words", ""),
    ("/// <reference types='all' />\nconst x = ║;\n", "load()", ""),
    ("/* global load */\nconst x = ║;\n", "load()", ""),
    ("eval(code);\nconst x = ║;\n", "load()", ""),
]

TSX = [
    ("const x = ║;\n", "<div>{name}</div>", "name"),
    ("const x = ║;\n", "<div onClick={press} />", "press"),
    ("const x = ║;\n", "<Store {...rest} />", "rest"),
    ("const x = ║;\n", "<div className='a'>some words</div>", ""),
]

JAVASCRIPT = [
    ("const x = ║;\n", "load(path)", "load path"),
    ("function f(a, b = 1, ...c) {\n  return ║;\n}\n", "[a, b, c, d]", "d"),
    ("║\n", "function f(a, { b }, ...c) { return a + b + c; }", ""),
    ("const fs = require('fs');\nfs.read(║);\n", "path, (error, data) => data", "path"),
    ("with (it) {\n  ║\n}\n", "load()", ""),
]

CASES = {"python": PYTHON, "typescript": TYPESCRIPT, "tsx": TSX, "javascript": JAVASCRIPT}


def found(document: str, said: str, language: str, finish: str = "stop", defined=unresolved.nowhere) -> str:
    site = locate(draw(document, language=language), Trees())
    return " ".join(unresolved.find(Suggestion((said,), finish=finish), site, defined))


@pytest.mark.parametrize(
    ("language", "document", "said", "names"),
    [(language, *case) for language, cases in CASES.items() for case in cases],
)
def test_names_that_resolve_nowhere(language, document, said, names):
    assert found(document, said, language) == names


def test_what_another_file_defines_is_known():
    assert found("x = ║\n", "load(path)", "python", defined=lambda names: {"load"} & set(names)) == "path"


def test_other_files_are_asked_only_for_what_is_left():
    asked = []
    found("def f(a):\n    ║\n", "return load(a, b.c)", "python", defined=lambda names: asked.append(list(names)) or ())
    assert asked and set(map(tuple, asked)) == {("load", "b")}


def test_the_last_word_of_what_is_cut_short_may_be_another():
    assert found("x = ║)\n", "load(pat", "python") == "load pat"
    assert found("x = ║)\n", "load(pat", "python", finish="length") == "load"


def test_what_the_suggestion_replaces_is_not_there_any_more():
    snap = draw("x = ║unknown + 1\n")
    site = locate(snap, Trees())
    assert unresolved.find(Suggestion(("other",), replaces=len("unknown")), site) == ("other",)


@pytest.mark.parametrize(
    ("language", "document"),
    [
        ("html", "<script>\n  const x = ║;\n</script>\n"),
        ("markdown", "```python\nx = ║\n```\n"),
        ("go", "package a\n\nfunc f() {\n\tx := ║\n}\n"),
        ("unknown", "x = ║\n"),
    ],
)
def test_a_language_within_another_and_one_that_does_not_say_are_left_alone(language, document):
    assert found(dedent(document), "load(path)", language) == ""


def test_brackets_may_be_as_deep_as_they_like():
    deep = 3000
    assert found(f"x = {'(' * deep}║{')' * deep}\n", "load", "python") == "load"


def test_a_text_that_is_full_of_a_word_knows_it():
    document = "y.load()\n" * 70 + "x = ║\n"
    assert found(document, "load()", "python") == ""


def complete(
    said: str, manual: bool = False, workspace: Workspace | None = None, limit: float = 0.06, **more
) -> Outcome:
    backend = FakeBackend(said, **{"log_probs": SURE, "step_chars": 4, **more})
    backend.calibration = Calibration(9.0, {}, {}, shown=limit)
    config = Config(word_fallback=False)
    return Completer(config, lambda family, model: backend, workspace=workspace).complete(
        draw("x = ║\n", manual=manual), Cancel()
    )


def test_it_falls_under_the_limit_and_the_reason_names_it():
    assert complete("len('a')").suggestions[0].confidence > 0.9
    outcome = complete("load(path)")
    assert outcome.suggestions == ()
    assert outcome.reason == "too unlikely, 3.0%; `load`, `path` are defined nowhere"


@pytest.mark.parametrize(("limit", "confidence"), [(0.6, 0.05), (0.06, 0.03), (0.002, 0.001), (0.0, 0.05)])
def test_it_is_less_likely_and_under_every_limit_there_is(limit, confidence):
    assert complete("load(1)", manual=True, limit=limit).suggestions[0].confidence == confidence
    assert (complete("load(1)", limit=limit).suggestions == ()) == (limit > 0)


def test_who_asks_by_hand_sees_it_and_is_told():
    outcome = complete("load(1)", manual=True)
    assert outcome.suggestions[0].text == "load(1)"
    assert outcome.suggestions[0].unresolved == ("load",)
    assert outcome.why.endswith("; `load` is defined nowhere")


def test_what_is_sure_before_such_a_name_may_be_shown_but_nothing_that_has_it():
    log_probs = (-0.01,) * 3
    assert complete("len(path)", log_probs=log_probs).suggestions[0].text == "len"
    assert complete("path + len(1)", log_probs=log_probs).suggestions == ()
    assert (
        complete("load(1)", log_probs=log_probs, step_chars=2).suggestions == ()
    )  # `load` may be anything when it ends there


def test_a_file_of_the_workspace_defines_it(tmp_path):
    root = written(tmp_path, {"a.py": "def load(path):\n    pass\n", "b/loads.py": "LIMIT = 1\n"})
    workspace = Workspace.of(root)
    [known] = complete("load(loads.LIMIT)", workspace=workspace).suggestions
    assert (known.text, known.unresolved) == ("load(loads.LIMIT)", ())
    assert "`path` is defined nowhere" in complete("path + load(1)", workspace=workspace).reason


@pytest.mark.parametrize("language", ["held_out", "typescript", "tsx"])
def test_what_authors_wrote_is_left_alone(language):
    """Of holes that are cut from the middle of a file, imports may be missing: those of whole files count."""
    holes = [
        hole for hole in read_holes(shipped_holes(language)) if len(hole.prefix) < 3000 and len(hole.suffix) < 1000
    ]
    assert len(holes) > 40
    named = [unresolved.find(Suggestion((hole.gold,)), locate(hole.snapshot(0), Trees())) for hole in holes]
    assert list(filter(None, named)) == []
