"""A line that opens what later lines close is shown whole, in the middle of a file without a fault."""

from __future__ import annotations

import pytest

from fim_lsp import languages
from fim_lsp.domain import Snapshot, Suggestion
from fim_lsp.filters import keep_valid
from fim_lsp.languages import SyntaxTree

BODIES = {
    "bash": "f() {\n  ║\n  echo x\n}\n",
    "c": "int f(int x) {\n  ║\n  return x;\n}\n",
    "cpp": "void f() {\n  ║\n  return;\n}\n",
    "csharp": "class A {\n  void F() {\n    ║\n    return;\n  }\n}\n",
    "go": "package a\n\nfunc f() {\n\t║\n\treturn\n}\n",
    "java": "class A {\n  void f() {\n    ║\n    return;\n  }\n}\n",
    "javascript": "export function A() {\n  return (\n    <div>\n      ║\n    </div>\n  );\n}\n",
    "json": '{\n  "a": 1,\n  ║\n  "b": 2\n}\n',
    "lua": "local function f(x)\n  ║\n  return x\nend\n",
    "php": "<?php\nfunction f() {\n  ║\n  return $a;\n}\n",
    "python": "def f():\n    ║\n    return a\n",
    "ruby": "class A\n  def f(x)\n    ║\n    x\n  end\nend\n",
    "rust": "fn f() {\n    ║\n    x\n}\n",
    "tsx": "export function A() {\n  return (\n    <div>\n      ║\n    </div>\n  );\n}\n",
    "typescript": "function f() {\n  ║\n  return a;\n}\n",
}
LINES = {
    "bash": ['if [ -z "$x" ]; then', "for a in b c; do", 'case "$x" in', "g() {"],
    "c": ["do {", "struct a b = {", "foo(x,", "#ifdef X"],
    "cpp": ["auto f = [](int a) {", "std::vector<int> x = {"],
    "csharp": ["var x = foo.Select(a => {", "var x = new Foo {"],
    "go": ["x := []int{", 't.Run("x", func(t *testing.T) {'],
    "java": ["x.forEach(a -> {", "foo("],
    "javascript": ['<ul className="x">', "<div", "{items.map((x) => (", "{open && ("],
    "json": ['"c": {', '"c": [{'],
    "lua": ["if x then", "foo(function(a)", "local t = {", 'vim.keymap.set("n", "x", function()'],
    "php": ["$x = [", "return array_map(function ($x) {"],
    "python": ["x = {", "raise TypeError(", "x = [foo(a,", '@app.route("/", methods=['],
    "ruby": ["if x", "x.each do |y|", "foo(x) do |y|", "x.map { |y|", "y = ["],
    "rust": ["let x = vec![", "x.iter().map(|a| {", "match x {"],
    "tsx": ["<Heading as={b}>", "<Box onClick={() => x}>", "<>", "<div"],
    "typescript": ["return new Promise((resolve) => {", "const f = async (x: A): Promise<B> => {", "foo("],
}


def kept(picture: str, said: str, language: str) -> str | None:
    before, after = picture.split("║")
    snap = Snapshot("file:///a", 1, language, before + after, len(before))
    shown = keep_valid.apply(Suggestion((said,)), snap, SyntaxTree.parse(snap.text, languages.get(language)))
    return shown and shown.text


@pytest.mark.parametrize(("language", "said"), [(name, line) for name, some in LINES.items() for line in some])
def test_it_is_shown_as_it_was_said(language, said):
    assert kept(BODIES[language], said, language) == said


@pytest.mark.parametrize(
    ("picture", "said", "language", "shown"),
    [
        ("const a = (\n  <B onClick={║}\n  />\n);\n", "(e) => {", "tsx", "(e) => {"),
        ("const x = ║;\n", "items.map((y) => {", "typescript", "items.map((y) => {"),
        ("f(║, b)\n", "a, g(", "python", "a, g"),  # more stands there than what closes
        ("f(║)\ng()\n", "a b(", "python", "a"),
        ("x = ║\ny\n", "f(a))(", "python", "f(a)"),
    ],
)
def test_what_stands_behind_it_decides(picture, said, language, shown):
    assert kept(picture, said, language) == shown
