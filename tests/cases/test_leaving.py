"""How the server leaves: with the code the spec gives, without its editor, and while it is busy."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.client import Client

LONG = json.dumps([" + ".join(f"word{n}" for n in range(200))])


def test_exit_without_shutdown_is_a_failure(tmp_path):
    with Client.fake(tmp_path) as client:
        client.notify("exit")
        assert client.process.wait(10) == 1
    with Client.fake(tmp_path) as client:
        client.start()
        client.notify("exit")
        assert client.process.wait(10) == 1
    assert client.stderr == b""


@pytest.mark.parametrize("last", ["exit", "the pipe's end"])
def test_exit_after_shutdown_is_none(tmp_path, last):
    with Client.fake(tmp_path) as client:
        client.start()
        assert client.request("shutdown")["result"] is None
        if last == "exit":
            client.notify("exit")
        client.process.stdin.close()
        assert client.process.wait(10) == (0 if last == "exit" else 1)
    assert client.stderr == b""


def test_what_comes_after_shutdown_changes_nothing(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open("x = \n")
        client.request("shutdown")
        client.type(0, 4, "y")
        client.open("z = \n", uri="file:///w/b.py")
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///w/b.py"}})
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"backend": "bert"}}})
        assert client.wait(client.ask_inline(0, 4))["error"]["code"] == -32600
        client.notify("exit")
        assert client.process.wait(10) == 0
    client.check_clean()
    assert client.stderr == b""


@pytest.mark.parametrize("busy", ["loading", "decoding", "comparing"])
def test_leaving_while_busy_is_quick(tmp_path, busy):
    slow = ("--load-s", "20") if busy == "loading" else ("--step-s", "0.05", "--texts", LONG)
    with Client.fake(tmp_path, *slow) as client:
        client.start(initializationOptions={"deadlineMs": 60_000})
        client.open("x = \n")
        if busy != "loading":
            client.until_ready()
            client.ask_inline(0, 4) if busy == "decoding" else client.ask_compare(0, 4)
            assert client.note("fimLsp/status")["state"] == "busy"
        client.request("shutdown", timeout=5)
        client.notify("exit")
        assert client.process.wait(5) == 0
    assert b"Traceback" not in client.stderr


EDITOR = """
import json, subprocess, sys, time
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=server.stdin)
params = {"processId": WATCHED, "rootUri": None, "capabilities": {}}
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
server.stdin.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
server.stdin.flush()
server.stdout.readline()  # it has read `initialize`
print(server.pid, holder.pid, flush=True)
time.sleep(60)
"""


def editor(tmp_path, watched: str) -> tuple[subprocess.Popen, list[int]]:
    """Start an editor with a server and one more process that holds the server's pipe."""
    from pathlib import Path

    serve = [sys.executable, str(Path(__file__).parents[1] / "fake_server.py")]
    script = EDITOR.replace("WATCHED", watched)
    process = subprocess.Popen([sys.executable, "-c", script, *serve], stdout=subprocess.PIPE)
    return process, [int(pid) for pid in process.stdout.readline().split()]


def is_running(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def ends(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(pid)


@pytest.mark.parametrize("collected", [True, False], ids=["collected", "left as a zombie"])
def test_without_its_editor_the_server_leaves_though_another_process_holds_the_pipe(tmp_path, collected):
    import psutil

    process, (server, holder) = editor(tmp_path, "__import__('os').getpid()")
    try:
        time.sleep(0.2)
        assert is_running(server)
        process.kill()
        if collected:
            process.wait(5)
        assert ends(server, 5)
    finally:
        process.kill()
        process.wait(5)
        for pid in (server, holder):
            if psutil.pid_exists(pid):
                psutil.Process(pid).kill()


@pytest.mark.parametrize("watched", ["None", "4194303", "0", "-1"])
def test_an_editor_that_is_not_to_be_seen_is_not_waited_for(tmp_path, watched):
    with Client.fake(tmp_path) as client:
        client.start(processId=json.loads(watched.replace("None", "null")))
        client.until_ready()
        time.sleep(0.2)
        client.open("x = \n")
        assert len(client.inline(0, 4)) == 1
    client.check_clean()
