"""Traces are data: the same seed writes the same ones, and they end in just the text that was wanted."""

from __future__ import annotations

import json
import random

import pytest

from fim_lsp.errors import InputError
from fim_lsp.lab.bench.latency import traces, writer
from fim_lsp.lab.bench.latency.documents import usable
from fim_lsp.lab.bench.latency.traces import Edit, TypingTrace, digest, keys, read


@pytest.fixture(scope="module")
def shipped():
    return read()


def test_the_shipped_traces_are_what_the_writer_writes(shipped):
    assert traces.dump(writer.write(4, seed=0)) == traces.dump(shipped[:4])
    assert traces.dump(writer.write(2, seed=1)) != traces.dump(shipped[:2])


def test_files_have_from_50_to_20_000_lines(shipped):
    sizes = sorted(trace.final.count("\n") for trace in shipped)
    assert sizes[0] <= 50 and sizes[-1] >= 19_900
    assert len(sizes) == 24


def test_writing_every_edit_in_turn_gives_the_final_text(shipped):
    for trace in shipped:
        text = trace.begun()
        for offset, wanted, edit in trace.located_edits():
            assert wanted.strip() and len(edit.pauses_ms) == len(wanted)
            text = text[:offset] + wanted + text[offset:]
        assert text == trace.final, trace.name


def test_nobody_types_into_what_the_router_was_fitted_on(shipped):
    may_type = usable()
    for trace in shipped[:6]:
        for edit in trace.edits:
            at = 0
            for key, part in zip(trace.keys, traces.parts(trace.keys), strict=True):
                if at <= edit.start < at + len(part):
                    assert may_type[key]
                at += len(part)


def test_slips_are_typed_before_a_character_of_the_edit(shipped):
    slips = [(edit, at, wrong) for trace in shipped for edit in trace.edits for at, wrong in edit.slips.items()]
    assert len(slips) > 20
    assert all(at < len(edit.pauses_ms) and wrong for edit, at, wrong in slips)


def test_a_new_line_and_its_indentation_are_one_key():
    assert keys("if a:\n        b\n\n") == ["i", "f", " ", "a", ":", "\n        ", "b", "\n", "\n"]


def test_a_text_that_has_changed_is_told(shipped):
    row = json.loads(traces.dump(shipped[:1]))
    stale = TypingTrace(row["name"], tuple(row["parts"]), digest("another"), shipped[0].edits)
    with pytest.raises(InputError, match="has changed; write it anew"):
        stale.begun()
    with pytest.raises(InputError, match="no shipped hole"):
        TypingTrace("x", ("0123456789ab",), "", ()).begun()


def test_a_file_without_traces_is_told(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"name": 1}\n')
    with pytest.raises(InputError, match="holds no editing traces"):
        read(tmp_path / "a.jsonl")


def test_pauses_are_a_persons():
    rng = random.Random(1)
    text = "def mean(values):\n    return sum(values)\n"
    inside = [writer._pause_ms(text, text.index("ean"), rng) for _ in range(200)]
    line = [writer._pause_ms(text, text.index("return"), rng) for _ in range(200)]
    assert 100 < sorted(inside)[100] < 220 < sorted(line)[100]


def test_edits_survive_being_written(tmp_path, shipped):
    edit = Edit(3, 5, 900, (120, 90), {1: "xy"})
    trace = TypingTrace("t", shipped[0].keys, shipped[0].sha256, (edit,))
    (tmp_path / "t.jsonl").write_text(traces.dump([trace]))
    assert read(tmp_path / "t.jsonl") == [trace]
