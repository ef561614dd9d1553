"""No secret leaves this machine, whatever kind of server is asked and wherever the cursor stands."""

from __future__ import annotations

import json
import sys

import pytest

from fim_lsp.backends import create
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.context.index import Workspace
from fim_lsp.domain import Cancel, FimRequest, GenerationLimits, Outcome, Snapshot, Snippet
from fim_lsp.errors import RemoteFault
from fim_lsp.lsp.trace import Trace
from fim_lsp.pipeline.completer import Completer
from fim_lsp.privacy.outbound import WITHIN, without_secrets
from fim_lsp.settings import Config
from tests.http_server import serving
from tests.picture import draw
from tests.unit.backends.remote.scripted_server import ANSWER, ScriptedServer, says, stream
from tests.unit.backends.remote.test_faults import completer
from tests.unit.privacy.planted import BODY, PATTERNS, leaked, planted, workspace

SECRETS = planted(500)
ANSWERS = {"openai": ANSWER, "infill": stream(b'data: {"content": "a * b", "stop": true}\n\n')}


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)


def request(prefix: str, suffix: str = "\n", *snippets: Snippet) -> FimRequest:
    return FimRequest((prefix, suffix), GenerationLimits(), snippets, "python", "a.py")


@pytest.mark.parametrize("kind", ["openai", "infill"])
def test_of_five_hundred_secrets_around_the_cursor_a_server_sees_none(tmp_path, kind):
    found = Workspace.of(workspace(tmp_path / "w", SECRETS), patterns=PATTERNS)
    blocks = [(one.text, *BODY.format(n=n).split("\n")[:2], "    x = ", "") for n, one in enumerate(SECRETS)]
    lines = [line for block in blocks for line in block]
    asked = 0
    with ScriptedServer(says(ANSWERS[kind])) as server:
        config = Config(backend="remote", remote_url=server.url, remote_kind=kind, deadline_ms=20_000)
        asking = Completer(config, create, workspace=found)
        for at in range(3, len(lines), 5 * 12):
            before, after = "\n".join(lines[: at + 1]), "\n".join(lines[at + 1 :])
            snap = Snapshot("file:///w/here.py", at, "python", f"{before}\n{after}", len(before), path="here.py")
            outcome = asking.complete(snap, Cancel())
            assert outcome.backend == "remote", outcome
            asked += 1
        sent = "".join(one.body + one.path + str(one.headers) for one in server.received)
    assert asked == len(server.received) > 40
    assert sent.count("xxxxxxxx") > 500
    assert ('"filename": "lib/m' in sent) == (kind == "infill")
    assert leaked(SECRETS, sent) == []


@pytest.mark.parametrize(
    "text",
    [
        'password = "hun║ter2"\n',
        'password = "hunter2║\n',
        'api_key = "║\n',
        'key = "ghp_abcdefghij║klmnopqrstuvwxyz0123456789"\n',
        'x = connect("postgres://me:hunter2║@host")\n',
    ],
)
def test_where_the_cursor_stands_within_a_secret_no_server_is_asked(text):
    prefix, suffix = text.split("║")
    if "api_key" in text:  # nothing is there yet
        assert without_secrets(request(prefix, suffix)).segments == (prefix, suffix)
        return
    with pytest.raises(RemoteFault, match=WITHIN):
        without_secrets(request(prefix, suffix))


def test_a_model_of_this_machine_answers_there():
    with ScriptedServer(says(ANSWER)) as server:
        asking = completer(server.url)
        snap = draw('password = "hunter2x9" ║')
        told = asking.complete(draw('password = "hunter2x9║'), Cancel())
        assert (told.backend, server.received) == ("gpt", [])
        assert WITHIN in told.why
        assert asking.complete(snap, Cancel()).backend == "remote"  # the server is not left alone for it


def test_a_value_on_the_other_side_of_the_cursor_is_masked_by_its_name():
    shown = without_secrets(request("x = 1\npassword = ", '"hunter2"\n'))
    assert shown.segments == ("x = 1\npassword = ", '"xxxxxxxx"\n')


def test_a_key_that_the_window_cuts_is_masked():
    (pem,) = [one for one in planted(60) if one.kind == "pem"][:1]
    half = len(pem.text) // 2
    shown = without_secrets(request(pem.text[half:] + "\nx = ", "\n" + pem.text[:half]))
    assert leaked([pem], "".join(shown.segments)) == []


def test_a_trace_with_text_has_no_secrets(tmp_path):
    trace = Trace(tmp_path / "trace", with_text=True)
    for one in SECRETS:
        if "\n" not in one.text:
            trace.write("m", Snapshot("u", 0, "python", one.text, len(one.text)), Outcome(), Cancel())
    assert "xxxxxxxx" in (tmp_path / "trace").read_text()
    assert leaked(SECRETS, (tmp_path / "trace").read_text()) == []


def test_what_an_http_client_sends_of_other_files_is_masked_and_secret_files_are_refused():
    backend = FakeBackend("alpha")
    extra = [{"filename": f"m{n}.py", "text": one.text} for n, one in enumerate(SECRETS[:8])]
    extra.append({"filename": "deploy/.env", "text": "phrase of a file"})
    ask = {"input_prefix": "x = ", "input_suffix": "\n", "input_extra": extra, "prompt": "", "language": "python"}
    with serving(backend) as server:
        assert server.ask("/infill", ask | {"n_predict": 8}).status == 200
        shown = json.dumps([[one.text for one in asked.snippets] for asked in backend.requests])
        assert "xxxxxxxx" in shown
        assert leaked(SECRETS[:8], shown) == []
        assert "phrase of a file" not in shown
        count = len(backend.requests)
        named = "<|file_sep|>deploy/.env\n<|fim_prefix|>A=1\nB=<|fim_suffix|>\n<|fim_middle|>"
        server.ask("/v1/completions", {"prompt": named, "language": "python"})
        assert len(backend.requests) == count
