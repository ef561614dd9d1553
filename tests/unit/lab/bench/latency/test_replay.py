"""A trace through an editor that shows what it was told to, through the real server, and through a llama-server."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fim_lsp.errors import InputError
from fim_lsp.lab.bench.latency import figures, probes, show, theirs
from fim_lsp.lab.bench.latency.editor import Ask, Change, Ghost, Typist
from fim_lsp.lab.bench.latency.ours import LspTypist, position
from fim_lsp.lab.bench.latency.replay import fitting, replay
from fim_lsp.lab.bench.latency.theirs import LlamaTypist
from fim_lsp.lab.bench.latency.traces import Edit, Trace
from tests.unit.lab.bench.latency import scripted_llama

FAKE_SERVER = Path(__file__).parents[4] / "fake_server.py"
FAST = 1000.0


@dataclass(frozen=True)
class Written(Trace):
    """A trace of a text given outright."""

    text: str = ""

    @property
    def final(self) -> str:
        return self.text


def trace(text: str, *wanted: str, slips: dict[int, str] | None = None) -> Written:
    """Return a trace that writes each of these, slips in the first of them."""
    edits = []
    for number, one in enumerate(wanted):
        start = text.index(one)
        edits.append(Edit(start, start + len(one), 10, (100,) * len(one), (slips or {}) if not number else {}))
    return Written("t", (), "", tuple(edits), text)


def inserting(text: str, cursor: int) -> Ghost:
    whole = Change(cursor, cursor, text)
    return Ghost(text, whole, Change(cursor, cursor, text.split("\n")[0]), Change(cursor, cursor, text.split(" ")[0]))


@dataclass
class Shows(Typist):
    """An editor that at once shows what `says` has for the text left of the cursor."""

    says: dict[str, str] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def cpu_s(self) -> float:
        return 0.0

    def _opened(self) -> None:
        self.opened.append(self.document)

    def _ask(self, before, change) -> None:
        left = self.document[: self.cursor]
        text = next((said for end, said in self.says.items() if left.endswith(end)), "")
        self.answer(self.began - 10, inserting(text, self.cursor) if text else None, False)  # seen for long enough

    def _cancel(self) -> None:
        pass

    def _take(self, stamp, event) -> None:
        pass

    def _is_busy(self) -> bool:
        return False


TEXT = "def add(first, second):\n    return first + second\n\nprint(add(1, 2))\n"


def test_a_trace_ends_in_its_text_whatever_is_shown():
    for says in (
        {},
        {"ret": "urn first + second"},
        {"ret": "urn None"},
        {"return ": "first"},
        {" + ": "second\n\nprint"},
    ):
        typist = Shows("shows", says=says)
        replay(trace(TEXT, "return first + second", "add(1, 2)", slips={3: "xy"}), typist, FAST)
        assert typist.document == TEXT, says
        assert typist.opened == ["def add(first, second):\n    \n\nprint()\n"]


def test_what_fits_is_accepted_and_counted():
    typist = Shows("shows", says={"ret": "urn first + second"})
    done = replay(trace(TEXT, "return first + second"), typist, FAST)
    assert (done.accepted_chars, done.accepts, done.typed_chars) == (18, 1, 3)
    assert [ask.kind for ask in typist.asks] == ["jump", "key", "key", "key", "accept"]


def test_slips_are_taken_back():
    typist = Shows("shows")
    replay(trace(TEXT, "add(1, 2)", slips={2: "x"}), typist, FAST)
    assert [ask.kind for ask in typist.asks].count("backspace") == 1


@pytest.mark.parametrize(
    ("shown", "gained"),
    [
        ("first + second", 14),
        ("first + third", 5),  # its first word
        ("first + second\n    more", 14),  # its first line
        ("fir", 0),  # ends within a word
        ("second", 0),
        ("first + second)", 5),
    ],
)
def test_the_greatest_part_that_fits_is_taken(shown, gained):
    document = "    return \n"
    change = fitting(inserting(shown, 11), document, "first + second", 0, 11)
    assert (len(change.apply(document)) - len(document) if change else 0) == gained


def test_what_a_suggestion_covers_is_not_counted():
    document = "print()\n"
    ghost = Ghost("a)", Change(6, 7, "ab)"), Change(6, 6, ""), Change(6, 6, ""))
    change = fitting(ghost, document, "ab", 0, 6)
    assert len(change.apply(document)) - len(document) == 2


def test_a_text_typed_along_has_been_seen_since_it_first_came():
    typist = Shows("shows")
    typist.open("t", "x = \n")
    typist.press("jump", 4)
    typist.answer(5.0, inserting("one", 4), False)
    typist.says = {"x = o": "ne"}
    seen = typist.seen_at
    typist.press("key", 5, Change(4, 4, "o"))
    assert (typist.ghost.shown, typist.seen_at) == ("ne", seen)
    typist.says = {"x = on": "to"}
    typist.press("key", 6, Change(5, 5, "n"))
    assert typist.ghost.shown == "to" and typist.seen_at != seen


# -- the real server around a scripted backend ------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path):
    command = [sys.executable, str(FAKE_SERVER), "--texts", '["return first + second"]']
    typist = LspTypist("fim-lsp", command=command, trace_file=tmp_path / "trace.jsonl", settings={"backend": "gpt"})
    typist.launch()
    typist.until_ready()
    yield typist
    typist.close()
    assert b"Traceback" not in typist.link.complaints


@dataclass
class Patient:
    """Rest until all is answered, so that what happens does not depend on how quick a machine is."""

    typist: Typist

    def __call__(self, seconds: float) -> None:
        Typist.rest(self.typist, 0.0)
        while self.typist._is_busy() and self.typist.asks[-1].answered_ms is None:
            Typist.rest(self.typist, 0.005)
        self.typist.seen_at -= 10.0


def test_the_server_is_typed_into(ours):
    ours.rest = Patient(ours)
    done = replay(trace(TEXT, "return first + second"), ours, FAST)
    assert ours.document == TEXT
    assert (done.accepted_chars, done.accepts) == (21, 1)
    figures.attribute(ours.asks, probes.traced(ours.trace_file))
    entry = figures.sum_up("fim-lsp", ours.asks, [done], {"decoded": 3})
    assert entry["requests"] == 2 and entry["answered"] == 2
    assert (entry["accepted_chars"], entry["tokens"]["steps"]) == (21, 3)


def test_typing_along_is_answered_without_the_model(ours):
    ours.rest = Patient(ours)
    ours.open("t", "def f():\n    \n")
    ours.press("jump", 13)
    ours.rest(0)
    ours.press("key", 14, Change(13, 13, "r"))
    assert ours.ghost.shown == "eturn first + second", "shown before the server has answered"
    ours.rest(0)
    assert (ours.asks[-1].text, ours.document) == ("eturn first + second", "def f():\n    r\n")


def test_an_overtaken_request_is_cancelled_and_told(tmp_path):
    command = [sys.executable, str(FAKE_SERVER), "--step-s", "0.05"]
    typist = LspTypist("fim-lsp", command=command, trace_file=tmp_path / "trace.jsonl", settings={"backend": "gpt"})
    typist.launch()
    typist.until_ready()
    typist.open("t", "x = \n")
    typist.press("jump", 4)
    notify, sent = typist.link.notify, []
    typist.link.notify = lambda method, params: (sent.append((method, params)), notify(method, params))
    overtaken = typist.waiting
    typist.press("key", 5, Change(4, 4, "1"))
    assert [params["id"] for method, params in sent if method == "$/cancelRequest"] == [overtaken]
    typist.settle()
    assert not typist.under_way, "the cancelled one is answered too"
    typist.close()
    first, last = typist.asks
    assert first.answered_ms is None and first.given_up_ms is not None
    assert last.answered_ms is not None


def test_positions_count_in_utf_16():
    assert position("a\n😀b", 4) == {"line": 1, "character": 3}


# -- llama-server -----------------------------------------------------------------------------------------------


def test_llama_server_is_typed_into():
    wanted = "return first + second"

    def say(body):
        typed = body["prompt"].strip()  # nothing on a blank line: the answer brings the indentation
        rest = wanted[len(typed) :] if wanted.startswith(typed) and body["input_suffix"].startswith("\n") else ""
        return rest if body["prompt"] else "    " + rest

    with scripted_llama.serving(say) as (address, bodies):
        typist = LlamaTypist("llama-server", address=address)
        typist.rest = Patient(typist)
        done = replay(trace(TEXT, wanted), typist, FAST)
        typist.rest = lambda seconds: Typist.rest(typist, seconds)
        typist.settle()
    assert typist.document == TEXT
    assert (done.accepted_chars, done.accepts) == (21, 1)
    assert typist.tokens["prefilled"] == 3 * len(bodies) and typist.tokens["reused"] == 7 * len(bodies)
    assert [body["t_max_predict_ms"] for body in bodies[:2]] == [250, 1000], "then what comes after accepting"


def test_llama_vim_shows_what_it_keeps_at_once_and_asks_one_at_a_time():
    with scripted_llama.serving(lambda body: "one + two" if body["prompt"] == "x = " else "") as (address, _):
        typist = LlamaTypist("llama-server", address=address)
        typist.open("t", "x = \n")
        typist.press("jump", 4)
        typist.press("key", 5, Change(4, 4, "o"))  # no answer yet: the request goes on
        assert typist.job is not None and typist.asks[0].given_up_ms is not None
        typist.settle()
        assert typist.asks[1].text == "ne + two", "the answer to the key before, typed along"
        assert typist.asks[1].reached_model
        typist.press("key", 6, Change(5, 5, "n"))
        assert (typist.asks[2].text, typist.asks[2].reached_model) == ("e + two", False)
        typist.settle()


def test_much_right_of_the_cursor_is_not_asked():
    with scripted_llama.serving(lambda body: "x") as (address, bodies):
        typist = LlamaTypist("llama-server", address=address)
        typist.open("t", "f(, something_long)\n")
        typist.press("jump", 2)
        typist.settle()
    assert not bodies
    assert (typist.asks[0].text, typist.asks[0].reached_model) == ("", False)


def test_a_llama_server_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        theirs.find_server(tmp_path / "llama-server")


# -- sums -------------------------------------------------------------------------------------------------------


def ask(answered=None, given_up=None, text="", reached=None) -> Ask:
    return Ask("t", "key", 0, 0, answered, given_up, text, reached)


def test_an_empty_answer_is_not_an_answer_without_the_model():
    asks = [ask(1.0, text="a", reached=False), ask(1.0, reached=False), ask(50.0, text="b", reached=True), ask(None, 9)]
    entry = figures.sum_up("x", asks, [], {})
    assert (entry["without_model_percent"], entry["text_without_model_percent"]) == (25.0, 50.0)
    assert (entry["answered"], entry["answered_with_text"], entry["superseded_percent"]) == (3, 2, 25.0)
    assert entry["reached_model_ms"]["p50"] == 50.0
    assert entry["cpu_s_per_accepted_char"] is None


def test_overtaken_requests_count_as_taking_longer_than_they_were_waited_for():
    quick = [ask(float(ms)) for ms in range(1, 101)]
    assert figures.estimate(quick)["p50"] == 50.0
    overtaken = [*quick, *(ask(None, 10.0) for _ in range(100))]
    found = figures.estimate(overtaken)
    assert found["p50"] > 50 > figures.estimate(quick)["p50"] - 1
    untold = figures.estimate([ask(None, 10.0), ask(5.0)])
    assert (untold["p95"], untold["longest"]) == (None, 10.0)


def test_ratios_are_ours_over_theirs():
    one = figures.sum_up("a", [ask(10.0, text="x", reached=True)], [], {"prefilled": 5, "decoded": 2})
    two = figures.sum_up("b", [ask(40.0, text="x", reached=True)], [], {"prefilled": 10, "decoded": 4})
    found = figures.ratios(one, two)
    assert (found["p50_all"], found["prefilled"], found["steps"]) == (0.25, 0.5, 0.5)


def test_a_percentile_nobody_was_waited_for_bounds_the_ratio():
    ours = figures.sum_up("a", [ask(10.0, text="x", reached=True)], [], {})
    theirs = figures.sum_up("b", [ask(5.0), ask(None, 40.0)], [], {})
    found = figures.ratios(ours, theirs)
    assert (found["p95_estimated"], found["p95_estimated_at_most"]) == (None, 0.25)
    assert show._ratio(found, "p95_estimated") == "< 0.25"
    assert show._estimated(theirs, "p95") == "> 40"
    assert found["accepted_chars"] is None
