"""Holes cut into the user's own files, recorded and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.bench import cut, quality
from fim_lsp.errors import InputError

CODE = Path(quality.__file__).parent


def test_holes_of_every_kind_that_weave_back(tmp_path):
    holes = cut.cut(cut.read_files(CODE), 5, seed=3)
    assert {hole.kind for hole in holes} == set(cut.KINDS)
    for hole in holes:
        text = (
            (CODE / hole.path).read_text()
            if hole.package == hole.path
            else (CODE / hole.package / hole.path).read_text()
        )
        assert hole.prefix + hole.gold + hole.suffix in text
        assert text.split("\n")[hole.line - 1].strip() in hole.prefix + hole.gold + hole.suffix
    cut.write(tmp_path / "holes.jsonl", holes, lambda hole: "said")
    again = quality.read_holes(tmp_path / "holes.jsonl")
    assert [hole.gold for hole in again] == [hole.gold for hole in holes]
    assert {hole.raw for hole in again} == {"said"}
    assert cut.cut(cut.read_files(CODE), 5, seed=3) == holes
    assert cut.cut(cut.read_files(CODE), 5, seed=4) != holes


@pytest.mark.parametrize(("place", "said"), [("nowhere", "not there"), (".", "nothing to cut")])
def test_places_without_code_are_named(tmp_path, place, said):
    with pytest.raises(InputError, match=said):
        cut.cut(cut.read_files(tmp_path / place), 5, 0)


def test_the_shipped_holes():
    holes = quality.read_holes()
    assert len(holes) >= 500
    assert len({(hole.prefix, hole.suffix) for hole in holes}) == len(holes)
    assert all(hole.raw is not None and hole.gold.strip() for hole in holes)
