"""The endpoint as a stranger, a careless client and many clients at once find it."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.errors import ModelMissing
from fim_lsp.http import app, decoder
from fim_lsp.http import body as bodies
from tests.http_server import TOKEN, serving, until

PATH = "/v1/completions"
ASK = {"prompt": "total = ", "suffix": "\nprint(total)\n", "language": "python"}


@pytest.fixture(scope="module")
def server():
    with serving(FakeBackend("alpha + beta", "gamma", "delta")) as running:
        yield running


def text(answer) -> str:
    return answer.json["choices"][0]["text"]


def test_the_answer_has_the_published_shape(server):
    answer = server.ask(PATH, ASK | {"prompt": "first = "}).json
    made = {key: answer.pop(key) for key in ("id", "created")}
    assert made["id"].startswith("cmpl-") and made["created"] > 1_700_000_000
    assert answer == {
        "object": "text_completion",
        "model": "fim-lsp",
        "choices": [{"index": 0, "text": "alpha + beta", "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 4, "total_tokens": 4},
    }


def test_a_stream_ends_with_what_it_took_where_that_is_wanted(server):
    asked = ASK | {"prompt": "streamed = ", "stream": True, "stream_options": {"include_usage": True}}
    *_, usage, done = server.ask(PATH, asked).events
    assert (usage["choices"], usage["usage"]["completion_tokens"], done) == ([], 4, "[DONE]")


LIMITS = {
    "few tokens": ({"max_tokens": 2}, "alpha ", "length"),
    "none": ({"max_tokens": 0}, "", "stop"),
    "a stop": ({"stop": "+"}, "alpha ", "stop"),
    "the earliest of several": ({"stop": ["beta", "ha"]}, "alp", "stop"),
}


@pytest.mark.parametrize(("limits", "said", "finish"), LIMITS.values(), ids=LIMITS)
def test_limits_are_kept(server, limits, said, finish):
    choice = server.ask(PATH, ASK | limits).json["choices"][0]
    assert (choice["text"].rstrip(), choice["finish_reason"]) == (said.rstrip(), finish)


def test_several_choices_are_several(server):
    choices = server.ask(PATH, ASK | {"n": 2}).json["choices"]
    assert [(one["index"], one["text"]) for one in choices] == [(0, "alpha + beta"), (1, "gamma")]


def test_what_covers_the_rest_of_the_line_is_only_inserted():
    with serving(FakeBackend("a, b):")) as running:
        answer = running.ask(PATH, {"prompt": "def f(", "suffix": ")", "language": "python"})
        assert text(answer) == "a, b"


def test_line_breaks_are_the_documents_own():
    with serving(FakeBackend("\n    a()\n    b()")) as running:
        asked = {"prompt": "x = 1\r\ndef f():", "suffix": "\r\n", "language": "python"}
        assert text(running.ask(PATH, asked)) == "\r\n    a()\r\n    b()"


def test_nothing_to_suggest_is_an_empty_text(server):
    choice = server.ask(PATH, {"prompt": "wo", "suffix": "rd"}).json["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("", "stop")


def test_models_and_health(server):
    assert [one["id"] for one in server.ask("/v1/models").json["data"]] == ["fim-lsp"]
    assert server.ask("/health", token=None).json == {"status": "ok"}


@pytest.mark.parametrize("path", [PATH, "/infill", "/completion", "/v1/models", "/elsewhere"])
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", "tökén"], ids=str)
def test_a_stranger_is_refused(server, path, token):
    answer = server.ask(path, ASK, token=token and token.encode("latin-1").decode("latin-1"))
    assert answer.status == 401
    assert answer.json["error"]["code"] == "invalid_api_key"
    assert TOKEN not in answer.raw


HOSTS = {
    "localhost": 200,
    "localhost:8012": 200,
    "127.0.0.1:8012": 200,
    "[::1]:8012": 200,
    "192.168.1.5": 200,
    "evil.example": 403,
    "localhost.evil.example:8012": 403,
    "127.0.0.1.evil.example": 403,
    "": 403,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_a_name_of_a_strangers_is_refused(server, host, status):
    answer = server.ask("/health", Host=host)
    assert answer.status == status
    assert status == 200 or answer.json["error"]["code"] == "wrong_host"


def test_a_page_in_a_browser_may_read_nothing(server):
    asked = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    before = server.ask(PATH, method="OPTIONS", token=None, **asked)
    after = server.ask(PATH, ASK, Origin="https://evil.example")
    assert before.status == 401
    for answer in (before, after):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


WRONG = {
    "no JSON": (b"{", None),
    "no UTF-8": (b'{"prompt": "\xff"}', None),
    "no object": ([], None),
    "a deep one": (b"[" * 100_000, None),
    "nothing": (b"", None),
    "no prompt": ({}, "prompt"),
    "token ids": ({"prompt": [1, 2]}, "prompt"),
    "several prompts": ({"prompt": ["a", "b"]}, "prompt"),
    "a suffix of another kind": ({"prompt": "", "suffix": 1}, "suffix"),
    "half a token": ({"prompt": "", "max_tokens": 1.5}, "max_tokens"),
    "endless tokens": (b'{"prompt": "", "max_tokens": 1e999}', "max_tokens"),
    "true tokens": ({"prompt": "", "max_tokens": True}, "max_tokens"),
    "a stop of another kind": ({"prompt": "", "stop": [1]}, "stop"),
    "a stream of another kind": ({"prompt": "", "stream": "yes"}, "stream"),
}


@pytest.mark.parametrize(("body", "param"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(server, body, param):
    answer = server.ask(PATH, body)
    error = answer.json["error"]
    assert (answer.status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert error["message"]


@pytest.mark.parametrize(("has", "lacks"), [("input_prefix", "input_suffix"), ("input_suffix", "input_prefix")])
def test_an_infill_without_its_two_sides_is_refused(server, has, lacks):
    answer = server.ask("/infill", {has: "a"})
    assert (answer.status, answer.json["error"]["param"]) == (400, lacks)


@pytest.mark.parametrize(("path", "method", "status"), [("/nowhere", "POST", 404), (PATH, "GET", 405)])
def test_a_wrong_path_is_told_in_the_same_shape(server, path, method, status):
    answer = server.ask(path, ASK if method == "POST" else None, method=method)
    assert answer.status == status
    assert answer.json["error"]["message"].startswith(f"{method} {path}")


def test_a_huge_body_is_refused_before_it_is_read(server):
    answer = server.ask(PATH, b" ", Content_Length=str(bodies.MOST_BYTES + 1))
    assert answer.status == 413


def test_a_huge_body_that_does_not_say_so_is_refused(server, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_BYTES", 100)
    chunked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    chunked.request("POST", PATH, iter([b" " * 60] * 2), {"Authorization": f"Bearer {TOKEN}"}, encode_chunked=True)
    assert chunked.getresponse().status == 413
    chunked.close()


def test_a_huge_document_is_refused(server, monkeypatch):
    monkeypatch.setattr(app, "MOST_CHARS", 20)
    assert server.ask(PATH, {"prompt": "x" * 10, "suffix": "y" * 10}).status == 200
    assert server.ask(PATH, {"prompt": "x" * 10, "suffix": "y" * 11}).status == 413


def test_a_missing_model_is_told():
    backend = FakeBackend("x")
    with serving(backend) as running:

        def fail(*args):
            raise ModelMissing("no weights here: put some")

        backend.generate = fail
        answer = running.ask(PATH, ASK)
        assert (answer.status, answer.json["error"]["code"]) == (503, "model_unavailable")
        assert "put some" in answer.json["error"]["message"]


def test_a_failure_of_our_own_is_told_without_its_inside():
    backend = FakeBackend("x")
    with serving(backend) as running:
        backend.generate = None
        answer = running.ask(PATH, ASK)
        assert (answer.status, answer.json["error"]["type"]) == (500, "server_error")
        assert "NoneType" not in answer.raw
        del backend.generate
        assert running.ask(PATH, ASK).status == 200


LONG = "".join(f"name_{n}, " for n in range(40))


def test_a_client_that_leaves_ends_its_request():
    backend = FakeBackend(LONG, step_s=0.05)
    with serving(backend) as running:
        connection = running.begin(PATH, ASK)
        until(lambda: backend.steps)
        connection.close()
        assert running.ask(PATH, ASK | {"prompt": "other = ", "max_tokens": 2}).status == 200
        assert backend.steps < 40


def test_a_client_that_leaves_the_queue_costs_nothing():
    backend = FakeBackend(LONG, step_s=0.02)
    with serving(backend) as running:
        first = running.begin(PATH, ASK)
        until(lambda: backend.steps)
        running.begin(PATH, ASK | {"prompt": "second = "}).close()
        assert running.ask(PATH, ASK | {"prompt": "third = ", "max_tokens": 1}).status == 200
        first.close()
        assert [request.segments[0] for request in backend.requests] == ["total = ", "third = "]


def test_many_clients_are_answered_one_at_a_time():
    class Counted(FakeBackend):
        running, most = 0, 0

        def _drafts(self, *args):
            self.running += 1
            self.most = max(self.most, self.running)
            yield from super()._drafts(*args)
            self.running -= 1

    backend = Counted("alpha + beta", step_s=0.005)
    with serving(backend) as running, ThreadPoolExecutor(12) as clients:
        answers = clients.map(lambda n: running.ask(PATH, ASK | {"prompt": f"name_{n} = "}), range(24))
        assert [text(answer) for answer in answers] == ["alpha + beta"] * 24
    assert (len(backend.requests), backend.most) == (24, 1)


def test_a_queue_that_is_full_says_so(monkeypatch):
    monkeypatch.setattr(decoder, "MOST_WAITING", 1)
    backend = FakeBackend(LONG, step_s=0.05)
    with serving(backend) as running:
        first = running.begin(PATH, ASK)
        until(lambda: backend.steps)
        answer = running.ask(PATH, ASK)
        first.close()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_an_end_under_way_leaves_no_thread():
    before = {*threading.enumerate()}
    with serving(FakeBackend(LONG, step_s=0.02)) as running:
        connection = running.begin(PATH, ASK)
        until(lambda: running.backend.steps)
        assert {*threading.enumerate()} - before
    connection.close()
    until(lambda: {*threading.enumerate()} <= before)
