"""A trace through an editor that shows what it was told to, through the real server, and through a llama-server."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fim_lsp.errors import InputError
from fim_lsp.lab.bench.latency import figures, llama_server, probes
from fim_lsp.lab.bench.latency.editor import Change, EditorSimulator, Ghost
from fim_lsp.lab.bench.latency.llama_server import LlamaEditor
from fim_lsp.lab.bench.latency.lsp_server import LspEditor, position
from fim_lsp.lab.bench.latency.replay import fitting, replay
from fim_lsp.lab.bench.latency.traces import Edit, TypingTrace
from tests.unit.lab.bench.latency import scripted_llama

FAKE_SERVER = Path(__file__).parents[4] / "fake_server.py"
FAST = 1000.0


@dataclass(frozen=True)
class Written(TypingTrace):
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
class Shows(EditorSimulator):
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
        editor = Shows("shows", says=says)
        replay(trace(TEXT, "return first + second", "add(1, 2)", slips={3: "xy"}), editor, FAST)
        assert editor.document == TEXT, says
        assert editor.opened == ["def add(first, second):\n    \n\nprint()\n"]


def test_what_fits_is_accepted_and_counted():
    editor = Shows("shows", says={"ret": "urn first + second"})
    done = replay(trace(TEXT, "return first + second"), editor, FAST)
    assert (done.accepted_chars, done.accepts, done.typed_chars) == (18, 1, 3)
    assert [ask.kind for ask in editor.asks] == ["jump", "key", "key", "key", "accept"]


def test_slips_are_taken_back():
    editor = Shows("shows")
    replay(trace(TEXT, "add(1, 2)", slips={2: "x"}), editor, FAST)
    assert [ask.kind for ask in editor.asks].count("backspace") == 1


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
    editor = Shows("shows")
    editor.open("t", "x = \n")
    editor.press("jump", 4)
    editor.answer(5.0, inserting("one", 4), False)
    editor.says = {"x = o": "ne"}
    seen = editor.seen_at
    editor.press("key", 5, Change(4, 4, "o"))
    assert (editor.ghost.shown, editor.seen_at) == ("ne", seen)
    editor.says = {"x = on": "to"}
    editor.press("key", 6, Change(5, 5, "n"))
    assert editor.ghost.shown == "to" and editor.seen_at != seen


@pytest.fixture
def lsp_editor(tmp_path):
    command = [sys.executable, str(FAKE_SERVER), "--texts", '["return first + second"]']
    editor = LspEditor("fim-lsp", command=command, trace_file=tmp_path / "trace.jsonl", settings={"backend": "gpt"})
    editor.launch()
    editor.until_ready()
    yield editor
    editor.close()
    assert b"Traceback" not in editor.link.complaints


@dataclass
class Patient:
    """Rest until all is answered, so that what happens does not depend on how quick a machine is."""

    editor: EditorSimulator

    def __call__(self, seconds: float) -> None:
        EditorSimulator.rest(self.editor, 0.0)
        while self.editor._is_busy() and self.editor.asks[-1].answered_ms is None:
            EditorSimulator.rest(self.editor, 0.005)
        self.editor.seen_at -= 10.0


def test_the_server_is_typed_into(lsp_editor):
    lsp_editor.rest = Patient(lsp_editor)
    done = replay(trace(TEXT, "return first + second"), lsp_editor, FAST)
    assert lsp_editor.document == TEXT
    assert (done.accepted_chars, done.accepts) == (21, 1)
    figures.attribute(lsp_editor.asks, probes.traced(lsp_editor.trace_file))
    entry = figures.sum_up("fim-lsp", lsp_editor.asks, [done], {"decoded": 3})
    assert entry["requests"] == 2 and entry["answered"] == 2
    assert (entry["accepted_chars"], entry["tokens"]["steps"]) == (21, 3)


def test_typing_along_is_answered_without_the_model(lsp_editor):
    lsp_editor.rest = Patient(lsp_editor)
    lsp_editor.open("t", "def f():\n    \n")
    lsp_editor.press("jump", 13)
    lsp_editor.rest(0)
    lsp_editor.press("key", 14, Change(13, 13, "r"))
    assert lsp_editor.ghost.shown == "eturn first + second", "shown before the server has answered"
    lsp_editor.rest(0)
    assert (lsp_editor.asks[-1].text, lsp_editor.document) == ("eturn first + second", "def f():\n    r\n")


def test_an_overtaken_request_is_cancelled_and_told(tmp_path):
    command = [sys.executable, str(FAKE_SERVER), "--step-s", "0.05"]
    editor = LspEditor("fim-lsp", command=command, trace_file=tmp_path / "trace.jsonl", settings={"backend": "gpt"})
    editor.launch()
    editor.until_ready()
    editor.open("t", "x = \n")
    editor.press("jump", 4)
    notify, sent = editor.link.notify, []
    editor.link.notify = lambda method, params: (sent.append((method, params)), notify(method, params))
    overtaken = editor.waiting
    editor.press("key", 5, Change(4, 4, "1"))
    assert [params["id"] for method, params in sent if method == "$/cancelRequest"] == [overtaken]
    editor.settle()
    assert not editor.under_way, "the cancelled one is answered too"
    editor.close()
    first, last = editor.asks
    assert first.answered_ms is None and first.given_up_ms is not None
    assert last.answered_ms is not None


def test_positions_count_in_utf_16():
    assert position("a\n😀b", 4) == {"line": 1, "character": 3}


def test_llama_server_is_typed_into():
    wanted = "return first + second"

    def say(body):
        typed = body["prompt"].strip()  # nothing on a blank line: the answer brings the indentation
        rest = wanted[len(typed) :] if wanted.startswith(typed) and body["input_suffix"].startswith("\n") else ""
        return rest if body["prompt"] else "    " + rest

    with scripted_llama.serving(say) as (address, bodies):
        editor = LlamaEditor("llama-server", address=address)
        editor.rest = Patient(editor)
        done = replay(trace(TEXT, wanted), editor, FAST)
        editor.rest = lambda seconds: EditorSimulator.rest(editor, seconds)
        editor.settle()
    assert editor.document == TEXT
    assert (done.accepted_chars, done.accepts) == (21, 1)
    assert editor.tokens["prefilled"] == 3 * len(bodies) and editor.tokens["reused"] == 7 * len(bodies)
    assert [body["t_max_predict_ms"] for body in bodies[:2]] == [250, 1000], "then what comes after accepting"


def test_llama_vim_shows_what_it_keeps_at_once_and_asks_one_at_a_time():
    with scripted_llama.serving(lambda body: "one + two" if body["prompt"] == "x = " else "") as (address, _):
        editor = LlamaEditor("llama-server", address=address)
        editor.open("t", "x = \n")
        editor.press("jump", 4)
        editor.press("key", 5, Change(4, 4, "o"))  # no answer yet: the request goes on
        assert editor.job is not None and editor.asks[0].given_up_ms is not None
        editor.settle()
        assert editor.asks[1].text == "ne + two", "the answer to the key before, typed along"
        assert editor.asks[1].reached_model
        editor.press("key", 6, Change(5, 5, "n"))
        assert (editor.asks[2].text, editor.asks[2].reached_model) == ("e + two", False)
        editor.settle()


def test_much_right_of_the_cursor_is_not_asked():
    with scripted_llama.serving(lambda body: "x") as (address, bodies):
        editor = LlamaEditor("llama-server", address=address)
        editor.open("t", "f(, something_long)\n")
        editor.press("jump", 2)
        editor.settle()
    assert not bodies
    assert (editor.asks[0].text, editor.asks[0].reached_model) == ("", False)


def test_a_llama_server_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="is not there"):
        llama_server.find_server(tmp_path / "llama-server")
