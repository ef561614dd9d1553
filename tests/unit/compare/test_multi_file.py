"""Holes that another file answers: found and checked in a wheel, asked in pairs."""

from __future__ import annotations

import hashlib
import zipfile

import pytest
from rich.console import Console

from fim_lsp.compare import languages, multi_file, report, stats
from fim_lsp.compare.multi_file import MultiFileSet, SourceSpan
from fim_lsp.compare.quality import Hole, Score
from fim_lsp.compare.wheels import Wheel, unpack
from fim_lsp.domain import Outcome, Suggestion
from fim_lsp.errors import InputError

SHOP = "from .ledger import Ledger\n\nbook = Ledger()\nbook.settle(1)\n"
LEDGER = "class Ledger:\n    def settle(self, row):\n        return row\n"
GOLD = "settle(1)"


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("shop/close.py", SHOP)
        archive.writestr("shop/ledger.py", LEDGER)
    return Wheel("shop", "1.0", "MIT", path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def span(gold: str = GOLD) -> SourceSpan:
    start = SHOP.index(GOLD)
    return SourceSpan("shop", "shop/close.py", "rest_of_line", start, start + len(gold), gold, ("settle",), False)


def answer(text: str) -> Outcome:
    return Outcome((Suggestion((text,)),))


def test_each_hole_is_asked_without_and_with_the_other_files(tmp_path, shop):
    workspaces = []

    def complete(snap, cancel):
        assert GOLD not in snap.text
        return answer(GOLD if workspaces[-1].places else "pay(1)")

    opened = multi_file.opened(
        MultiFileSet((shop,), (span(),)), [span()], lambda one: unpack(one, tmp_path, tmp_path / "c")
    )
    pairs = list(multi_file.ask(opened, complete, workspaces.append))
    assert [(pair.without.is_first_line_match, pair.with_files.is_first_line_match) for pair in pairs] == [
        (False, True)
    ]
    row = multi_file.summarise(pairs)["all"]
    assert (row["without"], row["with"], row["ratio"], row["gained"], row["lost"]) == (0.0, 100.0, None, 1, 0)


def test_another_text_than_was_cut_is_named(tmp_path, shop):
    root = unpack(shop, tmp_path, tmp_path / "c")
    with pytest.raises(InputError, match="another text"):
        span("settle(2)").hole(root)
    (root / "shop/close.py").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        span().hole(root)


def test_a_wheel_is_checked_and_unpacked_once(tmp_path, shop):
    root = unpack(shop, tmp_path, tmp_path / "c")
    assert (root / "shop/ledger.py").read_text() == LEDGER
    (tmp_path / shop.file).write_bytes(b"another")
    assert unpack(shop, tmp_path, tmp_path / "c") == root
    with pytest.raises(InputError, match="has not the shop-1"):
        unpack(shop, tmp_path, tmp_path / "d")


def test_the_ratio_of_pairs():
    row = stats.paired_ratio([1, 1, 0, 0] * 50, [1, 1, 1, 0] * 50)
    assert row["ratio"] == 1.5
    low, high = row["ratio_interval"]
    assert 1.2 < low < 1.5 < high < 1.8
    assert stats.paired_ratio([0, 0], [1, 0])["ratio"] is None


def test_rests_of_lines_are_told_beside_pythons():
    def score(kind: str, said: str) -> Score:
        return Score(Hole("p", "a.py", 1, kind, "x = ", "\n", "1"), answer(said), 1.0)

    rest, name = "rest_of_line", "identifier"
    rows = languages.summarise(
        {"python": [score(rest, "1"), score(rest, "1"), score(name, "2")], "go": [score(rest, "1"), score(rest, "2")]}
    )
    assert (rows["python"]["n"], rows["python"]["rest_n"]) == (3, 2)
    assert (rows["go"]["rest_first_line_match"], rows["go"]["of_first"]) == (50.0, 0.5)
    console = Console(record=True, width=200)
    report.show_languages(console, rows)
    printed = console.export_text()
    assert "0.50 (" in printed
    assert "1.00 " in printed
    low, high = stats.ratio_interval([1, 0] * 100, [1, 0, 0, 0] * 50)
    assert 0.3 < low < 0.5 < high < 0.75
    with pytest.raises(InputError, match="no holes of cobol"):
        languages.holes_of("cobol")
