"""Every setting, its default, what it accepts and what it does: the one source for server, editors and docs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fim_lsp.editor_settings import EDITOR_SETTINGS
from fim_lsp.errors import ConfigError
from fim_lsp.kinds import FLAG, PATTERNS, TEXT, WORDS, Kind, Setting, either, one_of, whole, words_by_name
from fim_lsp.languages.known import ids
from fim_lsp.sentinels import PUBLISHED

SECTION = "fimLsp"
BACKEND_CHOICES = ("auto", "gpt", "bert", "remote")
REMOTE_KINDS = ("auto", "openai", "infill", "mistral", "deepseek")
REMOTE_FORMATS = ("suffix", *PUBLISHED)


def _setting(key: str, default: Any, doc: str, kind: Kind, **marks: Any) -> Any:
    metadata = {"setting": Setting(key, default, doc, kind, **marks)}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """The settings of section `fimLsp`; a dot in a key is a level of nesting."""

    backend: str = _setting(
        "backend",
        "auto",
        "Which model family completes: `auto` picks one of this machine's per request, `gpt` is the decoder, `bert` "
        "the infiller, `remote` the server at `remote.url`.",
        one_of(*BACKEND_CHOICES),
        is_trusted=True,
    )
    backend_by_language: Mapping[str, str] = _setting(
        "backendByLanguage",
        {},
        "`backend` for some languages only, by language id.",
        words_by_name("a mapping from language ids to", *BACKEND_CHOICES),
        is_trusted=True,
    )
    gpt_model: str = _setting(
        "gpt.model",
        "",
        "Folder of a decoder (docs/models.md: which), or a name of `fim-lsp models list`; empty: the shipped decoder.",
        TEXT,
        is_trusted=True,
    )
    gpt_bits: int = _setting(
        "gpt.bits",
        8,
        "Bits of a weight in memory, of a folder that `gpt.model` names. 4 takes half the memory and decodes a large "
        "model faster; a small one answers worse. The shipped decoder and what `fim-lsp models` added have their own.",
        either(8, 4),
    )
    gpt_cache_mb: int = _setting(
        "gpt.cacheMegabytes",
        64,
        "Memory for what the decoder keeps of places it has read, so that coming back to one costs nothing. "
        "One place is always kept.",
        whole(1, 16_384),
    )
    adapter: str = _setting(
        "adapter",
        "auto",
        "Use what `fim-lsp adapt` learnt of a repository in that repository: `auto` where it helped, `off` nowhere.",
        one_of("auto", "off"),
    )
    bert_model: str = _setting(
        "bert.model", "", "Folder of a masked-span infiller; empty means the shipped one.", TEXT, is_trusted=True
    )
    remote_url: str = _setting(
        "remote.url",
        "",
        "Address of the server that `backend: remote` asks, as `http://localhost:8080`. The text around the cursor is "
        "sent there and nowhere else.",
        TEXT,
        is_machine=True,
    )
    remote_kind: str = _setting(
        "remote.kind",
        "auto",
        "How the server is asked: `openai` is `/v1/completions`, `infill` llama-server's own; `auto` goes by the "
        "address.",
        one_of(*REMOTE_KINDS),
        is_machine=True,
    )
    remote_model: str = _setting(
        "remote.model", "", "Name of the model, as the server knows it.", TEXT, is_machine=True
    )
    remote_format: str = _setting(
        "remote.format",
        "suffix",
        "How an `openai` server is told what stands right of the cursor: in the parameter `suffix`, or within the "
        "prompt, in the format of a published model.",
        one_of(*REMOTE_FORMATS),
        is_machine=True,
    )
    remote_key_variable: str = _setting(
        "remote.keyVariable",
        "",
        "Environment variable that holds the server's key; empty means the publisher's usual one, else "
        "`FIM_LSP_API_KEY`, else the system's keyring.",
        TEXT,
        is_machine=True,
    )
    deadline_ms: int = _setting(
        "deadlineMs",
        1500,
        "Milliseconds a request may take; at the deadline the best text so far is shown. "
        "A request made by hand may take three times as long.",
        whole(50, 60_000),
    )
    max_lines: int = _setting("maxLines", 12, "Most lines one suggestion may have; 1 keeps to one line.", whole(1, 64))
    trigger: str = _setting(
        "trigger",
        "automatic",
        "`automatic` suggests while typing, `manual` only when asked.",
        one_of("automatic", "manual"),
    )
    languages: tuple[str, ...] = _setting("languages", ids(), "Language ids to complete in.", WORDS)
    word_fallback: bool = _setting(
        "wordFallback",
        True,
        "Where no model is sure of anything, show the rest of a word that the document has elsewhere.",
        FLAG,
        former="words",
    )
    workspace_enabled: bool = _setting(
        "workspace.enabled",
        True,
        "Show the model snippets of other files of the open folders, and keep an index of what they define, "
        "in the user's cache. What git ignores is left out.",
        FLAG,
    )
    workspace_most_files: int = _setting(
        "workspace.maxFiles",
        5000,
        "Most source files of a folder that are looked at, those of the outer folders first.",
        whole(1, 100_000),
    )
    exclude: tuple[str, ...] = _setting(
        "exclude",
        (),
        "Files in which nothing is suggested and of which nothing is read, as patterns in the syntax of `.gitignore`. "
        "A `.fimlspignore` in a folder adds to them, and files that hold secrets by their names are always left out.",
        PATTERNS,
        is_trusted=True,
    )
    exclude_ignored: bool = _setting(
        "excludeIgnored",
        False,
        "Suggest nothing in files that git ignores, either; what is shown of other files never comes from them.",
        FLAG,
        is_trusted=True,
    )
    look_ahead: bool = _setting(
        "lookAhead",
        True,
        "Use idle moments: work out what is likely asked for next, and read what was just typed. "
        "Any request ends that at once.",
        FLAG,
    )
    idle_unload_minutes: int = _setting(
        "idleUnloadMinutes",
        30,
        "Minutes without a request after which the models are unloaded, until the next request; 0 keeps them.",
        whole(0, 1440),
    )
    completion_fallback: bool = _setting(
        "completionFallback",
        False,
        "Offer `textDocument/completion` items also to editors that have inline completion.",
        FLAG,
    )
    metrics: bool = _setting(
        "metrics",
        True,
        "Count what was shown, taken and kept, for `fim-lsp stats`: numbers, languages and times in a file on this "
        "machine. No source text, no paths, and nothing is ever sent anywhere.",
        FLAG,
    )
    learn: bool = _setting(
        "learn",
        False,
        "Let what you take and what you leave move how sure a model must be to show something unasked. "
        "`fim-lsp stats` tells what was learnt, `fim-lsp stats --unlearn` takes it back.",
        FLAG,
        is_machine=True,
    )


@dataclass(frozen=True)
class Resolved:
    """Settings after all layers, where each came from, what was wrong on the way, and what has a new name."""

    config: Config
    sources: Mapping[str, str]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def settings() -> Iterable[tuple[str, Setting]]:
    """Yield (field name, setting) of every setting the server reads."""
    for f in fields(Config):
        yield f.name, f.metadata["setting"]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn {"gpt": {"model": x}} into {"gpt.model": x}; a setting that is a mapping stays one, a null says nothing."""
    whole = {setting.key for _, setting in settings() if isinstance(setting.default, Mapping)}
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and f"{prefix}{name}" not in whole:
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            flat[f"{prefix}{name}"] = value
    return flat


