"""What is remembered beyond its time: cut answers, stand-ins, closed documents, settings, an old model's failure."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from fim_lsp.backends.base import ModelRequest
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.cli.base import settings
from fim_lsp.domain import Cancel, Outcome, split_lines
from fim_lsp.lsp.settings import ServerSettings, follow_client
from fim_lsp.lsp.trace import Trace
from fim_lsp.pipeline import look_ahead
from fim_lsp.pipeline.completer import Completer
from fim_lsp.routing.loader import ModelLoader
from fim_lsp.routing.rule import RoutingTable
from fim_lsp.settings import Config
from tests.client import Client
from tests.picture import draw

SNAP = draw("x = ║\n")


def test_an_answer_that_the_deadline_cut_short_is_not_remembered():
    backend = FakeBackend("alpha + beta + gamma", step_s=0.03)
    completer = Completer(Config(backend="gpt", deadline_ms=100, word_fallback=False), lambda family, model: backend)
    cut = completer.complete(SNAP, Cancel())
    completer.config = Config(backend="gpt", deadline_ms=60_000)
    whole = completer.complete(SNAP, Cancel())
    assert whole.suggestions[0].text == "alpha + beta + gamma"
    assert not cut.suggestions or cut.suggestions[0].text != whole.suggestions[0].text


def test_what_a_stand_in_said_is_not_remembered():
    go, tables = (
        threading.Event(),
        {"gpt": RoutingTable({"end of line": 0.1}), "bert": RoutingTable({"end of line": 0.9})},
    )

    def create(family: str, model: ModelRequest) -> FakeBackend:
        assert family == "gpt" or go.wait(10)
        backend = FakeBackend(family)
        backend.name = family
        return backend

    completer = Completer(Config(), create, lambda family, model: tables[family])
    completer.router.ready("python")
    assert completer.complete(SNAP, Cancel()).suggestions[0].text == "gpt"
    go.set()
    completer.router.loader.coming["bert"].join(10)
    assert completer.complete(SNAP, Cancel()).suggestions[0].text == "bert"


def test_a_closed_document_is_forgotten():
    completer = Completer(Config(backend="gpt"), lambda family, model: FakeBackend("value"))
    completer.complete(SNAP, Cancel())
    assert completer.cache.find(SNAP)
    completer.close(SNAP.uri)
    assert (completer.cache.find(SNAP), SNAP.uri in completer.trees.trees) == (None, False)


def test_a_document_that_is_closed_and_opened_again_is_asked_anew(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start()
        client.open("x = \n")
        assert client.inline(0, 4)
        assert client.explain(0, 4)["reason"] == ""
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///w/a.py"}})
        client.open("y = 1\n")
        assert "no completion was requested here" in client.explain(0, 4)["reason"]
        client.check_clean()


def test_warming_asks_the_gate_as_a_request_does():
    backend = FakeBackend("value")
    for config in (Config(backend="gpt", trigger="manual"), Config(backend="gpt", languages=("go",))):
        completer = Completer(config, lambda family, model: backend)
        completer.router.loader.get("gpt")
        backend.requests.clear()
        assert look_ahead.warm(completer, SNAP, Cancel()).reason.startswith(("fimLsp.trigger", "language"))
        assert backend.requests == []


def test_the_last_change_of_settings_wins_however_late_an_earlier_one_is_told():
    answers: list[asyncio.Future] = []
    used: list[str] = []

    async def ask(params):
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    workspace = SimpleNamespace(configuration=True)
    server = SimpleNamespace(
        settings=ServerSettings({}),
        client_capabilities=SimpleNamespace(workspace=workspace),
        workspace_configuration_async=ask,
        configure=lambda resolved: used.append(resolved.config.trigger),
    )

    async def change_twice():
        first = asyncio.ensure_future(follow_client(server, None))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(follow_client(server, None))
        await asyncio.sleep(0)
        answers[1].set_result([{"trigger": "automatic"}])
        await second
        answers[0].set_result([{"trigger": "manual"}])
        await first

    asyncio.run(change_twice())
    assert used == ["automatic"]


@pytest.mark.parametrize("taken_away", [{}, {"fimLsp": {}}, {"fimLsp": None}])
def test_settings_that_are_taken_away_are_the_defaults_again(taken_away):
    layers = ServerSettings({"backend": "bert"})
    assert layers.lay("client", {"fimLsp": {"trigger": "manual"}}).config.trigger == "manual"
    left = layers.lay("client", taken_away).config
    assert (left.trigger, left.backend) == ("automatic", "bert")  # the file's stay


def test_a_flag_wins_over_the_file_and_the_file_over_a_persons_patience(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('backend = "bert"\ndeadlineMs = 70\n')
    assert settings(file, "", "gpt").config.backend == "gpt"
    assert settings(file, "", "").config.backend == "bert"
    assert (settings(file, "", "").config.deadline_ms, settings(None, "", "").config.deadline_ms) == (70, 60_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_costs_the_trace_and_not_the_completion():
    trace = Trace(Path("/dev/full"))
    for _ in range(2):
        trace.write("m", SNAP, Outcome(), Cancel())
    assert trace.file is None


def test_a_crash_of_the_old_model_does_not_mark_the_new_one():
    go = threading.Event()

    def create(family: str, model: ModelRequest) -> FakeBackend:
        if model.model == "old":
            assert go.wait(10)
            raise RuntimeError("crashed")
        return FakeBackend("new")

    loader = ModelLoader({"gpt": ModelRequest("old")}, create)
    loader.fetch("gpt", lambda backend: None)
    old = loader.coming["gpt"]
    loader.replace({"gpt": ModelRequest("new")})
    go.set()
    old.join(10)
    assert loader.failed == {}
    assert loader.get("gpt").texts == ("new",)


def test_lines_end_where_editors_end_them():
    assert split_lines("a\fb\u2028c\x85d\r\ne\rf\ng") == ["a\fb\u2028c\x85d", "e", "f", "g"]
