"""Where a block begins: in whole texts and in broken ones, as they are while a person types."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.languages import Trees, describe, get
from tests.picture import draw

BLOCKS = {
    "javascript": [
        "class A extends B {\n  ║\n}",
        "class A {\n  run(a) {\n    ║\n",
        "if (a &&\n    b) {\n  ║\n}",
        "if (a &&\n    b) {\n  ║",
        "try {\n  ║\n} catch (e) {\n}",
        "try {\n  f();\n} catch {\n  ║\n}",
        "if (x) {\n  f();\n} else {\n  ║\n}",
        "if (x) {\n  f();\n} else if (y) {\n  ║\n}",
        "const f = async (a) => {\n  ║\n};",
        "export default function () {\n  ║",
        "promise.then((a) => {\n  ║\n}).catch((e) => {});",
        "switch (x) {\n  case 1:\n    ║\n}",
        "for (const a of b) { // why\n  ║\n}",
        "function f() {║",
    ],
    "typescript": [
        "enum A {\n  ║\n}",
        "export class A<T> implements B<T> {\n  ║\n}",
        "function f(a: Map<string, number>): Promise<void> {\n  ║",
        "class A {\n  private run(a?: string): string[] {\n    ║\n  }\n}",
        "declare namespace A {\n  ║\n}",
    ],
    "tsx": ["export function A({ b }: Props) {\n  ║\n}", "const A = () => {\n  ║"],
    "go": [
        "func (a *A) F(x int) (int, error) {\n\t║\n}",
        "func f(\n\ta int,\n) error {\n\t║",
        "func f() {\n\tgo func() {\n\t\t║\n\t}()\n}",
        "func f() {\n\tfor {\n\t\t║",
        "func f() {\n\tswitch x {\n\tcase 1:\n\t\t║\n\t}\n}",
        "func f() {\n\tif x {\n\t} else {\n\t\t║\n\t}\n}",
        "type A interface {\n\t║\n}",
    ],
    "rust": [
        "impl<T> A for B<T> {\n    ║\n}",
        "pub async fn f(a: u8) -> Result<(), E> {\n    ║",
        "fn f() {\n    match x {\n        Some(a) => {\n            ║\n        }\n    }\n}",
        "fn f() {\n    if let Some(a) = b {\n        ║\n    }\n}",
        "fn f() {\n    xs.iter().map(|x| {\n        ║\n    });\n}",
        "pub struct A {\n    ║\n}",
    ],
    "java": [
        "class A {\n  @Override\n  public void f() throws E {\n    ║\n  }\n}",
        "class A {\n  void f() {\n    if (x) {\n      ║",
        "class A {\n  void f() {\n    xs.forEach(x -> {\n      ║\n    });\n  }\n}",
        "public interface A extends B {\n    ║\n}",
        "class A {\n  void f() {\n    try {\n      ║\n    } finally {\n    }\n  }\n}",
    ],
    "c": [
        "int main(void) {\n    ║\n}",
        "static int\nmain(int a)\n{\n    ║\n}",
        "int f() {\n    do {\n        ║\n    } while (x);\n}",
        "int f() {\n    switch (x) {\n    case 1:\n        ║\n    }\n}",
        "typedef struct {\n    ║\n} A;",
    ],
    "cpp": [
        "class A : public B {\n    ║\n};",
        "namespace a {\n    ║\n}",
        "A::A(int x) : x_(x) {\n    ║\n}",
        "int A::f() const override {\n    ║",
        "template <typename T>\nT f(T a) {\n    ║\n}",
    ],
    "csharp": [
        "namespace A\n{\n    ║\n}",
        "class A {\n    public async Task<int> F(int a) {\n        ║\n    }\n}",
        "class A {\n    public int B {\n        get {\n            ║\n        }\n    }\n}",
        "class A\n{\n    void F()\n    {\n        foreach (var a in b)\n        {\n            ║\n",
    ],
    "ruby": [
        "class A < B\n  ║\nend",
        "module A\n  class B\n    def f\n      ║",
        "if x\n  y\nelse\n  ║\nend",
        "x = if y\n  ║\nend",
        "case x\nwhen 1\n  ║\nend",
        "xs.map { |x|\n  ║\n}",
        "private def f(a) # why\n  ║\nend",
        "begin\n  f\nrescue E => e\n  ║\nend",
    ],
    "php": [
        "<?php\nclass A extends B\n{\n    ║\n}",
        "<?php\nclass A {\n    public function f(int $a): ?string\n    {\n        ║\n    }\n}",
        "<?php\nforeach ($a as $b) {\n    ║",
        "<?php\n$f = function ($a) use ($b) {\n    ║\n};",
    ],
    "bash": [
        "for x in a b; do\n  ║\ndone",
        "while read -r x\ndo\n  ║",
        "case $x in\n  a)\n    ║\nesac",
        "if x; then\n  y\nelse\n  ║\nfi",
        "f() {\n  ║\n}",
    ],
    "lua": [
        "function M.f(a, b)\n  ║\nend",
        "f(function(x)\n  ║\nend)",
        "if x then\n  ║\nelse\nend",
        "repeat\n  ║\nuntil x",
        "for i = 1, 2 do -- why\n  ║",
    ],
    "html": [
        "<div>║",
        "<div>║\n</div>",
        "<div class='a'\n     id='b'>\n  ║\n</div>",
        "<table>\n  <tr>\n    ║\n  </tr>\n</table>",
        "<li><a href='b'>\n  ║\n</a></li>",
        "<my-element>\n  ║",
    ],
    "css": [
        ".a {║",
        ".a,\n.b > c { /* why */\n  ║\n}",
        "@media (min-width: 1px) {\n  .a {\n    ║\n  }\n}",
        "@font-face {\n  ║",
    ],
    "sql": [
        "CREATE TABLE a (\n  ║\n);",
        "create table if not exists a (\n  ║",
        "SELECT * FROM (\n  ║\n) AS b;",
        "INSERT INTO a (\n  ║\n)",
        "BEGIN -- why\n  ║\nEND;",
    ],
    "json": ["{\n  ║\n}", '{"a": {\n  ║', '{"a": [\n  ║\n]}', "[\n  {║"],
    "yaml": ["a:\n  ║", "- a:\n    ║", "a:\n  b: # why\n    ║\nc: 1", "a: |-\n  ║", '"a b":\n  ║'],
    "toml": ["a = [\n  ║\n]", "[b]\na = [ # why\n  ║"],
}
NO_BLOCKS = {
    "html": [
        "<br>\n║",
        "<img src='a' />\n║",
        "</div>\n║",
        "<p>a</p>\n║",
        "a > b\n║",
        "<div>║</div>",
        "<div>\n  ║\n  <p>a</p>\n</div>",
        "<!-- <div>\n║ -->",
    ],
    "css": [".a { b: c; }\n║", "/* .a {\n║ */", ".a {\n  ║\n  b: c;\n}"],
    "sql": ["SELECT max(\n║", "SELECT 1;\n║", "-- create table a (\n║", "CREATE TABLE a (\n  ║\n  b INT\n);"],
    "json": ['{"a": 1,\n║}', '"{\n║', '{\n  ║\n  "a": 1\n}'],
    "yaml": ["a: b\n║", "a:\n║", "# a:\n  ║", "- a\n║", "a:\n  ║\n  b: 1"],
    "toml": ["[a]\n║", "a = 1\n║", "a = [\n  ║\n  1,\n]"],
    "markdown": ["# A\n║", "It is:\n\n║", "- a\n  ║"],
    "javascript": [
        "f({\n  ║\n});",
        "return {\n  ║\n};",
        "x = [\n  ║\n];",
        "if (x) {\n  ║\n  y();\n}",
        'x = "if (x) {║',
        "// if (x) {\n║",
    ],
    "typescript": ["const a: A = {\n  ║\n};", "const a = b ? c : {\n  ║\n};"],
    "tsx": ["const a = <b c={{\n  ║\n}} />;"],
    "go": ["x := []int{\n\t║\n}", "f(map[string]int{\n\t║\n})", "x := a[1:║"],
    "rust": ["let a = [\n    ║\n];", "let a = B { c: {║"],
    "java": ["class A { int[] a = {\n    ║\n}; }", "class A { int a = b ? c :║"],
    "c": ["int a[] = {\n    ║\n};", "x = a ? b :║"],
    "cpp": ["std::vector<int> a = {\n    ║\n};", "std::vector<int> a{\n    ║\n};"],
    "csharp": ["var a = new A\n║", "var a = new[] {\n    ║\n};"],
    "ruby": ["x = {\n  ║\n}", "return if x\n║", "def f = 1\nx\n║", "if x\n  ║\n  y\nend"],
    "php": ["<?php\n$a = [\n    ║\n];"],
    "bash": ["x=$(\n  ║\n)", "echo a\n║"],
    "lua": ["local a = {\n  ║\n}", "f(a)\n║"],
}


def flat(table):
    return [
        pytest.param(language, picture, id=f"{language}: {picture!r}")
        for language, some in table.items()
        for picture in some
    ]


def opens_block(language: str, picture: str) -> bool:
    snap = replace(draw(picture), language=language)
    return describe(snap, Trees().tree(snap, get(language))).opens_block


@pytest.mark.parametrize(("language", "picture"), flat(BLOCKS))
def test_a_block_begins(language, picture):
    assert opens_block(language, picture)


@pytest.mark.parametrize(("language", "picture"), flat(NO_BLOCKS))
def test_no_block_begins(language, picture):
    assert not opens_block(language, picture)


SHORT = {  # a header of several lines takes a tree
    language: [picture for picture in some if picture.count("\n") <= 2 and "{║" not in picture]
    for language, some in BLOCKS.items()
}


@pytest.mark.parametrize(("language", "picture"), flat(SHORT))
def test_it_is_found_without_a_grammar_too(language, picture):
    blind = replace(get(language), grammar="no_such_grammar")
    snap = replace(draw(picture), language=language)
    site = describe(snap, Trees().tree(snap, blind))
    assert site.opens_block
    assert not site.is_parsed
