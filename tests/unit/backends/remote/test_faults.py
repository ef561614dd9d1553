"""What a server may do to us: each fault ends in a local answer or a reason, in time, and nothing goes elsewhere."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time

import pytest

from fim_lsp.backends import create
from fim_lsp.backends.fake import FakeBackend
from fim_lsp.domain import Cancel, Outcome, Snapshot
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.unit.backends.remote.scripted_server import (
    ANSWER,
    DONE,
    EVENTS,
    JSON,
    OK,
    ScriptedServer,
    event,
    keeps_saying,
    keeps_silent,
    says,
    stream,
)

PATIENT_MS, SHORT_MS = 20_000, 1500  # for faults that show at once, and for those that only the deadline ends
LATE_S = 5.0  # a busy machine may be late by so much
LINE = "total = "


def status(line: str, *headers: str, body: str = "{}") -> bytes:
    lines = [f"HTTP/1.1 {line}", *headers, "Content-Type: application/json", "Connection: close", "", body]
    return "\r\n".join(lines).encode()


FAULTS = {
    "killed before the head": (says(), "connection broke"),
    "killed within the head": (says(b"HTTP/1.1 200 OK\r\nContent-"), "connection broke"),
    "killed within the stream": (says(stream(event("price"))), "broke off"),
    "killed within an event": (says(stream(b'data: {"choices": [{"te')), "broke off"),
    "too short for its length": (says(OK + JSON + b'Content-Length: 999\r\n\r\n{"choices": ['), "connection broke"),
    "not HTTP": (says(b"\x00\x01\x02 hello \r\n\r\n" * 9), "connection broke"),
    "a web page": (says(OK + b"Content-Type: text/html\r\n\r\n<html>Log in</html>"), "a web page"),
    "a picture": (says(OK + b"Content-Type: image/png\r\n\r\n\x89PNG"), "image/png"),
    "an empty stream": (says(stream()), "broke off"),
    "no answer at all": (says(OK + JSON + b"Content-Length: 0\r\n\r\n"), "not JSON"),
    "not JSON in an event": (says(stream(b"data: {oops\n\n")), "not JSON"),
    "broken event stream": (says(stream(b"{'choices': 1}\n\nfoo\r\rbar\n")), "broke off"),
    "another schema": (says(stream(b'data: {"response": "x", "done": false}\n\n')), "another schema"),
    "another type of text": (says(stream(b'data: {"choices": [{"text": 7}]}\n\n')), "another schema"),
    "an error in the stream": (says(stream(b'data: {"error": {"message": "out of memory"}}\n\n')), "out of memory"),
    "not UTF-8": (says(stream(b'data: {"choices": [{"text": "\xff\xfe"}]}\n\n')), "not UTF-8"),
    "not UTF-8, whole": (says(OK + JSON + b'\r\n{"choices": [{"text": "\xff"}]}'), "not UTF-8"),
    "compressed": (says(OK + EVENTS + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"), "compressed"),
    "a huge body": (says(OK + JSON + b"\r\n", *[b" " * 100_000] * 12), "longer than 1,000,000 bytes"),
    "a huge event": (says(stream(b"data: "), *[b"x" * 100_000] * 12), "1000000 byte"),
    "400": (says(status("400 Bad Request", body='{"message": "suffix is not\\u001b[31m supported"}')), "suffix is not"),
    "401": (says(status("401 Unauthorized")), "keyVariable"),
    "404": (says(status("404 Not Found")), "correct fimLsp.remote.url"),
    "429": (says(status("429 Too Many Requests", "Retry-After: 30")), "429 Too Many Requests"),
    "500": (says(status("500 Internal Server Error", body="<oops>")), "500 Internal Server Error"),
}

SILENCES = {
    "no first byte": keeps_silent,
    "head by drips": keeps_saying(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.02),
    "comments alone": keeps_saying(OK + EVENTS + b"\r\n", b": ping\n\n", 0.02),
    "pieces without text": keeps_saying(OK + EVENTS + b"\r\n", event(""), 0.02),
}


def completer(url: str, deadline_ms: int = PATIENT_MS, **settings: object) -> Completer:
    def make(family, wanted):
        if family == "remote":
            return create(family, wanted)
        backend = FakeBackend("local()")
        backend.name = family
        return backend

    made = Completer(Config(backend="remote", remote_url=url, deadline_ms=deadline_ms, **settings), make)
    made.router.loader.get("gpt")
    return made


def ask(it: Completer, cancel: Cancel | None = None) -> tuple[Outcome, float]:
    it.router.ready()  # as after the handshake
    began = time.monotonic()
    outcome = it.complete(Snapshot("u", 0, "python", LINE + "\n", len(LINE)), cancel or Cancel())
    return outcome, time.monotonic() - began


def shown(outcome: Outcome) -> list[str]:
    return [suggestion.text for suggestion in outcome.suggestions]


def test_a_server_that_answers():
    with ScriptedServer(says(ANSWER)) as server:
        outcome, _ = ask(completer(server.url))
        assert (shown(outcome), outcome.backend) == (["price * amount"], "remote")
        assert outcome.sent == {"127.0.0.1": len(server.received[0].body)}
        assert f"{len(server.received[0].body)} characters went to 127.0.0.1" in outcome.why


@pytest.mark.parametrize("script, reason", FAULTS.values(), ids=FAULTS)
def test_a_fault_ends_in_a_local_answer_that_says_so(script, reason):
    with ScriptedServer(script) as server:
        outcome, spent_s = ask(completer(server.url))
        assert (shown(outcome), outcome.backend) == (["local()"], "gpt")
        assert "127.0.0.1: " in outcome.why and reason in outcome.why
        assert "\x1b" not in outcome.why
        assert spent_s < LATE_S
        assert len(server.received) == 1  # what has begun to leave is not sent again
        assert sum(outcome.sent.values()) == len(server.received[0].body)


@pytest.mark.parametrize("script", SILENCES.values(), ids=SILENCES)
def test_a_silence_leaves_the_local_model_its_time(script):
    with ScriptedServer(script) as server:
        outcome, spent_s = ask(completer(server.url, SHORT_MS))
        assert (shown(outcome), outcome.backend) == (["local()"], "gpt")
        assert "127.0.0.1: it did not begin to answer in time, so gpt answers" in outcome.why
        assert spent_s < SHORT_MS / 1e3 + LATE_S
        assert server.closed.wait(10)


def test_a_redirect_to_another_host_is_not_followed():
    with ScriptedServer(says(ANSWER)) as other:
        there = other.url.replace("127.0.0.1", "localhost")
        for code in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            with ScriptedServer(says(status(code, f"Location: {there}/v1/completions"))) as server:
                outcome, _ = ask(completer(server.url))
                assert shown(outcome) == ["local()"]
                assert "redirects to localhost, which was not followed" in outcome.why
        assert other.received == []


def test_a_stream_without_end_is_left_once_there_is_enough():
    with ScriptedServer(keeps_saying(OK + EVENTS + b"\r\n", event("x" * 50), 0.005)) as server:
        outcome, _ = ask(completer(server.url))
        assert outcome.backend == "remote"
        assert server.closed.wait(10)


def test_a_slow_stream_is_shown_as_far_as_it_came():
    drips = keeps_saying(stream(event("price *")), event(" b"), 0.15)
    with ScriptedServer(drips) as server:
        outcome, _ = ask(completer(server.url, SHORT_MS))
        assert outcome.backend == "remote"
        assert shown(outcome)[0].startswith("price * b")
        assert outcome.suggestions[0].finish == "deadline"


def test_the_end_of_the_line_ends_the_stream():
    with ScriptedServer(keeps_saying(stream(event("price\nnext = ")), event("y"), 0.005)) as server:
        outcome, _ = ask(completer(server.url))
        assert (shown(outcome), outcome.backend) == (["price"], "remote")
        assert server.closed.wait(10)


def test_a_cancel_closes_the_connection():
    with ScriptedServer(keeps_saying(OK + EVENTS + b"\r\n", b": ping\n\n", 0.01)) as server:
        cancel = Cancel()

        def cancel_under_way() -> None:
            if server.arrived.wait(10):
                cancel.raise_for("superseded")

        threading.Thread(target=cancel_under_way, daemon=True).start()
        outcome, _ = ask(completer(server.url), cancel)
        assert (shown(outcome), outcome.reason) == ([], "superseded")
        assert server.closed.wait(10)


def test_a_certificate_that_nobody_signed_ends_it_before_anything_is_sent(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *subject]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with ScriptedServer(says(ANSWER), tls) as server:
        outcome, _ = ask(completer(server.url))
        assert shown(outcome) == ["local()"]
        assert "certificate cannot be verified, so nothing was sent" in outcome.why
        assert (server.received, outcome.sent) == ([], {})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no-such-host.invalid:8080"], ids=["refused", "no such name"]
)
def test_a_server_that_is_not_there(url):
    outcome, spent_s = ask(completer(url, SHORT_MS))
    assert shown(outcome) == ["local()"]
    assert "cannot be reached" in outcome.why or "did not begin" in outcome.why
    assert outcome.sent == {}
    assert spent_s < SHORT_MS / 1e3 + LATE_S


def test_where_nothing_local_is_ready_the_reason_is_told():
    with ScriptedServer(says(status("500 Internal Server Error"))) as server:
        it = completer(server.url)
        it.router.loader.unload()
        it.router.ready()
        outcome, _ = ask(it)
        assert (shown(outcome), outcome.reason) == ([], "127.0.0.1: it answers 500 Internal Server Error")


def test_a_server_that_fails_again_and_again_is_left_alone():
    with ScriptedServer(says(status("500 Internal Server Error"))) as server:
        it = completer(server.url, word_fallback=False)
        for _ in range(5):
            it.cache.clear()
            outcome, _ = ask(it)
            assert shown(outcome) == ["local()"]
        assert len(server.received) == 3
        assert "127.0.0.1 is left alone for" in outcome.why and "500" in outcome.why
        assert outcome.sent == {}


def test_one_that_asks_to_be_left_alone_is():
    with ScriptedServer(says(status("429 Too Many Requests", "Retry-After: 30"))) as server:
        it = completer(server.url)
        for _ in range(2):
            it.cache.clear()
            outcome, _ = ask(it)
        assert len(server.received) == 1
        assert "left alone for 30 s more" in outcome.why


def test_a_whole_answer_instead_of_a_stream_is_taken():
    with ScriptedServer(says(OK + JSON + b'\r\n{"choices": [{"text": "price", "finish_reason": "stop"}]}')) as server:
        outcome, _ = ask(completer(server.url))
        assert (shown(outcome), outcome.backend) == (["price"], "remote")


def test_what_ends_with_done_alone_is_whole():
    with ScriptedServer(says(stream(event("price"), DONE))) as server:
        outcome, _ = ask(completer(server.url))
        assert (shown(outcome), outcome.backend) == (["price"], "remote")
