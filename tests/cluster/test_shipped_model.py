"""The shipped decoder in a cluster says what it says alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.lab import FAKE, text

pytestmark = [pytest.mark.cluster, pytest.mark.model]

PROMPT = "<|fim_prefix|>def add(first, second):\n    return first<|fim_suffix|>\n<|fim_middle|>"


def test_a_completion_is_had(cluster):
    from fim_lsp.cluster import running

    plan = replace(FAKE, settings={"deadlineMs": 60_000}, least=1, most=1, gateways=1)
    running.start(plan, "127.0.0.1", cluster.port)
    answer = cluster.ask(PROMPT)
    assert (answer.status, text(answer)) == (200, " + second")
    assert answer.json["usage"]["prompt_tokens"] > 0
