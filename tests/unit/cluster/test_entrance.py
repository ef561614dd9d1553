"""Who is let in, and how often; behind the endpoint's own app."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import replace
from typing import Any

import pytest

from fim_lsp.cluster import tokens
from fim_lsp.cluster.gateway import Entrance
from fim_lsp.cluster.notes import silent
from fim_lsp.cluster.plan import ClusterPlan, EntryRules
from fim_lsp.domain import Outcome, Snapshot, Suggestion
from fim_lsp.errors import ConfigError, InputError
from fim_lsp.http.fault import Fault
from fim_lsp.http.guard import Caller
from fim_lsp.http.tokens import digest

ENTRY = EntryRules({digest("of-alice"): "alice", digest("of-bob"): "bob"}, rate="2/minute")


class Echo:
    """A decoder that says who asked."""

    async def complete(self, snap: Snapshot, caller: Caller) -> Outcome:
        return Outcome((Suggestion((f"{caller.owner} {caller.session}",)),))

    def stop(self) -> None: ...


class Endpoint:
    """The application, called without a server."""

    def __init__(self, entry: EntryRules):
        self.entrance = Entrance(entry, silent)
        self.app = self.entrance.app(Echo())

    def ask(self, token: str, host: str = "localhost", **more: str) -> tuple[int, dict[str, str], str]:
        return asyncio.run(self._ask({"authorization": f"Bearer {token}", "host": host} | more))

    async def _ask(self, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        said: list[dict[str, Any]] = []
        sent = iter([{"type": "http.request", "body": b'{"prompt": "x = "}', "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(sent, None) or await asyncio.Event().wait()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": raw, "query_string": b""}
        await self.app(scope | {"http_version": "1.1", "scheme": "http", "raw_path": b""}, receive, send)
        start, *rest = said
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], told, b"".join(part.get("body", b"") for part in rest).decode()


def test_the_caller_is_known_to_what_decodes():
    status, _, said = Endpoint(ENTRY).ask("of-alice", **{"x-session-id": "7"})
    assert status == 200 and '"alice 7"' in said


def test_an_owner_who_asks_too_often_is_refused_and_no_other():
    endpoint = Endpoint(ENTRY)
    assert [endpoint.ask("of-alice")[0] for _ in range(4)] == [200, 200, 429, 429]
    assert 1 <= int(endpoint.ask("of-alice")[1]["retry-after"]) <= 60
    assert endpoint.ask("of-bob")[0] == 200


def test_a_stranger_is_not_counted():
    endpoint = Endpoint(ENTRY)
    assert [endpoint.ask("of-mallory")[0] for _ in range(4)] == [401] * 4


def test_without_a_rate_none_is_refused():
    endpoint = Endpoint(replace(ENTRY, rate=""))
    assert {endpoint.ask("of-alice")[0] for _ in range(30)} == {200}


def test_rules_change_under_a_running_application():
    endpoint = Endpoint(ENTRY)
    endpoint.entrance.change(EntryRules({digest("of-carol"): "carol"}, ("fim.example.org",), "100/second"))
    assert endpoint.ask("of-alice")[0] == 401
    assert {endpoint.ask("of-carol")[0] for _ in range(5)} == {200}
    assert [endpoint.ask("of-carol", host)[0] for host in ("fim.example.org", "evil.example.org")] == [200, 403]


@pytest.mark.parametrize("changed", [{"rate": "often"}, {"storage": "nowhere://"}])
def test_wrong_rules_are_named_and_the_old_ones_stand(changed):
    endpoint = Endpoint(ENTRY)
    with pytest.raises(ConfigError, match=next(iter(changed.values()))):
        endpoint.entrance.change(replace(ENTRY, **changed))
    assert endpoint.ask("of-alice")[0] == 200


def test_a_fault_crosses_processes():
    fault = pickle.loads(pickle.dumps(Fault(503, "full", "prompt", "busy", 7)))
    assert (fault.status, fault.message, fault.param, fault.code, fault.retry_after_s) == (
        503,
        "full",
        "prompt",
        "busy",
        7,
    )
    assert str(fault) == "full"


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"entry": {"token": {}}}, "token"),
        ({"least": 3, "most": 2}, "least"),
        ({"gateways": 0}, "gateways"),
    ],
)
def test_wrong_arguments_of_a_serve_configuration_are_named(args, named):
    with pytest.raises(ConfigError, match=named):
        ClusterPlan.read(args)


def test_a_plan_that_no_cluster_holds_is_named_with_the_remedy():
    with pytest.raises(ConfigError, match=r"take 2\.4 cores, and the cluster has 2: fewer --decoders"):
        ClusterPlan(least=2, most=2, gateways=2).within(2)


@pytest.mark.parametrize(("cores", "surge"), [(8, 25), (3.4, 25), (3.3, 0), (2.2, 0)])
def test_where_no_core_is_free_old_decoders_go_first(cores, surge):
    assert ClusterPlan(least=1, most=2).within(cores).surge == surge


def test_a_file_of_tokens_holds_digests_alone(tmp_path):
    path = tmp_path / "tokens.toml"
    first, second = tokens.add("alice", path), tokens.add('bob "the \\ builder"', path)
    assert tokens.read(path) == {digest(first): "alice", digest(second): 'bob "the \\ builder"'}
    assert first not in path.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="alice"):
        tokens.add("alice", path)


@pytest.mark.parametrize("text", ["", "[tokens]\n", "[tokens]\nalice = 'plain'\n", "[tokens\n", "tokens = 3\n"])
def test_a_wrong_file_of_tokens_is_named(tmp_path, text):
    path = tmp_path / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tokens\.toml"):
        tokens.read(path)


def test_a_missing_file_of_tokens_is_named_with_the_remedy(tmp_path):
    with pytest.raises(ConfigError, match="fim-lsp cluster token"):
        tokens.read(tmp_path / "none.toml")
