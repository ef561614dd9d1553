"""`fim-lsp stats` on counts that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fim_lsp.cli.app import app
from fim_lsp.metrics import store
from fim_lsp.metrics.events import Accepted, KeptAfter, Shown, Typed

GOLDEN = Path(__file__).parents[2] / "golden/stats.txt"
NOON = 1_767_355_200.0  # of 2 January 2026, far from midnight wherever this runs
DAY_S = 86_400


@pytest.fixture(autouse=True)
def counted(tmp_path, monkeypatch):
    """Ten suggestions in two languages on two days: three whole, one in part."""
    monkeypatch.setenv("FIM_LSP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    shown = [Shown(f"p{n}", NOON + n, "python", "gpt", 20) for n in range(6)]
    shown += [Shown(f"g{n}", NOON + DAY_S + n, "go", "bert", 10) for n in range(4)]
    taken = [Accepted("p0", 20, True), Accepted("p1", 20, True), Accepted("p2", 5, False), Accepted("g0", 10, True)]
    kept = [
        KeptAfter("p0", 30, True),
        KeptAfter("p0", 120, True),
        KeptAfter("p0", 300, False),
        KeptAfter("p1", 30, False),
    ]
    written = [Typed("2026-01-02", "python", 180), Typed("2026-01-03", "go", 20)]
    file = store.MetricsStore(store.kept_in())
    file.put([*shown, *taken, *kept, *written])
    file.close()


def stats(*options):
    done = CliRunner().invoke(app, ["stats", *map(str, options)])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_terminal_tells_it():
    assert stats() == GOLDEN.read_text(encoding="utf-8")


def test_the_page_tells_it_and_asks_nothing_of_anybody(tmp_path):
    pytest.importorskip("jinja2")
    stats("--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "2026-01-02: 6 shown, 3 accepted" in page
    assert "<td>python</td><td>gpt</td><td>6</td><td>2</td><td>1</td><td>50 %</td>" in page
    assert "http" not in page.replace('http-equiv="', "") and "<script" not in page


def test_the_export_has_every_count(tmp_path):
    stats("--export", tmp_path / "counts.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "counts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 12
    assert next(row for row in rows if row.get("id") == "p0")["kept"] == {"30": 1, "120": 1, "300": 0}
    assert rows[-1] == {"day": "2026-01-03", "language": "go", "chars": 20}


def test_erased_is_erased(tmp_path):
    stats("--erase")
    assert "Nothing has been counted yet" in stats()
    stats("--export", tmp_path / "counts.jsonl")
    assert (tmp_path / "counts.jsonl").read_text(encoding="utf-8") == ""
