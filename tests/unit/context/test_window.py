"""The window around the cursor and what is kept of what it cuts away; the tree that follows edits."""

from __future__ import annotations

import random

import pytest

from fim_lsp import context
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.context import window
from fim_lsp.domain import Cancel, GenerationLimits, Snapshot
from fim_lsp.languages import LANGUAGES, SyntaxTree, Trees, describe
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw

PYTHON = LANGUAGES["python"]
BODY = "".join(f"        value_{n} = path.join(root, '{n}')\n" for n in range(100))
LONG = f"import json\nfrom os import path\n\n\nclass Store:\n    def fill(self, root):\n{BODY}        return \n"


def at_end(text: str) -> Snapshot:
    return Snapshot("u", 0, "python", text, len(text.rstrip("\n")))


def build(snap: Snapshot, prefix: int = 800, suffix: int = 200):
    site = describe(snap, Trees().tree(snap, PYTHON))
    return context.build(snap, site, GenerationLimits(), prefix, suffix).segments


def test_a_short_file_is_taken_whole():
    snap = Snapshot("u", 0, "python", "x = 1\ny = 2\n", 6)
    assert build(snap) == ("x = 1\n", "y = 2\n")


def test_imports_and_headers_survive_the_cut():
    prefix, _ = build(at_end(LONG))
    assert len(prefix) <= 800
    assert prefix.startswith("from os import path\nclass Store:\n    def fill(self, root):\n        value_")
    assert "import json" not in prefix  # nothing near the cursor uses it


def test_typing_does_not_move_the_window():
    text = LONG
    starts = set()
    for char in "json.dumps(value_1)":
        text = text.rstrip("\n") + char + "\n"
        starts.add(window.start(at_end(text), 800))
    assert len(starts) <= 2


def test_windows_begin_and_end_at_lines():
    snap = Snapshot("u", 0, "python", LONG, len(LONG) // 2)
    start, end = window.start(snap, 500), window.end(snap, 300)
    assert LONG[start - 1] == "\n"
    assert LONG[end] == "\n"
    assert snap.offset - 500 <= start <= snap.offset <= end <= snap.offset + 300


def test_one_endless_line_is_cut_anyway():
    snap = Snapshot("u", 0, "python", "x" * 10_000, 5_000)
    prefix, suffix = build(snap)
    assert 0 < len(prefix) <= 800
    assert 0 < len(suffix) <= 200


def test_line_breaks_reach_the_model_as_one_kind():
    assert build(Snapshot("u", 0, "python", "a\r\nb\rc\r\n", 3)) == ("a\n", "b\nc\n")


@pytest.mark.parametrize(
    ("picture", "after"),
    [
        ("print(║)\ny = 1\n", "\ny = 1\n"),
        ("x = f(a[║])  \n", "  \n"),
        ('print("║")\n', "\n"),
        ("print(║), 1\n", "), 1\n"),  # somebody wrote more
        ("f(\n    a║)\n", ")\n"),  # another line opened it
        ("# see (║)\n", ")\n"),
        ("print(║]\n", "]\n"),
    ],
)
def test_what_the_editor_closed_behind_the_cursor_is_not_shown(picture, after):
    assert build(draw(picture))[1] == after


def test_opening_a_bracket_that_the_editor_closes_leaves_the_suffix_as_it_was():
    assert build(draw("print(║)\ny\n"))[1] == build(draw("print║\ny\n"))[1]


def shape(node) -> str:
    return f"({node.type}{node.start_byte}-{node.end_byte}{''.join(map(shape, node.children))})"


def test_the_incremental_tree_equals_a_fresh_one():
    rng = random.Random(5)
    text = LONG[:900] + "é = '😀'\n"
    tree = SyntaxTree.parse(text, PYTHON)
    for _ in range(200):
        at = rng.randrange(len(text))
        cut = rng.choice([0, 0, 1, 5])
        text = text[:at] + rng.choice(["a", "(", "\n", '"', "é😀", "    ", "def f():\n", ""]) + text[at + cut :]
        tree = SyntaxTree.parse(text, PYTHON, tree)
        assert shape(tree.tree.root_node) == shape(SyntaxTree.parse(text, PYTHON).tree.root_node)


def test_trees_of_few_documents_are_kept():
    trees = Trees(most=2)
    for n in range(5):
        trees.tree(Snapshot(f"u{n}", 0, "python", "x = 1", 0), PYTHON)
    assert list(trees.trees) == ["u3", "u4"]


def test_what_stands_before_the_window_outlasts_broken_code_and_new_names():
    told = []
    text = LONG[: len(LONG) - (len(LONG) - 800) % window.STEP_CHARS + 1]  # the window has just moved
    for char in "json.loads(root[0\n\n\nclass Other:\n    def go(self, (\n":
        text += char
        told.append(build(at_end_of(text))[0].partition("        value_")[0])
    assert len(set(told)) == 1
    assert told[0] == "from os import path\nclass Store:\n    def fill(self, root):\n"


def at_end_of(text: str) -> Snapshot:
    return Snapshot("u", 0, "python", text, len(text))


def test_a_request_has_the_path_of_its_file():
    backend = FakeBackend("value")
    completer = Completer(Config(backend="gpt"), lambda family, model: backend)
    completer.complete(Snapshot("u", 0, "python", "x = \n", 4, path="pkg/a.py"), Cancel())
    assert [request.path for request in backend.requests] == ["pkg/a.py"]
