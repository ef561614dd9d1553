"""Surroundings that are not a developer's own machine: no home, any user id, modules in the way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.client import Client

PYTHONPATH = os.environ.get("PYTHONPATH", "")
NOBODY = """
import os, runpy, sys
os.setreuid(54321, 0)  # whom no list of users knows, though it may read the files
sys.argv[0] = "fim-lsp"
runpy.run_module("fim_lsp", run_name="__main__", alter_sys=True)
"""


def check(client: Client, folder: Path) -> None:
    """Do a handshake in a workspace, open a file of it, and leave."""
    folder.mkdir(exist_ok=True)
    (folder / "a.py").write_text("def f(a):\n    return a\n")
    uri = folder.as_uri()
    client.start(rootUri=uri, workspaceFolders=[{"uri": uri, "name": "w"}])
    client.open("x = \n", f"{uri}/b.py")
    assert client.explain(0, 4, f"{uri}/b.py")["reason"] == "no completion was requested here"
    assert client.request("shutdown")["result"] is None
    client.notify("exit")
    assert client.process.wait(15) == 0


@pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0,
    reason="only root may start a server as a user whom the system does not know",
)
@pytest.mark.parametrize("home", [None, "", "/nonexistent", "/dev/null"])
def test_a_user_whom_nobody_knows_and_who_has_no_home(tmp_path, monkeypatch, home):
    for name in ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-c", NOBODY, "serve", "--log", str(tmp_path / "log")]
    with Client(command, tmp_path, env={} if home is None else {"HOME": home}) as client:
        check(client, tmp_path / "work")
    client.check_clean()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("in the user's folder", "json"),
        ("in the user's folder", "typing"),
        ("in the user's folder", "pygls"),
        ("on PYTHONPATH", "json"),
        ("on PYTHONPATH", "logging"),
        ("on PYTHONPATH", "lsprotocol"),
    ],
)
def test_a_users_modules_do_not_stand_in_the_way(tmp_path, name, where):
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    (shadows / f"{name}.py").write_text("raise SystemExit('not the module you want')\n")
    paths = [str(shadows), PYTHONPATH] if where == "on PYTHONPATH" else [PYTHONPATH]
    cwd = shadows if where == "in the user's folder" else tmp_path
    with Client.real(cwd, env={"PYTHONPATH": os.pathsep.join(filter(None, paths))}) as client:
        check(client, tmp_path / "work")
    client.check_clean()
