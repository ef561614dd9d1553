"""The server with the shipped weights, as an editor starts it."""

from __future__ import annotations

import time

import psutil
import pytest

from tests.client import Client
from tests.e2e.editors import PATIENT_MS

pytestmark = [pytest.mark.model, pytest.mark.alone]

CODE = "def add(first, second):\n    return first\n\n\nprint(add(1, 2))\n"
LONG = "".join(f"def function_{n}(a, b):\n    return a + b * {n}\n\n\n" for n in range(5_000))


def test_a_file_is_opened_and_completed(tmp_path):
    with Client.real(tmp_path) as client:
        began = time.monotonic()
        client.start(initializationOptions={"backend": "gpt"})
        print(f"initialize {time.monotonic() - began:.2f} s")
        client.open(CODE)
        asked = client.ask_inline(1, 16)
        (item,) = client.wait(asked)["result"]["items"]
        print(f"first suggestion {time.monotonic() - began:.2f} s after start")
        assert item["insertText"] == " + second"
        text = " + second"
        for n in range(4):
            client.type(1, 16 + n, text[n])
            began = time.monotonic()
            (item,) = client.inline(1, 17 + n)
            print(f"type-through {(time.monotonic() - began) * 1e3:.1f} ms")
            assert item["insertText"] == text[n + 1 :]
        assert 1 <= len(client.inline(3, 0, kind=1)) <= 3
        explained = client.explain(1, 16)
        assert explained["backend"] == "gpt"
        assert explained["shown"] == [text]
        assert {"context", "tokenize", "prefill", "decode", "filters"} <= set(explained["timings"])
        rss = psutil.Process(client.process.pid).memory_info().rss
        print(f"resident {rss / 1e9:.2f} GB")
        assert rss < 0.7e9
        assert not any("torch" in mapped.path for mapped in psutil.Process(client.process.pid).memory_maps())
    client.check_clean()
    states = [note["params"]["state"] for note in iter_notes(client, "fimLsp/status")]
    assert states[:2] == ["loading", "ready"]
    progress = [note["params"]["value"]["kind"] for note in iter_notes(client, "$/progress")]
    assert progress == ["begin", "end"]
    assert not any("texts" in line or "line_prefix" in line for line in client.traced())


def test_the_infiller_answers_where_the_settings_say_so(tmp_path):
    with Client.real(tmp_path) as client:
        client.start(initializationOptions={"backend": "bert"})
        client.until_ready()
        client.open(CODE)
        client.inline(1, 16)
        explained = client.explain(1, 16)
        assert explained["backend"] == "bert"
        assert "fimLsp.backend" in explained["why"]
        assert {"prefill", "fill"} <= set(explained["timings"])
    client.check_clean()


def iter_notes(client: Client, method: str):
    return [note for note in list(client.notes.queue) if note["method"] == method]


def test_a_file_of_twenty_thousand_lines(tmp_path):
    with Client.real(tmp_path) as client:
        client.start(initializationOptions={"deadlineMs": PATIENT_MS})
        client.until_ready()
        client.open(LONG)
        assert LONG.count("\n") == 20_000
        client.type(10_001, 0, "    x = a \n")
        assert client.inline(10_001, 10)[0]["range"]["start"] == {"line": 10_001, "character": 10}
        client.type(10_001, 10, "@")  # not what was suggested
        client.inline(10_001, 11)
    client.check_clean()
    asked = [line for line in client.traced() if line["method"] == "textDocument/inlineCompletion"]
    context = [line["timings"]["context"] for line in asked if "context" in line["timings"]]
    assert len(context) == 2
    print("context ms, first parse and incremental:", context)


@pytest.mark.parametrize("at", ["decode", "prefill"])
def test_cancel_leaves_the_decode_thread_idle(tmp_path, at):
    with Client.real(tmp_path) as client:
        client.start()
        client.until_ready()
        client.open(f"{LONG[:1500]}def fill(a):\n    \n")
        line = LONG[:1500].count("\n") + 1
        asked = client.ask_inline(line, 4, kind=1)
        time.sleep(0.03 if at == "prefill" else 0.35)
        client.notify("$/cancelRequest", {"id": asked})
        assert client.wait(asked)["error"]["code"] == -32800
        assert "result" in client.wait(client.ask_inline(0, 0, kind=1))
    client.check_clean()
    (stopped,) = (line for line in client.traced() if line.get("cancelled") == "cancelled")
    assert stopped["tokens"].get("decoded", 0) < 100
    print("idle ms after cancel:", stopped["idle_ms"])


@pytest.mark.parametrize("folder", ["missing", "empty", "truncated"])
def test_a_broken_model_is_one_message_and_empty_answers(tmp_path, folder):
    path = tmp_path / folder
    if folder != "missing":
        path.mkdir()
    if folder == "truncated":
        from fim_lsp.checkpoints.catalogue import find_model

        for file in find_model("gpt", "").iterdir():
            (path / file.name).symlink_to(file)
        (path / "layers-1.safetensors").unlink()
        (path / "layers-1.safetensors").write_bytes(b"\x08" * 1000)
    with Client.real(tmp_path) as client:
        client.start(initializationOptions={"backend": "gpt", "gpt": {"model": str(path)}})
        client.open(CODE)
        assert client.inline(1, 16) == []
        assert str(path) in client.note("window/showMessage")["message"]
        assert str(path) in client.explain(1, 16)["reason"]
        assert client.inline(1, 15) == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": {"gpt": {"model": ""}}}})
        client.until_ready()
        assert client.inline(1, 16)[0]["insertText"] == " + second"
    client.check_clean()
    assert not iter_notes(client, "window/showMessage"), "one message is enough"


def test_auto_goes_on_with_the_family_that_loads(tmp_path):
    with Client.real(tmp_path) as client:
        client.start(initializationOptions={"gpt": {"model": str(tmp_path / "missing")}})
        client.until_ready()
        client.open(CODE)
        client.inline(1, 16)
        explained = client.explain(1, 16)
        assert explained["backend"] == "bert"
        assert "gpt cannot be loaded" in explained["why"]
        assert set(explained["expectedMs"]) == {"gpt", "bert"}
        assert "bert answers alone" in client.note("window/showMessage")["message"]
    client.check_clean()