def _renamed(values: dict[str, Any], source: str, notes: list[str]) -> dict[str, Any]:
    """Put what stands under a former name under the present one, unless that says more than its default."""
    for setting in (setting for _, setting in settings() if setting.former in values):
        value = values.pop(setting.former)
        notes.append(f"{SECTION}.{setting.former} is called {SECTION}.{setting.key} now ({source})")
        if values.get(setting.key, setting.default) == setting.default:  # editors send defaults, too
            values[setting.key] = value
    return values


def resolve(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> Resolved:
    """Lay (source, values) layers over the defaults, later ones winning; bad values are named and passed over."""
    known = {setting.key: (name, setting) for name, setting in settings()}
    foreign = {setting.key for setting in EDITOR_SETTINGS}
    chosen: dict[str, Any] = {}
    sources = dict.fromkeys(known, "default")
    problems: list[str] = []
    notes: list[str] = []
    for source, values in layers:
        for key, value in _renamed(flatten(values), source, notes).items():
            if key in foreign:
                continue
            if key not in known:
                problems.append(f"{SECTION}.{key}: no such setting ({source}); it is ignored")
                continue
            name, setting = known[key]
            if not setting.kind.accepts(value):
                used = chosen.get(name, setting.default)
                problems.append(f"{SECTION}.{key} = {value!r} ({source}) is not {setting.kind.wanted}; using {used!r}")
                continue
            chosen[name] = tuple(value) if isinstance(value, list) else value
            sources[key] = source
    return Resolved(Config(**chosen), sources, tuple(problems), tuple(notes))


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
