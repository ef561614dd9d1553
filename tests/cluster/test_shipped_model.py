"""The shipped decoder in a cluster says what it says alone."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.cluster.lab import ENTRY, text

pytestmark = [pytest.mark.cluster, pytest.mark.model]

PROMPT = "<|fim_prefix|>def add(first, second):\n    return first<|fim_suffix|>\n<|fim_middle|>"


def test_a_completion_is_had(cluster):
    from ray import serve

    from fim_lsp.cluster.application import NAME, build

    args = {"settings": {"deadlineMs": 60_000}, "gateway_cores": 0, "entry": asdict(ENTRY)}
    serve.run(build(args), name=NAME)
    answer = cluster.ask(PROMPT)
    assert (answer.status, text(answer)) == (200, " + second")
    assert answer.json["usage"]["prompt_tokens"] > 0
