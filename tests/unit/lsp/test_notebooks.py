"""Cells of notebooks, drawn: what is shown in one, and how IPython's lines are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.languages import SyntaxTree, get, magics
from tests.client import where
from tests.unit.lsp.fuzz.in_process import InProcess

GOLDEN = Path(__file__).resolve().parents[2] / "golden/notebooks.txt"


def cases() -> Iterator[Any]:
    for block in GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]:
        name, _, body = block.rstrip("\n").partition("\n")
        drawn, said_and_shown = body.split("\n>>>")
        said, _, expected = said_and_shown.partition("\n")
        yield pytest.param(drawn, said, *expected.partition("\n")[::2], id=name)


def cells_of(drawn: str) -> list[tuple[str, str]]:
    """Return the text and the language of each cell."""
    cells, lines = [], []
    for line in [*drawn.split("\n"), "----"]:
        if line.startswith("----"):
            cells.append(("\n".join(lines), line.removeprefix("----").strip() or "python"))
            lines = []
        else:
            lines.append(line)
    return cells


@pytest.mark.parametrize(("drawn", "said", "expected", "strange"), list(cases()))
def test_what_is_shown_in_a_cell(drawn, said, expected, strange):
    server = InProcess(lambda family, model: FakeBackend(said))
    cells = cells_of(drawn)
    (number,) = (n for n, (text, _) in enumerate(cells) if "║" in text)
    before, _, after = cells[number][0].partition("║")
    line, character = before.count("\n"), len(before.rpartition("\n")[2])
    items = [
        {"uri": f"cell:{n}", "languageId": language, "version": 1, "text": text.replace("║", "")}
        for n, (text, language) in enumerate(cells)
    ]
    notebook = {"uri": "file:///w/n.ipynb", "notebookType": "jupyter-notebook", "version": 1}
    notebook["cells"] = [{"kind": 2, "document": item["uri"]} for item in items]
    options = {"wordFallback": False, "lookAhead": False}
    setup = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
    here = where(line, character, f"cell:{number}")
    server.send({"id": 1, "method": "initialize", "params": setup})
    server.send(
        {"method": "notebookDocument/didOpen", "params": {"notebookDocument": notebook, "cellTextDocuments": items}}
    )
    server.send({"id": 2, "method": "textDocument/inlineCompletion", "params": {**here, "context": {"triggerKind": 2}}})
    server.wait({2})
    server.send({"id": 3, "method": "fimLsp/explain", "params": here})
    server.wait({3})
    server.hang_up()
    told, shown = server.answers[3]["result"], "∅"
    for item in server.answers[2]["result"]["items"]:
        start, end = item["range"]["start"], item["range"]["end"]
        assert start == here["position"]
        shown = f"{before}├{item['insertText']}┤{after[end['character'] - start['character'] :]}"
    assert shown == expected, told
    assert strange in told["why"] if strange else "defined nowhere" not in told["why"]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("%matplotlib inline", "#matplotlib inline"),
        ("  %time x = f()", "  #time x = f()"),
        ("%%time", "#%time"),
        ("!pip install rich", "#pip install rich"),
        ("?rows", "#rows"),
        ("rows.append?", "#ows.append?"),
        ("rows??", "#ows??"),
        ("x = !ls -l", "x = 0#s -l"),
        ("x, y = %sql select 1", "x, y = 0#ql select 1"),
        ("!ls \\\n  -l\nx = 1", "#ls \\\n  #l\nx = 1"),
        ("%%bash\nls | wc\n", "#%bash\n#s | wc\n"),
        ("x = (a\n     % b)", "x = (a\n     % b)"),
        ("if a != b: pass", "if a != b: pass"),
        ("x %= 3", "x %= 3"),
        ("s = '100%'", "s = '100%'"),
        ("s = 'why?'", "s = 'why?'"),
    ],
)
def test_how_a_line_is_read(line, read):
    assert magics.commented(line) == read
    assert not SyntaxTree.parse(read, get("python")).has_error


@given(st.text("%!?=ab \n\r\\'😀", max_size=40), st.integers(0, 40))
def test_every_place_stays_where_it_was(cell, offset):
    read = magics.commented(cell)
    assert [len(line) for line in read.split("\n")] == [len(line) for line in cell.split("\n")]
    is_read = read.split("\n")[cell[:offset].count("\n")] == cell.split("\n")[cell[:offset].count("\n")]
    assert bool(magics.refusal(cell, min(offset, len(cell)))) != is_read or magics.foreign(cell)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", [" " * 300_000, "x" * 300_000, "a, " * 100_000, "x = " + " " * 300_000])
def test_a_line_of_any_length_is_read_once(line):
    assert magics.commented(f"{line}\ny = 1") == f"{line}\ny = 1"
