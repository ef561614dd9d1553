"""Every setting, its default, what it accepts and what it does: the one source for server, editors and docs."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fim_lsp.errors import ConfigError

SECTION = "fimLsp"


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words and isinstance(value, str) else "one of " + ", ".join(words)


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _words(value: Any) -> str | None:
    good = isinstance(value, list | tuple) and all(isinstance(word, str) and word for word in value)
    return None if good else "a list of language names"


def _whole(low: int, high: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if good else f"a whole number from {low} to {high}"

    return check


def _setting(key: str, default: Any, doc: str, check: Callable[[Any], str | None]) -> Any:
    return field(default=default, metadata={"key": key, "doc": doc, "check": check})


@dataclass(frozen=True)
class Config:
    """The settings of section `fimLsp`; a dot in a key is a level of nesting."""

    backend: str = _setting(
        "backend",
        "auto",
        "Which model family completes: `auto` picks one per request, `gpt` is the decoder, `bert` the infiller.",
        _one_of("auto", "gpt", "bert"),
    )
    gpt_model: str = _setting(
        "gpt.model", "", "Folder of a Llama- or Qwen2-family safetensors model; empty means the shipped decoder.", _text
    )
    bert_model: str = _setting(
        "bert.model", "", "Folder of a masked-span infiller; empty means the shipped one.", _text
    )
    deadline_ms: int = _setting(
        "deadlineMs",
        1500,
        "Milliseconds a request may take; at the deadline the best text so far is shown. "
        "A request made by hand may take three times as long.",
        _whole(50, 60_000),
    )
    max_lines: int = _setting("maxLines", 12, "Most lines one suggestion may have; 1 keeps to one line.", _whole(1, 64))
    trigger: str = _setting(
        "trigger",
        "automatic",
        "`automatic` suggests while typing, `manual` only when asked.",
        _one_of("automatic", "manual"),
    )
    languages: tuple[str, ...] = _setting("languages", ("python",), "Language ids to complete in.", _words)
    completion_fallback: bool = _setting(
        "completionFallback",
        False,
        "Offer `textDocument/completion` items also to editors that have inline completion.",
        _flag,
    )


@dataclass(frozen=True)
class Resolved:
    """Settings after all layers, where each came from, and what was wrong on the way."""

    config: Config
    sources: Mapping[str, str]
    problems: tuple[str, ...]


def settings() -> Iterable[tuple[str, str, Any, str, Callable[[Any], str | None]]]:
    """Yield (field name, key, default, documentation, check) of every setting."""
    for f in fields(Config):
        yield f.name, f.metadata["key"], f.default, f.metadata["doc"], f.metadata["check"]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn {"gpt": {"model": x}} into {"gpt.model": x}; a null says nothing."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = value
    return flat


def resolve(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> Resolved:
    """Lay (source, values) layers over the defaults, later ones winning; bad values are named and passed over."""
    known = {key: (name, default, check) for name, key, default, _, check in settings()}
    chosen: dict[str, Any] = {}
    sources = dict.fromkeys(known, "default")
    problems: list[str] = []
    for source, values in layers:
        for key, value in flatten(values).items():
            if key not in known:
                problems.append(f"{SECTION}.{key}: no such setting ({source}); it is ignored")
                continue
            name, default, check = known[key]
            if (wanted := check(value)) is not None:
                used = chosen.get(name, default)
                problems.append(f"{SECTION}.{key} = {value!r} ({source}) is not {wanted}; using {used!r}")
                continue
            chosen[name] = tuple(value) if isinstance(value, list) else value
            sources[key] = source
    return Resolved(Config(**chosen), sources, tuple(problems))


def from_client(values: Any, source: str = "client") -> tuple[Config, list[str]]:
    """Read what an editor sent, bare or under the section's name; never raises."""
    resolved = resolve([(source, section_of(values))])
    return resolved.config, list(resolved.problems)


def section_of(values: Any) -> Mapping[str, Any]:
    """Return our section of what a client sent: a null or foreign value says nothing."""
    if not isinstance(values, Mapping):
        return {}
    inner = values.get(SECTION, values)
    return inner if isinstance(inner, Mapping) else {}


def read_file(path: Path) -> Mapping[str, Any]:
    """Read settings from TOML, bare or under [fimLsp]; raises ConfigError."""
    try:
        return section_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"settings file {path} does not exist; create it or drop --config") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"settings file {path} cannot be read: {problem}") from None


def settings_page() -> str:
    """Return docs/settings.md, made from the settings themselves."""
    rows = [f"| `{SECTION}.{key}` | `{_show(default)}` | {doc} |" for _, key, default, doc, _ in settings()]
    head = [
        "# Settings",
        "",
        "Generated by `make fix` from `fim_lsp/config.py`; edit there.",
        "",
        "Later ones win: defaults, `--config FILE` (TOML, keys as below without the section), `initializationOptions`,",
        "`workspace/configuration`. A null changes nothing; a bad value is named in a message and passed over.",
        "",
        "| key | default | what it does |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _show(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(list(default)).replace("'", '"') if isinstance(default, tuple) else f"{default}" or '""'
