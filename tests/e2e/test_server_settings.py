"""Settings over the protocol: from every door, and what they change."""

from __future__ import annotations

from typing import Any

from tests.client import CODE, Client


def tell(client: Client, **settings: Any) -> None:
    """Change settings, and wait for the decode thread, which takes them before a comparison."""
    client.notify("workspace/didChangeConfiguration", {"settings": {"fimLsp": settings}})
    client.compare(1, 8)


def test_settings_from_every_door(tmp_path):
    with Client.fake(tmp_path, settings={"trigger": "manual"}) as client:
        client.start(initializationOptions={"fimLsp": {"deadlineMs": "soon", "colour": 1}})
        told = [client.note("window/showMessage")["message"] for _ in range(2)]
        assert any("fimLsp.deadlineMs = 'soon'" in said and "1500" in said for said in told)
        assert any("fimLsp.colour" in said for said in told)
        client.until_ready()
        client.open(CODE)
        assert client.inline(1, 8) == []
        assert client.explain(1, 8)["reason"] == "fimLsp.trigger is manual"
        assert len(client.inline(1, 8, kind=1)) == 2
        client.settings = None
        client.notify("workspace/didChangeConfiguration", {"settings": None})  # and a client that has none
        client.until_asked("workspace/configuration", 2)
        client.compare(1, 8)
        client.compare(1, 8)  # behind the change, for the first may have come before it
        assert len(client.inline(1, 8)) == 1
        tell(client, trigger="manual")
        assert client.inline(1, 7) == []
        tell(client, trigger="automatic")
        assert len(client.inline(1, 8)) == 1
        tell(client, languages=["go"])
        assert client.inline(1, 7) == []
        assert "fimLsp.languages" in client.explain(1, 7)["reason"]
        assert any(request["method"] == "client/registerCapability" for request in client.requests)
    client.check_clean()


def test_an_editors_own_settings_are_none_of_the_servers_business(tmp_path):
    own = {"path": "/p", "installFrom": "x.whl", "trace": {"server": "verbose"}, "maxLines": 0}
    with Client.fake(tmp_path) as client:
        client.start(initializationOptions=own)
        assert "fimLsp.maxLines" in client.note("window/showMessage")["message"]
        client.until_ready()
        assert client.note("$/progress")["value"]["kind"] == "end"  # it may come after the status
        assert client.notes.empty()
    client.check_clean()


def test_the_settings_choose_the_family(tmp_path):
    with Client.fake(tmp_path) as client:
        client.start(initializationOptions={"backend": "bert"})
        client.open(CODE)
        assert len(client.inline(1, 8)) == 1
        assert "fimLsp.backend" in client.explain(1, 8)["why"]
    client.check_clean()


def test_a_model_of_the_command_line_outranks_an_editors_default(tmp_path):
    with Client.real(tmp_path, "--model", "a-name-of-none") as client:
        client.start(initializationOptions={"backend": "gpt", "gpt": {"model": ""}})
        assert "'a-name-of-none'" in client.note("window/showMessage")["message"]
    client.check_clean()
