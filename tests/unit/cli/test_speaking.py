"""`fim-lsp serve` begins without typer, and means the same by every option."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from fim_lsp.cli import speaking
from fim_lsp.cli.serve import serve
from fim_lsp.errors import ConfigError

GIVEN = {  # an option as a person gives it, and as what it arrives
    "config": (["--config", "c.toml"], Path("c.toml")),
    "model": (["--model", "m"], "m"),
    "log": (["--log=l"], Path("l")),
    "trace": (["--trace", "t"], Path("t")),
    "trace_text": (["--trace-text"], True),
}
OVER_HTTP = {"http", "host", "token"}


@pytest.fixture
def spoken(monkeypatch) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = []
    names = list(inspect.signature(speaking.speak).parameters)
    monkeypatch.setattr(speaking, "speak", lambda *given: calls.append(dict(zip(names, given, strict=True))))
    return calls


def test_every_option_of_the_command_is_known_or_is_of_http():
    assert inspect.signature(serve).parameters.keys() == {"stdio", *GIVEN, *OVER_HTTP}


@pytest.mark.parametrize("words", [[], ["--stdio"]])
def test_what_editors_run_speaks_at_once(spoken, words):
    speaking.speak_at_once(words)
    assert spoken == [{"config": None, "model": "", "log": None, "trace": None, "trace_text": False}]


@pytest.mark.parametrize("name", GIVEN)
def test_an_option_arrives(spoken, name):
    words, value = GIVEN[name]
    speaking.speak_at_once(words)
    assert [call[name] for call in spoken] == [value]


@pytest.mark.parametrize("words", [["--http", "0"], ["--help"], ["--lgo", "x"], ["--lo", "x"], ["--log"], ["more"]])
def test_what_the_command_line_has_to_say_something_about_is_left_to_it(spoken, words):
    speaking.speak_at_once(words)
    assert spoken == []


def test_a_fault_is_told_by_the_command_line(monkeypatch):
    def fail(*given: object) -> None:
        raise ConfigError("no such file")

    monkeypatch.setattr(speaking, "speak", fail)
    speaking.speak_at_once(["--config", "none.toml"])
