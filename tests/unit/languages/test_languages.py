"""What each language says of itself is what its grammar knows."""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp import context
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.compare.holes import Cutter
from fim_lsp.domain import Cancel, GenerationLimits, Snapshot
from fim_lsp.languages import LANGUAGES, SyntaxTree, Trees, describe, get, ids, language_of, locate, wheels
from fim_lsp.pipeline.completer import Completer
from fim_lsp.pipeline.eligibility import refuse
from fim_lsp.settings import Config
from tests.picture import draw

ROOT = Path(__file__).resolve().parents[3]
EVERY = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


@EVERY
def test_its_grammar_is_there(language):
    assert language.ts_language is not None
    assert SyntaxTree.parse("x", language).root is not None


@EVERY
def test_its_node_types_are_the_grammar_s(language):
    nodes = {language.ts_language.node_kind_for_id(n) for n in range(language.ts_language.node_kind_count)}
    said = language.comments | language.strings | language.interpolations | language.lists | language.imports
    said |= language.string_starts | language.openers | language.holes.keys()
    said |= {one for one in language.string_ends if len(one) > 1}  # a quote may be the text's alone
    assert said <= nodes, said - nodes


@EVERY
def test_its_names_are_the_grammar_s_too(language):
    of = language.ts_language
    nodes = {of.node_kind_for_id(n) for n in range(of.node_kind_count)}
    fields = {of.field_name_for_id(n) for n in range(1, of.field_count + 1)} | {""}
    said = [one.partition(".") for one in language.names | language.givers | language.members]
    assert {node for node, _, _ in said} <= nodes
    assert {field for _, _, field in said} <= fields


def test_no_two_languages_share_a_name_or_an_extension():
    extensions = [one for language in LANGUAGES.values() for one in language.extensions]
    assert len(set(extensions)) == len(extensions)
    assert len(set(ids())) == len(ids())
    assert all(get(name).name for name in ids())
    assert [language_of(name) for name in ("a.go", "A.TSX", "a.unknown", "Makefile")] == ["go", "tsx", "", ""]


def test_every_grammar_is_a_dependency_and_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["languages"]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert {re.split("[>=<]", one)[0] for one in listed if one.startswith("tree-sitter-")} == set(wheels())
    assert all(f"\n{wheel}==" in pinned for wheel in wheels())


BODIES = {  # imports that use `used` and `spare`, then a definition's header, then a line of its body
    "python": ("import used\nimport spare\n", "def f():", "    x = used.one()"),
    "javascript": ('import { used } from "a";\nimport { spare } from "used";\n', "function f() {", "  x = used.one();"),
    "typescript": ('import { used } from "a";\nimport { spare } from "used";\n', "class A {", "  x = used.one();"),
    "tsx": ('import { used } from "a";\nimport { spare } from "used";\n', "export function f() {", "  x = used.one();"),
    "go": ('package a\n\nimport "used"\nimport "spare"\n', "func f() {", "\tx := used.One()"),
    "rust": ("use used::one;\nuse spare::two;\n", "pub fn f() {", "    used::one();"),
    "java": ("import a.used;\nimport a.spare;\n", "class A {", "  int x = used.one();"),
    "c": ('#include "used.h"\n#include "spare.h"\n', "int f(int a) {", "    used();"),
    "cpp": ('#include "used.h"\n#include "spare.h"\n', "class A {", "    int x = used();"),
    "csharp": ("using Used;\nusing Spare;\n", "public class A {", "    int x = Used.One();"),
    "ruby": ('require "used"\nrequire "spare"\n', "def f", "  used.one"),
    "php": ("<?php\nuse A\\used;\nuse A\\spare;\n", "function f() {", "    used();"),
    "bash": ("source used.sh\nsource spare.sh\n", "f() {", "  used"),
    "html": ("", "<main>", "  <p>used</p>"),
    "css": ('@import "used.css";\n@import "spare.css";\n', "@media print {", "  .used { color: red; }"),
    "sql": ("", "", "SELECT used;"),
    "json": ("", '"a": {', '  "used": 1,'),
    "yaml": ("", "a:", "  used: 1"),
    "toml": ("", "", "used = 1"),
    "markdown": ("", "", "used"),
    "lua": ('local used = require("a")\nlocal spare = require("b")\n', "local function f()", "  used.one()"),
}


@EVERY
def test_an_import_that_is_used_and_the_header_around_are_kept(language):
    imports, header, line = BODIES[language.name]
    body = f"\n{line}" * 120
    snap = replace(draw(f"{imports}\n{header}{body}║\n"), language=language.name)
    site = describe(snap, Trees().tree(snap, language))
    assert len(site.imports) == (2 if language.imports else 0)
    prefix = context.build(snap, site, GenerationLimits(), 600, 100).segments[0]
    assert "used" in prefix.split("\n")[0].lower() or not language.imports
    assert "spare" not in prefix.lower().replace('{ spare } from "used"', "spare")
    assert header in prefix
    assert prefix.endswith(line)


@EVERY
def test_holes_of_every_kind_of_node_are_cut(language):
    text = (ROOT / f"tests/golden/languages/samples/{language.name}.txt").read_text(encoding="utf-8")
    assert not SyntaxTree.parse(text, language).faults()
    cutter = Cutter(text, language)
    for kind in set(language.holes.values()):
        spans = [span for n in range(60) for span in cutter.spans(random.Random(n), {kind: 1.0}, most_chars=400)]
        assert spans, kind
        for span in spans:
            said = text[span.start : span.end]
            assert said.count("{") == said.count("}"), said


