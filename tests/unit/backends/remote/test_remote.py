"""Keys, proxies, the breaker, and when a server is asked at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest

from fim_lsp.backends import create
from fim_lsp.backends.base import Endpoint, ModelRequest
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.backends.remote.breaker import ASKED_MOST_S, Breaker
from fim_lsp.backends.remote.keys import find_key
from fim_lsp.domain import Cancel, Snapshot
from fim_lsp.errors import ModelMismatch, RemoteFault
from fim_lsp.lsp.protocol import explanation
from fim_lsp.pipeline import look_ahead
from tests.http_server import TOKEN, serving
from tests.unit.backends.remote.scripted_server import ANSWER, ScriptedServer, says
from tests.unit.backends.remote.test_faults import LINE, ask, completer, shown

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "FIM_LSP_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


def test_a_key_goes_into_one_header_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("OUR_KEY", "secret")
    with ScriptedServer(says(ANSWER)) as server:
        outcome, _ = ask(completer(server.url, remote_key_variable="OUR_KEY"))
        assert server.received[0].headers["authorization"] == "Bearer secret"
        assert "secret" not in json.dumps(explanation(outcome)) + server.received[0].body + server.received[0].path


def test_a_publishers_key_goes_to_the_publisher_alone(monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "secret")
    assert find_key("codestral.mistral.ai", "") == "secret"
    assert find_key("mistral.ai.example.org", "") == ""
    with ScriptedServer(says(ANSWER)) as server:
        ask(completer(server.url, remote_kind="mistral", remote_model="codestral-latest"))
        assert "authorization" not in server.received[0].headers


def test_a_key_of_the_keyring(monkeypatch):
    kept = {("fim-lsp", "localhost"): "kept"}
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda *at: kept.get(at)))
    assert (find_key("localhost", ""), find_key("elsewhere", "")) == ("kept", "")
    monkeypatch.setenv("FIM_LSP_API_KEY", "named")
    assert find_key("localhost", "") == "named"


def test_no_key_goes_over_plain_http_but_to_this_machine(monkeypatch):
    monkeypatch.setenv("FIM_LSP_API_KEY", "secret")
    with ScriptedServer(says(ANSWER)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        outcome, _ = ask(completer("http://models.example.org"))
        assert (shown(outcome), proxy.received) == (["local()"], [])
        assert "over plain http: use https" in outcome.why


def test_a_proxy_is_used_but_not_for_this_machine(monkeypatch):
    with ScriptedServer(says(ANSWER)) as proxy, ScriptedServer(says(ANSWER)) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        outcome, _ = ask(completer("http://models.example.org"))
        assert shown(outcome) == ["price * amount"]
        assert proxy.received[0].path == "http://models.example.org/v1/completions"
        ask(completer(server.url))
        assert (len(proxy.received), len(server.received)) == (1, 1)


@pytest.mark.parametrize("kind", ["openai", "infill"])
def test_our_own_endpoint_is_such_a_server(kind, monkeypatch):
    monkeypatch.setenv("FIM_LSP_API_KEY", TOKEN)
    with serving(FakeBackend("price * amount")) as server:
        outcome, _ = ask(completer(f"http://127.0.0.1:{server.port}", remote_kind=kind, remote_model="fim-lsp"))
        assert (shown(outcome), outcome.backend) == (["price * amount"], "remote")
        assert server.backend.requests[-1].segments[0].endswith(LINE)


@pytest.mark.parametrize(
    "failures, attempts, said",
    [
        ([httpx2.ConnectError("no route")] * 2, 3, "price * amount"),
        ([httpx2.ConnectError("no route")] * 9, 3, "local()"),
        ([httpx2.ReadError("reset")] * 9, 1, "local()"),
        ([httpx2.ConnectError("certificate verify failed: CERTIFICATE_VERIFY_FAILED")] * 9, 1, "local()"),
    ],
    ids=["connects at last", "never connects", "broke off", "not to be trusted"],
)
def test_only_a_connection_is_tried_again(failures, attempts, said):
    left, asked = list(failures), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if left:
            raise left.pop()
        body = ANSWER.partition(b"\r\n\r\n")[2]
        return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=body)

    it = completer("http://localhost")
    it.router.ready().courier.client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    outcome, _ = ask(it)
    assert (shown(outcome), len(asked)) == ([said], attempts)


def test_a_server_is_asked_for_what_somebody_waits_for_alone():
    with ScriptedServer(says(ANSWER)) as server:
        it = completer(server.url)
        it.warm_up()
        snap = Snapshot("u", 0, "python", LINE + "\n", len(LINE))
        look_ahead.warm(it, snap, Cancel())
        assert server.received == []
        outcome = it.complete(snap, Cancel())
        look_ahead.ahead(it, snap, outcome, Cancel())
        assert len(server.received) == 1


def test_auto_never_asks_a_server():
    with ScriptedServer(says(ANSWER)) as server:
        it = completer(server.url)
        it.configure(type(it.config)(remote_url=server.url))
        outcome, _ = ask(it)
        assert (shown(outcome), outcome.sent, server.received) == (["local()"], {}, [])


def test_a_language_may_have_the_server_alone():
    with ScriptedServer(says(ANSWER)) as server:
        it = completer(server.url)
        it.configure(type(it.config)(remote_url=server.url, backend_by_language={"python": "remote"}))
        assert ask(it)[0].backend == "remote"
        assert it.complete(Snapshot("v", 0, "lua", LINE + "\n", len(LINE)), Cancel()).backend == "gpt"
        assert len(server.received) == 1


def test_what_was_typed_along_the_answer_is_not_sent_again():
    with ScriptedServer(says(ANSWER)) as server:
        it = completer(server.url)
        ask(it)
        text = LINE + "price"
        assert shown(it.complete(Snapshot("u", 1, "python", text + "\n", len(text)), Cancel())) == [" * amount"]
        assert len(server.received) == 1


@pytest.mark.parametrize(
    "endpoint, remedy",
    [
        (Endpoint(), "remote.url is empty"),
        (Endpoint("localhost:8080"), "begins with http"),
        (Endpoint("file:///etc/passwd"), "begins with http"),
        (Endpoint("http://me:secret@localhost"), "holds a password"),
        (Endpoint("http://[::"), "no address"),
        (Endpoint("https://codestral.mistral.ai"), "remote.model is empty"),
    ],
)
def test_an_address_that_cannot_be_used(endpoint, remedy):
    with pytest.raises(ModelMismatch, match=remedy) as found:
        create("remote", ModelRequest(endpoint=endpoint))
    assert "secret" not in str(found.value)


def test_several_holes_are_for_the_models_here():
    with ScriptedServer(says(ANSWER)) as server, pytest.raises(ModelMismatch, match="one hole at a time"):
        completer(server.url).fill(("a", "b", "c"), "python", Cancel())


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import sys; sys.modules['httpx2'] = None\n"
        "import fim_lsp.lsp.server\n"
        "from fim_lsp.backends import create\n"
        "from fim_lsp.errors import ModelMismatch\n"
        "try: create('remote')\n"
        "except ModelMismatch as problem: print(problem)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert said.stdout == "remote needs httpx2: pip install 'fim-lsp[remote]'\n"


def test_no_folder_sets_the_address():
    manifest = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))
    ours = manifest["contributes"]["configuration"]["properties"]
    remote = {name: setting["scope"] for name, setting in ours.items() if name.startswith("fimLsp.remote.")}
    assert remote == dict.fromkeys(remote, "machine")
    assert "fimLsp.remote.url" in remote
    restricted = manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert {"fimLsp.backend", "fimLsp.backendByLanguage"} <= {*restricted}


def test_the_breaker_opens_for_longer_each_time():
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    pauses = []
    for _ in range(9):
        breaker.fail(RemoteFault("oops"))
        pauses.append(round(breaker.open_until - now[0], 1) if breaker.resting() else 0.0)
        now[0] = max(now[0], breaker.open_until)
        assert breaker.resting() == ""  # one request goes out
    assert pauses[:2] == [0, 0]
    assert all(
        low * 0.8 <= pause <= low * 1.2 for low, pause in zip((5, 10, 20, 40, 80, 120, 120), pauses[2:], strict=True)
    )
    breaker.succeed()
    breaker.fail(RemoteFault("oops"))
    assert breaker.resting() == ""
    breaker.fail(RemoteFault("oops", rest_s=1e9))
    assert breaker.open_until - now[0] == pytest.approx(ASKED_MOST_S)
