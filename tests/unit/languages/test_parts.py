"""A cursor within a part of a document that is in another language stands in that language."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fim_lsp import context
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, GenerationLimits, Suggestion
from fim_lsp.filters import keep_valid
from fim_lsp.languages import LANGUAGES, SyntaxTree, Trees, ids, locate, pieces
from fim_lsp.languages.language import Language
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw

PAGE = "<head><script>\nlet a = 1;{script}\n</script></head>\n<body>{body}</body>\n"

PARTS = [  # the document's language, the document, the languages that hold the cursor from the outside in
    ("html", "<script>║</script>", "html javascript"),
    ("html", "<script>let a = '<b>║</b>'</script>", "html javascript"),
    ("html", "<SCRIPT src='a'>║</SCRIPT>", "html javascript"),
    ("html", "<script type=module>║</script>", "html javascript"),
    ("html", "<script data-type='x' type='text/javascript'>║</script>", "html javascript"),
    ("html", "<script lang='ts'>║</script>", "html typescript"),
    ("html", "<script type='application/ld+json'>║</script>", "html json"),
    ("html", "<script type='text/x-template'>║</script>", "html"),
    ("html", "<style>║</style>", "html css"),
    ("html", "<style type='text/css'>a {║}</style>", "html css"),
    ("html", "<script>a</script>║", "html"),
    ("html", "<script ║></script>", "html"),
    ("html", "<script>a</script><p>║</p><script>b</script>", "html"),
    ("html", "<!-- <script>║</script> -->", "html"),
    ("html", "<p>\n<script>\n║", "html javascript"),
    ("html", "<p>\n<script>a</script><style>\n║", "html css"),
    ("html", "<p>\n<script>a</script>\n║", "html"),
    ("markdown", "```py\n║\n```\n", "markdown python"),
    ("markdown", "é\n\n~~~~ {.rust}\n║\n~~~~\n", "markdown rust"),
    ("markdown", "```C++ title=a\n║", "markdown c++"),
    ("markdown", "- a\n\n  ```ts\n  ║\n  ```\n", "markdown typescript"),
    ("markdown", "```\n║\n```\n", "markdown "),
    ("markdown", "```js║\n```\n", "markdown"),
    ("markdown", "```js\n```\n║", "markdown"),
    ("markdown", "```js\na\n```\n\n║\n\n```js\nb\n```\n", "markdown"),
    ("markdown", "> ```js\n> ║\n> ```\n", "markdown"),
    ("markdown", "`js ║`", "markdown"),
    ("markdown", "````markdown\n```js\n║\n```\n````\n", "markdown"),
    ("markdown", "```html\n<style>\n║\n</style>\n```\n", "markdown html css"),
    ("markdown", "<div>\n║\n</div>\n", "markdown html"),
    ("markdown", "---\na: ║\n---\n", "markdown yaml"),
    ("markdown", "+++\na = ║\n+++\n", "markdown toml"),
    ("markdown", "a\n\n---\nb: ║\n---\n", "markdown"),
    ("python", '"""\n```js\n║\n```\n"""', "python"),
]


@pytest.mark.parametrize(("language", "picture", "expected"), PARTS)
def test_the_language_at_the_cursor(language, picture, expected):
    snap = replace(draw(picture), language=language)
    site = locate(snap, Trees())
    outer, *_ = languages = expected.split(" ")
    assert (site.within or site.snap.language, site.snap.language) == (outer, languages[-1])
    assert site.snap.prefix + site.snap.suffix == site.snap.text
    assert snap.prefix.endswith(site.snap.prefix)
    assert snap.suffix.startswith(site.snap.suffix)


def test_what_it_imports_is_placed_in_the_document():
    text = 'é<p></p>\n<script>\nimport { a } from "b";\n' + "a();\n" * 400 + "║</script>\n"
    snap = replace(draw(text), language="html")
    site = locate(snap, Trees())
    assert [snap.text[at:].startswith(said) for at, said in site.imports] == [True]
    assert context.build(snap, site, GenerationLimits(), 600, 100).segments[0].startswith("import { a }")


def test_only_what_changed_is_parsed(monkeypatch):
    parsed = []
    parse = Language.parse

    def noted(self, source, old=None):
        parsed.append((self.name, old is not None))
        return parse(self, source, old)

    monkeypatch.setattr(Language, "parse", noted)
    trees = Trees()

    def at(script: str, body: str) -> list[tuple[str, bool]]:
        parsed.clear()
        locate(replace(draw(PAGE.format(script=script, body=body)), language="html"), trees)
        return parsed

    assert at("║", "") == [("html", False), ("javascript", False)]
    assert at("\nlet b║", "") == [("html", True), ("javascript", True)]
    assert at("\nlet b", "c║") == [("html", True)]  # the script is not read while one types elsewhere
    assert at("\nlet b║", "c") == []  # nor when one comes back to it
    assert at("\nlet b║", "cd") == [("html", True)]  # nor when all around it has changed


def test_they_are_forgotten_with_their_document():
    trees = Trees(most=1)
    snap = replace(draw("<script>║</script>"), language="html")
    locate(snap, trees)
    assert set(trees.trees[snap.uri]) == {"html", "javascript"}
    locate(replace(snap, uri="file:///other.html"), trees)
    assert list(trees.trees) == ["file:///other.html"]


EXPLAINED = [
    ("haskell", "main = ║\n", "end of line, by lines and brackets alone: no grammar for 'haskell'"),
    ("markdown", "```haskell\nmain = ║\n```\n", "haskell within markdown, by lines and brackets alone: no grammar"),
    ("markdown", "```py\nx = ║\n```\n", "end of line, python within markdown"),
]


@pytest.mark.parametrize(("language", "picture", "why"), EXPLAINED)
def test_it_says_what_it_goes_by(language, picture, why):
    completer = Completer(Config(languages=(*ids(), "haskell")), lambda family, model: FakeBackend("f(a)\nb"))
    outcome = completer.complete(replace(draw(picture), language=language), Cancel())
    assert outcome.suggestions[0].text == "f(a)"
    assert why in outcome.why


def test_a_grammar_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(LANGUAGES, "sql", replace(LANGUAGES["sql"], grammar="tree_sitter_nowhere"))
    completer = Completer(Config(), lambda family, model: FakeBackend("1;\nb"))
    outcome = completer.complete(replace(draw("SELECT ║\n"), language="sql"), Cancel())
    assert outcome.suggestions[0].text == "1;"
    assert "no grammar for 'sql' (tree-sitter-nowhere is not installed)" in outcome.why


def test_a_text_that_takes_too_long_to_parse_goes_by_lines_and_the_next_by_its_tree(monkeypatch):
    completer = Completer(Config(), lambda family, model: FakeBackend("f(a)\nb"))
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "SHORT", 0)
        patch.setattr(pieces, "MOST_S", -1)
        late = completer.complete(draw("x = ║\n"), Cancel())
    assert late.suggestions[0].text == "f(a)"
    assert "by lines and brackets alone: parsing this text takes too long" in late.why
    assert "by lines" not in completer.complete(draw("y = ║\n"), Cancel()).why


def test_a_node_has_its_text_however_late_it_is_asked(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pieces, "SHORT", 0)
    monkeypatch.setattr(pieces, "time", SimpleNamespace(monotonic=lambda: now[0]))
    syntax = SyntaxTree.parse("import os\n", LANGUAGES["python"])
    now[0] = 1e9
    assert syntax.root.text == b"import os\n"


def test_what_takes_too_long_to_parse_with_a_suggestion_in_it_is_not_shown(monkeypatch):
    snap = draw("x = ║\n")
    syntax = SyntaxTree.parse(snap.text, LANGUAGES["python"])
    monkeypatch.setattr(pieces, "SHORT", 0)
    monkeypatch.setattr(pieces, "MOST_S", -1)
    assert keep_valid.apply(Suggestion(("f(a)",)), snap, syntax) is None
