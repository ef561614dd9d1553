"""Five hundred secrets in a workspace, and a real server that is asked everything: nobody else sees any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client import Client
from tests.e2e.test_workspace import CURSOR, HERE, opened, sources, started, until
from tests.unit.context.folder import written
from tests.unit.privacy.planted import EXCLUDED, PATTERNS, leaked, planted, workspace

SECRETS = planted(500)
PER_FILE = 20


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A user's cache and data of the test's own."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME", "FIM_LSP_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def client(tmp_path, home):
    with Client.fake(tmp_path, "--log", str(tmp_path / "log"), "--prompts", str(tmp_path / "prompts")) as client:
        yield client
    client.check_clean()


def prompts(tmp_path: Path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "prompts").read_text().splitlines()]


def written_below(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_five_hundred_secrets_reach_nobody(tmp_path, home):
    root = workspace(tmp_path / "w", SECRETS, PER_FILE)
    arguments = ("--log", str(tmp_path / "log"), "--prompts", str(tmp_path / "prompts"), "--second-s", "0.01")
    with Client.fake(tmp_path, *arguments) as client:
        started(client, root, exclude=PATTERNS, excludeIgnored=True)
        for name in EXCLUDED:
            uri = (root / name).as_uri()
            client.open((root / name).read_text(), uri=uri)
            client.type(0, 0, "x", uri=uri)
            assert client.inline(1, 4, kind=1, uri=uri) == []
            assert client.explain(1, 4, uri=uri)["reason"].startswith("this file is excluded: "), name
            assert client.compare(1, 4, uri=uri)["reason"].startswith("this file is excluded: "), name
        for number in range(0, 25, 6):  # an ordinary file is read as it is, for its own completions alone
            path = root / f"lib/m{number}.py"
            client.open(path.read_text(), uri=path.as_uri())
            client.type(0, 0, "\n", uri=path.as_uri())
            client.inline(0, 0, kind=1, uri=path.as_uri())
        uri = opened(client, root)
        assert until([], lambda: [] if sources(client, uri) else ["none yet"]) == []
        assert client.inline(*CURSOR, uri=uri)
        assert client.compare(*CURSOR, uri=uri)["sides"]
    client.check_clean()
    asked = prompts(tmp_path)
    assert any(one["snippets"] for one in asked)
    for one in asked:
        own = [s for n, s in enumerate(SECRETS) if one["path"] != f"lib/m{n // PER_FILE}.py"]
        assert leaked(own, "".join(one["segments"])) == [], one["path"]
        assert leaked(SECRETS, "\n".join(one["snippets"])) == []
        assert one["path"] not in EXCLUDED
    index, metrics = list(home.rglob("w-*.sqlite")), [path for path in home.rglob("*") if "metrics" in path.name]
    assert index
    assert metrics
    assert "load_store_3" in written_below(home)
    everything = [written_below(home), client.trace.read_text(), (tmp_path / "log").read_text(), client.stderr]
    assert [leaked(SECRETS, one) for one in everything] == [[]] * 4


def test_rules_that_change_count_at_once_and_are_lifted_again(tmp_path, client, home):
    root = written(tmp_path / "w", {"store.py": HERE, "here.py": HERE})
    started(client, root)
    uri = opened(client, root)
    assert until(["store.py"], lambda: sources(client, uri)) == ["store.py"]
    assert "store.py" in written_below(home)
    changed = {"changes": [{"uri": (root / ".fimlspignore").as_uri(), "type": 1}]}
    written(root, {".fimlspignore": "store.py\nhere.py\n"})
    client.notify("workspace/didChangeWatchedFiles", changed)
    assert client.inline(*CURSOR, uri=uri) == []
    rule = f"line 2 of {root / '.fimlspignore'}, 'here.py'"
    assert client.explain(*CURSOR, uri=uri)["reason"] == f"this file is excluded: {rule}"
    assert until([], lambda: ["still"] if "store.py" in written_below(home) else []) == []
    written(root, {".fimlspignore": "store.py\n"})
    client.notify("workspace/didChangeWatchedFiles", changed)
    assert client.inline(*CURSOR, uri=uri)
    assert sources(client, uri) == []
    (root / ".fimlspignore").write_bytes(b"\xff")
    client.notify("workspace/didChangeWatchedFiles", changed)
    assert client.inline(*CURSOR, uri=uri) == []
    assert "is not UTF-8" in client.explain(*CURSOR, uri=uri)["reason"]


def test_a_setting_counts_at_once(tmp_path, client):
    root = written(tmp_path / "w", {"here.py": HERE})
    started(client, root)
    uri = opened(client, root)
    assert client.inline(*CURSOR, uri=uri)
    client.notify("workspace/didChangeConfiguration", {"settings": {"exclude": ["here.*"]}})
    assert client.inline(*CURSOR, uri=uri) == []
    assert client.explain(*CURSOR, uri=uri)["reason"].endswith("item 1 of fimLsp.exclude, 'here.*'")


@pytest.mark.parametrize("uri", ["git:/w/.env?HEAD", "vscode-notebook-cell:/w/server.pem#c1", "FILE:///w/id_rsa"])
def test_what_another_scheme_shows_of_a_file_is_excluded_as_it_is(client, uri):
    client.start()
    client.open("x = 1\ny = \n", uri=uri)
    assert client.inline(1, 4, kind=1, uri=uri) == []
    assert client.explain(1, 4, uri=uri)["reason"].startswith("this file is excluded: ")
