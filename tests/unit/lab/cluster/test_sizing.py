"""The sizing table of docs/cluster.md is what the simulation says of the demands that ship."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fim_lsp.lab.cluster.demand import read
from fim_lsp.lab.cluster.simulate import Scene, World

PAGE = Path(__file__).resolve().parents[4] / "docs/cluster.md"
ROW = re.compile(r"^\| \**([\d,]+)\** \| \**([\d,]+)\** \| (\d+) % \| (\d+) % \|", re.MULTILINE)


def test_the_table_is_what_is_simulated():
    rows = [tuple(int(one.replace(",", "")) for one in row) for row in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(rows) > 10
    for typists, decoders, busy, answered in (row for row in rows if row[0] <= 6):
        told = World(Scene(typists, decoders, 120, 12), read()).run()
        assert 100 * told["busy"] == pytest.approx(busy, abs=3), (typists, decoders)
        assert 100 * told["answered"] / told["asks"] == pytest.approx(answered, abs=3), (typists, decoders)