def test_a_body_is_hidden_without_what_encloses_it():
    def bodies(text, name):
        cutter = Cutter(text, get(name))
        spans = [span for n in range(20) for span in cutter.spans(random.Random(n), {"function_body": 1.0})]
        return {text[span.start : span.end].strip() for span in spans}

    assert bodies("function f() {\n  a();\n  b();\n}\n", "javascript") == {"a();\n  b();"}
    assert bodies("const f = (a) => a + 1;\nfunction g() { b(); }\n", "javascript") == set()
    assert bodies("def f\n  a\n  b\nend\n", "ruby") == {"a\n  b"}


INSIDE_A_WORD = {  # where nobody is asked, and where one is
    "python": ("na║me", "a-║b"),
    "javascript": ("$║a", "a-║b"),
    "typescript": ("a$║b", "a.║b"),
    "tsx": ("$║a", "<║a"),
    "go": ("na║me", "a.║b"),
    "rust": ("na║me", "a::║b"),
    "java": ("na║me", "@║A"),
    "c": ("na║me", "a->║b"),
    "cpp": ("na║me", "a::║b"),
    "csharp": ("na║me", "a?.║b"),
    "ruby": ("@║a", "a.║b"),
    "php": ("$║a", "$a->║b"),
    "bash": ("$║a", "-║a"),
    "lua": ("na║me", "a:║b"),
    "html": ("<my-║a>", "<║a>"),
    "css": ("margin-║left", ".║a"),
    "sql": ("na║me", "a.║b"),
    "json": ("na║me", '"║a"'),
    "yaml": ("runs-║on", "- ║a"),
    "toml": ("line-║length", "[║a]"),
    "markdown": ("wo║rd", "well-║known"),
}


@EVERY
def test_nothing_is_asked_within_a_word(language):
    inside, outside = (replace(draw(picture), language=language.name) for picture in INSIDE_A_WORD[language.name])
    for name in (language.name, *language.ids):
        assert refuse(replace(inside, language=name), Config()) == "the cursor is inside a word"
        assert refuse(replace(outside, language=name), Config()) == ""
    assert "not in fimLsp.languages" in refuse(outside, Config(languages=tuple(set(ids()) - {language.name})))


ZONES = {  # code after a string and a comment that are closed, a string, a comment
    "python": ("x = 'a'║", "x = 'a║'", "# a ║"),
    "javascript": ("x = 'a' /* b */║", "x = `a║`", "x; // a ║"),
    "typescript": ("x = `a ${║}`", "x = `a\nb║`", "/* a\n b ║ */"),
    "tsx": ("x = <a>{║}</a>", "x = <a b='c║'/>", "/* a ║"),
    "go": ('var x = "a"║', "var x = `a\nb║`", "// a ║"),
    "rust": ("/// a\n║fn f() {}", 'fn f() { x("a║") }', "/// a ║\nfn f() {}"),
    "java": ("class A { char c = 'a'; ║}", 'class A { String c = "a║"; }', "/** a\n * b ║\n */"),
    "c": ("int x = 'a'║;", 'char *x = "a║";', "int x; // a ║"),
    "cpp": ("int x = 1'000 + ║;", 'auto x = R"(a║)";', "int x; /* a ║ */"),
    "csharp": ('var x = $"a {║b}";', 'var x = $"a║ {b}";', "/// a ║"),
    "ruby": ('x = "a #{║b}"', 'x = "a║ #{b}"', "x # a ║"),
    "php": ("<?php $x = 'a'║;", '<?php $x = "a║";', "<?php # a ║"),
    "bash": ('x="$(║a)"', 'x="a ║"', "x # a ║"),
    "html": ("<p>it's ║</p>", '<p class="a║"></p>', "<p></p><!-- a\n ║ -->"),
    "css": ('.a { b: "c"/* d */║ }', ".a { b: 'c║' }", "/* a\n ║ */"),
    "sql": ("SELECT 'a', 12║", "SELECT 'a║'", "SELECT 1 -- a ║"),
    "json": ('{"a": 12║}', '{"a": "b║"}', "{\n  // a ║\n}"),
    "yaml": ("a: it's b#c ║", 'a: "b║"', "a: b # c ║"),
    "toml": ("a = 'b'║", 'a = """b\nc║"""', "a = 1 # b ║"),
    "markdown": ("it's a `b║`", '<p class="a║">b</p>\n', "<!-- a ║ -->\n"),
    "lua": ("x = [[a]]║", "x = [[a\nb║]]", "--[[ a\n║ ]]"),
}


@EVERY
def test_where_the_cursor_stands(language):
    for picture, zone in zip(ZONES[language.name], ("code", "string", "comment"), strict=True):
        snap = replace(draw(picture), language=language.name)
        assert locate(snap, Trees()).zone == zone, picture


@EVERY
@pytest.mark.parametrize("is_whole", [True, False])
def test_any_place_can_be_asked(language, is_whole):
    text = (ROOT / f"tests/golden/languages/samples/{language.name}.txt").read_text(encoding="utf-8") + "é = '😀'\n"
    backend = FakeBackend(text[len(text) // 2 :], step_chars=40)
    completer = Completer(Config(), lambda family, model: backend)
    for at in range(0, len(text), 3):
        snap = Snapshot("u", at, language.name, text if is_whole else text[:at], at, manual=True)
        outcome = completer.complete(snap, Cancel())
        assert outcome.suggestions or outcome.reason
