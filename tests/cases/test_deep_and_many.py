"""Brackets nested thousands deep, thousands of imports: each request is answered, and costs as they grow."""

from __future__ import annotations

import json

import pytest

from fim_lsp import context
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.languages import Trees, describe, get
from fim_lsp.languages.site import IMPORTS_MOST
from fim_lsp.pipeline import eligibility
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.client import Client
from tests.linear import assert_linear

PATIENT = {"deadlineMs": 60_000}
NESTED = {
    "open": ("x = {open}║\n", "(", ")", "python"),
    "closed": ("x = {open}║{close}\n", "(", ")", "python"),
    "lists": ("x = {open}║{close}\n", "[", "]", "python"),
    "calls": ("x = {open}║{close};\n", "f(", ")", "javascript"),
    "blocks": ("{open}║{close}\n", "{", "}", "javascript"),
    "headers": ("{open}║\n{close}\n", "if (a) {\n", "}\n", "c"),
    "below a comment": ("x = {open}1 // why\n║{close};\n", "(", ")", "go"),
}
IMPORTS = {
    "python": ("import m{n}\n", "x = m3.║\n"),
    "javascript": ('import m{n} from "m{n}";\n', "x = m3.║;\n"),
    "go": ('import "m{n}"\n', "var x = m3.║\n"),
    "c": ("#include <m{n}.h>\n", "int x = m3(║);\n"),
}


def nested(kind: str, deep: int) -> Snapshot:
    picture, opener, closer, language = NESTED[kind]
    before, after = picture.split("║")
    head = before.replace("{open}", opener * deep)
    text = head + after.replace("{close}", closer * deep)
    return Snapshot("file:///w/a.py", 1, language, text, len(head))


def importing(language: str, many: int) -> Snapshot:
    line, picture = IMPORTS[language]
    before, after = picture.split("║")
    head = "".join(line.format(n=n) for n in range(many)) + before
    return Snapshot("file:///w/a.py", 1, language, head + after, len(head))


def complete(snap: Snapshot) -> None:
    config = Config(languages=(snap.language,))
    Completer(config, lambda family, model: FakeBackend("f(a)", step_chars=4)).complete(snap, Cancel())


@pytest.mark.parametrize("kind", NESTED)
def test_a_request_costs_as_much_more_as_the_brackets_are_deeper(kind):
    assert_linear(lambda deep: complete(nested(kind, deep)), 1500)


@pytest.mark.parametrize("language", IMPORTS)
def test_a_request_costs_as_much_more_as_there_are_imports(language):
    assert_linear(lambda many: complete(importing(language, many)), 2500)


@pytest.mark.parametrize("language", IMPORTS)
def test_of_many_imports_some_are_looked_at(language):
    snap = importing(language, 20_000)
    site = describe(snap, Trees().tree(snap, get(language)))
    assert len(site.imports) == IMPORTS_MOST
    request = context.build(snap, site, eligibility.limits(snap, Config(), site), 2000, 500)
    assert len(request.segments[0]) <= 2000


def test_an_import_keeps_its_place_whatever_stands_before_it():
    text = "# é…\nimport a\nx = '🙂'\nimport b\n"
    snap = Snapshot("file:///w/a.py", 1, "python", text, len(text))
    site = describe(snap, Trees().tree(snap, get("python")))
    assert [(text[at:].partition("\n")[0], said) for at, said in site.imports] == [("import a",) * 2, ("import b",) * 2]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Client.fake(tmp_path_factory.mktemp("deep"), "--texts", json.dumps(["f(a)"])) as client:
        client.start(initializationOptions=PATIENT)
        client.until_ready()
        yield client
    client.check_clean()


@pytest.mark.parametrize("kind", ["open", "closed", "lists"])
def test_the_server_answers_twenty_thousand_deep(server, kind):
    snap = nested(kind, 20_000)
    server.open(snap.text, f"file:///w/{kind}.py")
    assert server.inline(0, snap.offset, uri=f"file:///w/{kind}.py")[0]["insertText"] == "f(a)"


def test_the_server_answers_a_hundred_thousand_deep(server):
    snap = nested("closed", 100_000)
    server.open(snap.text, "file:///w/deeper.py")
    assert "result" in server.wait(server.ask_inline(0, snap.offset, uri="file:///w/deeper.py"))


def test_the_server_answers_below_twenty_thousand_imports(server):
    snap = importing("python", 20_000)
    server.open(snap.text, "file:///w/imports.py")
    assert server.inline(20_000, 7, uri="file:///w/imports.py")[0]["insertText"] == "f(a)"
