"""Texts are handed to tree-sitter in pieces, and nothing of them stays behind."""

from __future__ import annotations

import random
import tracemalloc

import pytest
import tree_sitter

from fim_lsp.languages import SyntaxTree, get, pieces
from fim_lsp.languages.pieces import are_kept
from fim_lsp.languages.tree import children

PYTHON = get("python")
TEXT = "def f(a, b):\n    return self.value(a, 'é😀') + 1\n\n\n" * 1_000
LEFT_MOST = 100_000  # bytes; each parse reads as many and more


def test_pieces_are_kept_by_the_binding():
    """Else `Pieces.give_back` in languages/pieces.py can go, once no such version is allowed any more."""
    assert are_kept(PYTHON.ts_language)


def test_texts_leave_nothing_behind(monkeypatch):
    monkeypatch.setattr(pieces, "MOST_S", 60)  # tracing takes time
    grown = []
    tracemalloc.start()
    try:
        for number in range(40):
            tree = SyntaxTree.parse(f"x{number}\n{TEXT}", PYTHON)
            assert [node.text for node in children(tree.root)]
            grown.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert grown[-1] - grown[19] < LEFT_MOST


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_read_in_pieces_is_that_of_the_whole(seed, monkeypatch):
    monkeypatch.setattr(pieces, "SHORT", 0)
    rng, text, tree = random.Random(seed), TEXT[:5_000], None
    parser = tree_sitter.Parser(PYTHON.ts_language)
    for _ in range(50):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(["(", ")", "'", "\n", "x = 1\n", "é", "😀", ""]) + text[at + rng.randrange(3) :]
        tree = SyntaxTree.parse(text, PYTHON)
        whole = parser.parse(text.encode())
        assert str(tree.root) == str(whole.root_node)
        assert tree.root.text == text.encode()[tree.root.start_byte : tree.root.end_byte]
