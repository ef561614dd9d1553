"""What keeps requests together, keystroke after keystroke."""

from __future__ import annotations

import pytest

from fim_lsp.cluster.session import session_key
from fim_lsp.http.guard import Caller
from fim_lsp.http.place import CompletionAsk, TextAround

FILE = "import os\n\n\ndef size(path):\n    "
BELOW = "\n\n\ndef name(path):\n    return os.path.basename(path)\n"
SHARED = Caller()


def key(prefix: str, suffix: str = BELOW, caller: Caller = SHARED, path: str = "") -> str:
    return session_key(CompletionAsk(TextAround(prefix, suffix, path)).snapshot(), caller)


def test_typing_stays_in_a_session():
    typed = [key(FILE + "return os.path.getsize("[:end], ")" + BELOW if end > 22 else BELOW) for end in range(24)]
    assert len(set(typed)) == 1


def test_a_window_that_slides_stays_in_a_session():
    assert key(FILE + "x = 1") == key(FILE.removeprefix("import os\n") + "x = 12")


def test_at_the_end_of_a_file_its_beginning_tells():
    head = "import os\n" * 40
    assert key(head + "x = ", "") == key(head + "x = 1\ny", "\n")
    assert key(head, "") != key("import re\n" + head, "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"path": "a.py"}, {"path": "b.py"}),
        ({"suffix": BELOW}, {"suffix": BELOW + "x"}),
        ({"caller": Caller("alice")}, {"caller": Caller("bob")}),
        ({"caller": Caller("alice", "1")}, {"caller": Caller("alice", "2")}),
        ({"caller": Caller("", "1")}, {"caller": Caller("1", "")}),
    ],
)
def test_others_are_of_another_session(one, other):
    assert key("x = ", **one) != key("x = ", **other)


def test_who_has_a_token_of_their_own_has_one_session_everywhere():
    alice = Caller("alice")
    assert key("x = ", caller=alice) == key("y = ", "\nz", caller=alice, path="other.py")


def test_the_key_says_nothing_of_the_text_or_the_owner():
    assert "secret" not in key("secret = 1", caller=Caller("secret"))
    assert len(key("\ud800", "\udfff")) == 24
