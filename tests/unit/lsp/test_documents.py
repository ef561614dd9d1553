"""Incremental edits against an independent model of a client, in every encoding."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from fim_lsp.domain import path_within
from fim_lsp.lsp.documents import BREAK, Document, line_starts

ALPHABET = "ab \n\r\té😀ß\f\v\x1c\x85\u2028"
TEXT = st.text(ALPHABET, max_size=40)
ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


def model_position(text: str, offset: int, encoding: str) -> Position:
    """Where an editor would say that an offset is, from the spec and by the slowest means."""
    before = re.split("\r\n|\n|\r", text[:offset])
    if text[offset - 1 : offset + 1] == "\r\n":  # between the two halves of a break: no editor can stand there
        return model_position(text, offset - 1, encoding)
    return Position(len(before) - 1, len(before[-1].encode(ENCODINGS[encoding])) // UNIT[encoding])


@settings(max_examples=400, deadline=None)
@given(text=TEXT, encoding=st.sampled_from(sorted(ENCODINGS)), data=st.data())
def test_edits_agree_with_a_client(text, encoding, data):
    document = Document("u", "python", 0, text, encoding)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        if "\r\n" in (text[start - 1 : start + 1], text[end - 1 : end + 1]):
            continue
        new = data.draw(TEXT)
        where = Range(model_position(text, start, encoding), model_position(text, end, encoding))
        document.replace(where, new)
        text = text[:start] + new + text[end:]
        assert document.text == text
        assert document.starts == [0, *(at.end() for at in BREAK.finditer(text))]
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":
            position = model_position(text, offset, encoding)
            assert document.position(offset) == position
            assert document.offset(position) == offset


@pytest.mark.parametrize(
    ("line", "character", "offset"),
    [(0, 99, 2), (99, 0, 5), (1, 1, 3), (1, 2, 4)],
    ids=["past the line", "past the text", "inside a pair", "after it"],
)
def test_positions_are_clamped(line, character, offset):
    document = Document("u", "python", 0, "ab\n😀c")
    where = Position(line, character)
    assert document.offset(where) == offset
    assert where == Position(line, character), "the client's position is not ours to change"


@given(text=st.text("ab\n\r😀\f\u2028", max_size=30))
def test_lines_begin_behind_every_break(text):
    for form in (text, text.replace("\r", ""), re.sub("\r(?!\n)", "", text)):
        assert line_starts(form) == [0, *(at.end() for at in BREAK.finditer(form))]


def test_lone_surrogates_become_readable():
    document = Document("u", "python", 0, "a\ud800b")
    document.replace(Range(Position(0, 2), Position(0, 2)), "\udfff")
    assert document.text == "a\ufffd\ufffdb"
    document.text.encode()


def test_a_range_the_wrong_way_round():
    document = Document("u", "python", 0, "abcdef")
    document.replace(Range(Position(0, 4), Position(0, 1)), "-")
    assert document.text == "a-ef"


def test_a_large_file_stays_quick():
    document = Document("u", "python", 0, "x = 1\n" * 20_000)
    document.replace(Range(Position(10_000, 0), Position(10_000, 0)), "y\n")
    assert len(document.starts) == 20_002
    assert document.line(10_000) == "y"


@pytest.mark.parametrize(
    ("path", "roots", "named"),
    [
        ("/home/me/web/src/app/main.py", ["/home/me/web"], "src/app/main.py"),
        ("/home/me/web/libs/core/a.py", ["/home/me/web", "/home/me/web/libs"], "core/a.py"),  # the innermost root
        ("/elsewhere/deep/down/a.py", ["/home/me/web"], "down/a.py"),
        ("/a.py", [], "a.py"),
    ],
)
def test_a_file_is_named_as_its_workspace_names_it(path, roots, named):
    assert path_within(PurePosixPath(path), map(PurePosixPath, roots)) == named
