"""Quotes that the editor closed: what is shown leaves no odd one."""

from __future__ import annotations

import pytest

from fim_lsp.languages import SyntaxTree, get
from tests.picture import NOTHING, accepted, show


@pytest.mark.parametrize(
    ("document", "said", "language", "kept"),
    [
        ('print(row["║"])\n', 'name"].strip()', "python", 'print(row["├name"].strip()┤╠"]╣)'),
        ("print(f'{║}')\n", "name}' + x", "python", None),
        ("print(f'{║}')\n", "name!r}'", "python", "print(f'{├name!r┤}')"),
        ("print(f'{x}║')\n", " and {y}')", "python", "print(f'{x}├ and {y}┤')"),
        ('x = f"a{║}b"\n', 'row["k"]', "python", 'x = f"a{├row["k"]┤}b"'),
        ('def f():\n    """║"""\n', 'Return nothing."""', "python", 'def f():\n    """├Return nothing.┤"""'),
        ('s = """║"""\n', '"""a"""', "python", 's = """├a┤"""'),
        ("x = '║'\n", "a' 'b", "python", None),
        ("s = '║'\n", "it's", "python", "s = '├it┤'"),
        ("const x = `║`;\n", "a ${b}`", "javascript", "const x = `├a ${b}┤`;"),
        ("const x = `${║}`;\n", "name}` + y", "javascript", None),
        ("const x = `a ${b║}`;\n", ".c}`;", "typescript", "const x = `a ${b├.c┤}`;"),
        ('f(x["║"]);\n', 'name"].trim()', "typescript", None),
        ("const x = <a href={`${║}`}/>;\n", "name}`}", "tsx", "const x = <a href={`${├name┤}`}/>;"),
        ('var s = $"{║}";\n', 'name}";', "csharp", 'var s = $"{├name┤}";'),
        ('puts "#{║}"\n', 'name}"', "ruby", 'puts "#{├name┤}"'),
        ('echo "${║}"\n', 'name}"', "bash", 'echo "${├name┤}"'),
        ('echo "$(║)"\n', 'ls)"', "bash", 'echo "$(├ls┤)"'),
        ('<?php\necho "{$║}";\n', 'name}";', "php", '<?php\necho "{$├name┤}";'),
        ('fn main() {\n    print!("{║}");\n}\n', 'x}");', "rust", 'fn main() {\n    print!("{├x┤}");\n}'),
        ("package a\n\nvar s = `║`\n", "a`", "go", "package a\n\nvar s = `├a┤`"),
        ('class A {\n  String s = "║";\n}\n', 'a" + b;', "java", 'class A {\n  String s = "├a┤";\n}'),
        ('char *s = "║";\n', 'a\\n";', "c", 'char *s = "├a\\n┤";'),
        ('auto s = R"(║)";\n', 'a)";', "cpp", 'auto s = R"(├a┤)";'),
        ("local s = [[║]]\n", "a]]", "lua", "local s = [[├a┤]]"),
    ],
)
def test_no_odd_quote_is_left_between_those_the_editor_closed(document, said, language, kept):
    picture = show(document, said, language)
    assert kept is None or picture == kept
    text = document.replace("║", "") if picture == NOTHING else accepted(picture)
    assert not SyntaxTree.parse(text + "\n", get(language)).has_error, picture
