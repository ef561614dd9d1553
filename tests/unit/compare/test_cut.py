"""Holes cut into the user's own files, recorded and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.compare import cut, quality
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


def test_a_folder_s_data_and_prose_are_no_code_and_a_file_that_is_named_is_cut_whatever_it_holds(tmp_path):
    for name in ("a.py", "package-lock.json", "README.md"):
        (tmp_path / name).write_text("x = 1\n" * 400)
    assert [name for name, _, _ in cut.read_files(tmp_path)] == ["a.py"]
    assert [name for name, _, _ in cut.read_files(tmp_path / "README.md")] == ["README.md"]


def test_texts_with_several_holes_weave_back(tmp_path):
    holes = cut.cut_several(cut.read_files(CODE), 6, seed=3)
    assert len(holes) == 6
    for hole in holes:
        path = CODE / hole.path if hole.package == hole.path else CODE / hole.package / hole.path
        assert len(hole.golds) in (2, 3)
        assert all(gold.strip() and len(gold) <= cut.SEVERAL_CHARS for gold in hole.golds)
        filled = "".join(part for pair in zip(hole.segments, (*hole.golds, ""), strict=True) for part in pair)
        assert filled in path.read_text()
    cut.write(tmp_path / "several.jsonl", holes)
    assert quality.read_holes(tmp_path / "several.jsonl") == holes
    assert {hole.key for hole in holes} == {hole.key for hole in quality.read_holes(tmp_path / "several.jsonl")}


def test_the_shipped_texts_with_several_holes():
    holes = quality.read_holes(quality.shipped_holes("several"))
    assert len(holes) >= 50
    assert len({hole.key for hole in holes}) == len(holes)
    assert {hole.package for hole in holes} >= {hole.package for hole in quality.read_holes()} - {"lz4"}
    assert all(len(hole.segments) == len(hole.golds) + 1 > 2 for hole in holes)


def test_the_shipped_holes():
    holes = quality.read_holes()
    assert len(holes) >= 500
    assert len({(hole.prefix, hole.suffix) for hole in holes}) == len(holes)
    assert all(hole.raw is not None and hole.gold.strip() for hole in holes)
