"""Holes that any model for code fills: by the shipped decoder, by random weights, and which order is taken."""

from __future__ import annotations

from fim_lsp.backends.hole_test import HOLES, HoleTest, speed
from fim_lsp.backends.reader import Reader
from fim_lsp.checkpoints.catalogue import find_model
from tests.unit.checkpoints.fuzz import folders


def test_the_shipped_decoder_fills_them_in_its_own_order():
    reader = Reader.from_folder(find_model("gpt", ""))
    test = HoleTest.of(reader)
    assert test.right["suffix-first"] == len(HOLES)
    assert test.best(reader.format.order) == "suffix-first"
    assert str(test).endswith("suffix-first 3 of 3")
    read, decoded = speed(reader)
    assert 0 < read < decoded


def test_random_weights_fill_none(tmp_path):
    folders.write_all(tmp_path)
    test = HoleTest.of(Reader.from_folder(tmp_path / "floats"))
    assert test.right == {"prefix-first": 0, "suffix-first": 0}


def test_the_usual_order_stays_unless_the_other_fills_more():
    assert HoleTest({"prefix-first": 2, "suffix-first": 2}, {}).best("suffix-first") == "suffix-first"
    assert HoleTest({"prefix-first": 2, "suffix-first": 3}, {}).best("prefix-first") == "suffix-first"
    assert HoleTest({"prefix-only": 0}, {}).best("prefix-only") == "prefix-only"
