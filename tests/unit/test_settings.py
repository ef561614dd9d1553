"""Settings: defaulted, layered, and told apart when bad."""

from __future__ import annotations

import pytest

from fim_lsp.errors import ConfigError
from fim_lsp.lsp.settings import ServerSettings
from fim_lsp.settings import Config, from_client, read_file, resolve, settings


@pytest.mark.parametrize("nothing", [None, {}, 3, [], "x", {"fimLsp": None}, {"gpt": None}, {"deadlineMs": None}])
def test_nothing_said_means_the_defaults(nothing):
    assert from_client(nothing) == (Config(), [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("backend", "gtp"),
        ("backend", 1),
        ("deadlineMs", "fast"),
        ("deadlineMs", 1),
        ("deadlineMs", True),
        ("maxLines", 0),
        ("maxLines", 2.5),
        ("trigger", "never"),
        ("languages", "python"),
        ("languages", [1]),
        ("completionFallback", "yes"),
        ("gpt.model", 5),
        ("gpt.bits", 5),
        ("gpt.bits", True),
        ("gpt.cacheMegabytes", 0),
    ],
)
def test_a_bad_value_names_key_value_and_default(key, value):
    nested = {key.split(".")[0]: {key.split(".")[1]: value}} if "." in key else {key: value}
    config, problems = from_client({"fimLsp": nested})
    assert config == Config()
    (problem,) = problems
    assert f"fimLsp.{key}" in problem
    assert repr(value) in problem
    assert "using" in problem


def test_good_values_pass_beside_bad_ones():
    config, problems = from_client(
        {"deadlineMs": 200, "maxLines": "x", "gpt": {"model": "/m"}, "languages": ["python"]}
    )
    assert (config.deadline_ms, config.gpt_model, config.languages) == (200, "/m", ("python",))
    assert len(problems) == 1


def test_later_layers_win_and_are_named():
    resolved = resolve([("file", {"maxLines": 3, "trigger": "manual"}), ("client", {"maxLines": 5, "trigger": None})])
    assert resolved.config.max_lines == 5
    assert resolved.config.trigger == "manual"
    assert resolved.sources["maxLines"] == "client"
    assert resolved.sources["trigger"] == "file"
    assert resolved.sources["backend"] == "default"


def test_files(tmp_path):
    good = tmp_path / "good.toml"
    good.write_text('maxLines = 4\n[gpt]\nmodel = "/m"\n')
    assert resolve([("file", read_file(good))]).config.max_lines == 4
    under = tmp_path / "under.toml"
    under.write_text("[fimLsp]\nmaxLines = 4\n")
    assert resolve([("file", read_file(under))]).config.max_lines == 4
    bad = tmp_path / "bad.toml"
    bad.write_text("= 3")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_file(bad)
    with pytest.raises(ConfigError, match="does not exist"):
        read_file(tmp_path / "none.toml")


def test_a_mapping_is_one_setting():
    config, problems = from_client({"backendByLanguage": {"python": "bert", "go": "gpt"}})
    assert (dict(config.backend_by_language), problems) == ({"python": "bert", "go": "gpt"}, [])
    layers = [("file", {"backendByLanguage": {"go": "gpt"}}), ("client", {"backendByLanguage": {"python": "bert"}})]
    assert resolve(layers).config.backend_by_language == {"python": "bert"}
    assert Config().backend_by_language == {}


@pytest.mark.parametrize("value", ["bert", {"python": "gtp"}, {"python": 1}, ["bert"]])
def test_a_bad_mapping_is_named(value):
    config, (problem,) = from_client({"backendByLanguage": value})
    assert config == Config()
    assert "fimLsp.backendByLanguage" in problem


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({"words": False}, False),
        ({"words": False, "wordFallback": True}, False),  # an editor sends the default of what nobody set
        ({"words": True, "wordFallback": False}, False),
        ({"wordFallback": False}, False),
        ({"words": None}, True),
    ],
)
def test_a_former_name_is_read_until_the_present_one_says_otherwise(given, used):
    assert resolve([("client", given)]).config.word_fallback is used


def test_a_former_name_is_noted_with_the_present_one():
    resolved = resolve([("file", {"words": False})])
    assert resolved.problems == ()
    assert resolved.notes == ("fimLsp.words is called fimLsp.wordFallback now (file)",)
    assert resolved.sources["wordFallback"] == "file"


def test_a_bad_value_under_a_former_name_is_named():
    (problem,) = resolve([("file", {"words": "no"})]).problems
    assert "fimLsp.wordFallback = 'no'" in problem


def test_a_note_is_logged_once(caplog):
    kept = ServerSettings({"words": False})
    for _ in range(2):
        assert kept.news(kept.resolve()) == []
    assert [record.message for record in caplog.records] == ["fimLsp.words is called fimLsp.wordFallback now (file)"]


def test_no_former_name_is_in_use():
    present = {setting.key for _, setting in settings()}
    former = [setting.former for _, setting in settings() if setting.former]
    assert present.isdisjoint(former)
    assert len(set(former)) == len(former)


def test_a_flag_outranks_the_client():
    kept = ServerSettings({"gpt.model": "file"}, {"gpt": {"model": "flag"}})
    assert kept.lay("client", {"gpt": {"model": ""}}).config.gpt_model == "flag"
    assert ServerSettings({"gpt.model": "file"}).lay("client", {"gpt": {"model": ""}}).config.gpt_model == ""
