"""The endpoint on a Ray cluster of two nodes, with decoders killed, replaced and made to wait."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest

from tests.cluster.lab import ENTRY, load, pid, text, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def decoders(cluster) -> set[int]:
    """Return the processes that answer, by asking in sessions enough to reach all."""
    return {pid(cluster.ask(f"probe_{n} = ", session=f"probe {n} {time.monotonic()}")) for n in range(24)}


def test_a_killed_decoder_loses_nothing_and_is_back_within_ten_seconds(cluster):
    cluster.deploy(step_s=0.04, patience_s=60)  # so that an empty answer could only come of a loss
    first, second = decoders(cluster)
    with load(lambda prompt, session: cluster.ask(prompt, session=session), clients=8) as under:
        until(lambda: len(under.answers) > 8)
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: {pid(answer) for answer in under.answers if text(answer)} - {first, second}, 30)
        back_s = time.monotonic() - killed
        until(lambda: under.answers[-1] and len(under.answers) > 60)
    begun = Counter(at for _, what, at in cluster.written() if what == "begins")
    again = [at for at, times in begun.items() if times > 1]
    print(f"{len(under.answers)} answers, {len(again)} of them asked for again, back after {back_s:.1f} s")
    assert not under.failures
    assert {answer.status for answer in under.answers} == {200}
    assert all(text(answer) for answer in under.answers)
    assert again, "nothing was in flight: this proves nothing"
    assert back_s < 10


def test_all_decoders_killed_at_once_leave_empty_answers_or_late_ones_and_no_errors(cluster):
    cluster.deploy(step_s=0.04)
    both = decoders(cluster)
    with load(lambda prompt, session: cluster.ask(prompt, session=session), clients=8) as under:
        until(lambda: len(under.answers) > 8)
        for one in both:
            os.kill(one, signal.SIGKILL)
        until(lambda: {pid(answer) for answer in under.answers if text(answer)} - both, 30)
    assert not under.failures
    assert {answer.status for answer in under.answers} == {200}


def test_a_new_version_replaces_the_old_and_nothing_is_lost(cluster):
    cluster.deploy("old", step_s=0.02)
    with load(lambda prompt, session: cluster.ask(prompt, session=session), clients=6) as under:
        until(lambda: len(under.answers) > 6)
        cluster.deploy("new", step_s=0.02, surge=50)
        seen = len(under.answers)
        until(lambda: len(under.answers) > seen + 12)
    said = [text(answer).partition("+ ")[2] for answer in under.answers]
    print(f"{len(said)} answers: {Counter(said)}")
    assert not under.failures
    assert {answer.status for answer in under.answers} == {200}
    assert set(said) == {"old", "new"}
    assert set(said[-6:]) == {"new"}


def test_a_session_stays_with_its_decoder(cluster):
    cluster.deploy()
    of_one = {pid(cluster.ask(f"one_{n} = ", session="mine")) for n in range(12)}
    of_many = {pid(cluster.ask(f"many_{n} = ", session=f"of {n}")) for n in range(24)}
    of_owner = {pid(cluster.ask(f"owned_{n} = ", token="of-bob")) for n in range(12)}
    assert (len(of_one), len(of_many), len(of_owner)) == (1, 2, 1)


def test_tokens_and_rates_are_kept(cluster):
    cluster.deploy(entry=replace(ENTRY, rate="3/minute"), gateways=1)
    assert cluster.ask("a = ", token="nobody's").status == 401
    assert [cluster.ask(f"b_{n} = ").status for n in range(4)] == [200, 200, 200, 429]
    refused = cluster.ask("c = ")
    assert refused.json["error"]["code"] == "rate_limited"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert cluster.ask("d = ", token="of-bob").status == 200


def test_a_client_that_leaves_ends_its_decoding(cluster):
    cluster.deploy("x" * 300, step_s=0.05)
    connection = cluster.begin("long = ")
    until(lambda: [what for _, what, _ in cluster.written()] == ["begins"])
    connection.close()
    until(lambda: "cancelled" in [what for _, what, _ in cluster.written()])


def test_what_is_wrong_is_told_as_without_a_cluster(cluster):
    cluster.deploy()
    answer = cluster.ask("e = ", path="/infill")
    assert (answer.status, answer.json["error"]["param"]) == (400, "input_prefix")


def test_prometheus_is_told(cluster):
    import ray
    import requests

    cluster.deploy()
    cluster.ask("f = ")
    ports = {node["MetricsExportPort"] for node in ray.nodes() if node["Alive"]}

    def names() -> set[str]:
        pages = [requests.get(f"http://127.0.0.1:{port}", timeout=10).text for port in ports]
        return {line.split("{")[0] for page in pages for line in page.splitlines() if "fim_lsp" in line}

    until(lambda: {"ray_fim_lsp_tokens_total", "ray_fim_lsp_decoder_ms_count"} <= names())
