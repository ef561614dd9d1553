"""The commands as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.unit.context.folder import written

FILE = "def add(first, second):\n    return first\n"


def run(*args: str, stdin: bytes = b"", cwd=None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "fim_lsp", *args], input=stdin, capture_output=True, cwd=cwd)


@pytest.mark.model
def test_complete_a_place(tmp_path):
    (tmp_path / "a.py").write_text(FILE)
    answer = run("complete", "a.py:2:17", "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    record = json.loads(answer.stdout)
    assert record["text"] == " + second"
    assert record["backend"] == "gpt"
    assert record["timings"]["prefill"] > 0


@pytest.mark.model
def test_complete_a_mark_in_place():
    marked = FILE.replace("first\n", "first[MASK]\n").encode()
    answer = run("complete", "-", stdin=marked)
    assert answer.returncode == 0, answer.stderr
    assert b"return first + second" in answer.stdout
    assert b"ms" in answer.stdout


@pytest.mark.model
@pytest.mark.parametrize("family", ["bert", "gpt"])
def test_complete_text_with_one_mark(family):
    answer = run("complete", "--backend", family, "--text", "def add(a, b):\n    return a [MASK] b\n")
    assert answer.returncode == 0, answer.stderr
    said = answer.stdout.decode()
    assert said.startswith("def add(a, b):\n    return a ")
    assert "[MASK]" not in said
    if family == "gpt":
        assert "return a + b" in " ".join(said.split())


@pytest.mark.model
@pytest.mark.parametrize("family", ["bert", "gpt"])
def test_complete_several_marks(family):
    marked = "def process_data[MASK]transform[MASK]return results"
    given = run("complete", "--backend", family, "--text", marked, "--json")
    assert given.returncode == 0, given.stderr
    record = json.loads(given.stdout)
    assert record["backend"] == family
    assert len(record["fills"]) == 2
    assert "[MASK]" not in record["text"]
    assert sum(record["timings"].values()) > 0
    piped = run("complete", "-", "--backend", family, stdin=marked.encode())
    assert piped.stdout.decode().strip() == record["text"]


@pytest.mark.parametrize(
    ("args", "stdin", "code", "said"),
    [
        (["complete", "none.py:1:1"], b"", 2, "none.py does not exist"),
        (["complete", "a.py"], b"", 2, "FILE:LINE:COL"),
        (["complete", "a.py:99:1"], b"", 2, "line 99"),
        (["complete", "a.py:1:99"], b"", 2, "column 99"),
        (["complete", "a.py:0:1"], b"", 2, "line 0"),
        (["complete", "b.bin:1:1"], b"", 2, "binary"),
        (["complete", "latin.py:1:1"], b"", 2, "UTF-8"),
        (["complete", ".:1:1"], b"", 2, "cannot be read"),
        (["complete", "-"], b"no mark", 2, "[MASK]"),
        (["complete", "--text", "no mark"], b"", 2, "[MASK]"),
        (["complete", "a.py:1:1", "--backend", "bert", "--model", "nowhere"], b"", 3, "nowhere"),
        (["complete", "-"], b"\0[MASK]", 2, "binary"),
        (["complete", "a.py:1:1", "--model", "nowhere"], b"", 3, "nowhere"),
        (["complete", "a.py:1:1", "--config", "none.toml"], b"", 2, "none.toml"),
        (["eval", "--holes", "a.py"], b"", 2, "a.py"),
        (["eval", "--language", "cobol"], b"", 2, "no holes of cobol"),
        (["eval", "--language", "go", "--kind", "poem"], b"", 2, "no hole of the kind poem"),
        (["eval", "--language", "go", "--multi-file"], b"", 2, "measured at a time"),
        (["eval", "--no-workspace"], b"", 2, "go with --multi-file"),
        (["compare", "--holes", "a.py"], b"", 2, "a.py"),
        (["compare", "--on", "nowhere"], b"", 2, "nowhere"),
        (["compare", "--compare-to", "a.py"], b"", 2, "a.py"),
        (["compare", "--model", "llama"], b"", 2, "llama"),
        (["compare", "--model", "gpt=nowhere"], b"", 3, "nowhere"),
        (["compare", "--at", "a.py:9:1"], b"", 2, "line 9"),
        (["compare", "--at", "a.py:1:1", "--html", "p.html"], b"", 2, "--at"),
        (["holes", ".", "--out", "o.jsonl", "--kind", "loops"], b"", 2, "loops"),
        (["serve", "--config", "none.toml"], b"", 2, "none.toml"),
        (["serve", "--log", "no/such/folder/log"], b"", 2, "--log"),
        (["serve", "--trace", "no/such/folder/trace"], b"", 2, "--trace"),
        (["doctor", "--model", "nowhere"], b"", 3, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line_and_a_code(tmp_path, args, stdin, code, said):
    (tmp_path / "a.py").write_text(FILE)
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    answer = run(*args, stdin=stdin, cwd=tmp_path)
    assert answer.returncode == code, (answer.stdout, answer.stderr)
    assert said in answer.stderr.decode()
    assert b"Traceback" not in answer.stderr


@pytest.mark.model
def test_doctor(tmp_path):
    (tmp_path / "c.toml").write_text("maxLines = 3\nwords = false\n")
    answer = run("doctor", "--json", "--config", "c.toml", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["settings"]["maxLines"] == {"value": 3, "source": "file"}
    assert found["settings"]["trigger"]["source"] == "default"
    assert found["settings"]["wordFallback"] == {"value": False, "source": "file"}
    assert found["notes"] == ["fimLsp.words is called fimLsp.wordFallback now (file)"]
    assert found["completion"]["ms"] > 0
    assert found["packages"]["torch"]
    assert found["model"]["size_mb"] > 100


@pytest.mark.model
def test_demo_shows_every_sample():
    from fim_lsp.cli.samples import HOLES

    answer = run("demo", "--json")
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(records) == len(HOLES)
    assert sum(bool(record["text"]) for record in records) >= len(HOLES) - 1


@pytest.mark.model
def test_eval_counts_what_it_completed():
    answer = run("eval", "--limit", "6", "--json")
    assert answer.returncode == 0, answer.stderr
    rows = json.loads(answer.stdout)
    assert rows["all"]["n"] == 6
    assert rows["all"]["latency_p50_ms"] > 0


@pytest.mark.model
def test_compare_writes_what_it_was_asked_for(tmp_path):
    files = ("--json", "r.json", "--html", "r.html", "--svg", "r.svg")
    answer = run("compare", "--limit", "2", "--threads", "1", *files, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["n"], report["n_several"], report["machine"]["threads"]) == (2, 1, 1)
    assert [one["family"] for one in report["contenders"]] == ["gpt", "bert"]
    for one in report["contenders"]:
        assert one["n"] == 2
        assert one["latency_ms"]["p50"] > 0
        assert one["peak_mb"] > 50
    assert report["contenders"][0]["tokens"]["warm"]["reused"] > 0, "the decoder's keys and values were kept"
    assert {claim["verdict"] for claim in report["claims"]} <= {"holds", "does not hold", "not shown"}
    assert "<svg" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "r.svg").read_text().startswith("<svg")
    assert b"claims" in answer.stdout


@pytest.mark.model
def test_compare_at_a_place_says_what_complete_says(tmp_path):
    (tmp_path / "a.py").write_text(FILE)
    answer = run("compare", "--at", "a.py:2:17", "--json", "at.json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    gpt, bert = json.loads((tmp_path / "at.json").read_text())["answers"]
    assert gpt["text"] == json.loads(run("complete", "a.py:2:17", "--json", cwd=tmp_path).stdout)["text"]
    assert gpt["warm_ms"] > 0
    assert bert["warm_ms"] > 0
    assert "prefill" in gpt["outcome"]["timings"]
    assert {"prefill", "fill"} <= set(bert["outcome"]["timings"])
    assert gpt["text"].strip().encode() in answer.stdout


def test_help_and_version():
    for verb in ("serve", "complete", "demo", "eval", "compare", "holes", "doctor"):
        assert b"Usage" in run(verb, "--help").stdout
    assert run("--version").stdout.startswith(b"fim-lsp ")


def test_index_tells_what_it_keeps_and_what_is_taken(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    store = "def load_store(folder, encoding):\n    settings = read_settings(folder)\n    return Store(settings)\n"
    written(tmp_path / "w", {"store.py": store, "here.py": store.replace("settings)", "")})
    told = run("index", "w", "--at", "w/here.py:3:18", "--json", cwd=tmp_path)
    found = json.loads(told.stdout)
    assert (found["files"], found["definitions"], found["read"]) == (2, 2, 2)
    assert [(one["path"], one["text"]) for one in found["snippets"]] == [("store.py", store)]
    again = run("index", "w", cwd=tmp_path)
    assert b"2 files, 2 definitions, 0 files read" in again.stdout
    assert run("index", "nowhere", cwd=tmp_path).returncode == 2
