"""Which windows of other files are shown, and that they stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.backends.fake import FakeBackend
from fim_lsp.context.index import Workspace
from fim_lsp.context.index.windows import Windows, words_of
from fim_lsp.context.query import query
from fim_lsp.context.snippets import Snippets, settle, shared_out
from fim_lsp.domain import Cancel, Snapshot, Snippet
from fim_lsp.languages import Site, Trees, describe, get
from fim_lsp.pipeline.completer import Completer
from fim_lsp.settings import Config
from tests.picture import draw
from tests.unit.context.folder import written

STORE = """
    def load_store(folder, encoding):
        settings = read_settings(folder)
        return Store(folder, settings, encoding)
    """
OTHER = """
    def paint_window(canvas, colour):
        brush = choose_brush(canvas)
        return brush.paint(canvas, colour)
    """
HERE = "def load_stores(folders, encoding):\n    settings = read_settings(folder)\n    return Store(folder, ║\n"


def test_the_window_that_shares_most_words_is_found(tmp_path):
    workspace = Workspace.of(written(tmp_path, {"lib/store.py": STORE, "lib/paint.py": OTHER}))
    best = workspace.alike(words_of(HERE), "lib/here.py", 1)
    assert [(one.path, one.text.split("\n")[0]) for one in best] == [
        ("lib/store.py", "def load_store(folder, encoding):")
    ]


def test_a_file_is_no_context_of_itself(tmp_path):
    workspace = Workspace.of(written(tmp_path, {"lib/store.py": STORE}))
    assert workspace.alike(words_of(STORE), "lib/store.py", 2) == []


def test_of_equals_the_nearest_comes_first(tmp_path):
    workspace = Workspace.of(written(tmp_path, {"far/off/store.py": STORE, "lib/store.py": STORE}))
    assert [one.path for one in workspace.alike(words_of(HERE), "lib/here.py", 2)] == [
        "lib/store.py",
        "far/off/store.py",
    ]


def test_windows_of_one_file_do_not_overlap():
    windows = Windows()
    windows.put("a", "\n".join(f"alpha_{n} beta gamma delta epsilon" for n in range(60)))
    lines = [hit.line for hit in windows.alike(frozenset(("beta", "gamma", "delta")), "b", 3)]
    assert len(lines) == 3
    assert min(abs(a - b) for a in lines for b in lines if a != b) >= 20


def test_what_was_dropped_or_replaced_is_found_no_more():
    windows = Windows()
    windows.put("a", STORE)
    windows.put("a", OTHER)
    assert windows.alike(frozenset(("read_settings", "encoding")), "b", 1) == []
    assert windows.alike(words_of(OTHER), "b", 1)
    windows.drop("a")
    assert windows.alike(words_of(OTHER), "b", 1) == []
    assert len(windows) == 0


def test_no_more_windows_are_kept_than_there_is_room_for():
    windows = Windows(most=2)
    assert [windows.put(name, STORE) for name in "abc"] == [True, True, False]
    assert windows.put("b", OTHER)


def test_the_word_that_is_being_written_asks_for_nothing():
    asked = query(draw("first line\nload_store(fol║\nlast line\nfar\n"))
    assert asked.words == {"first", "line", "load_store", "last"}


def sited(snap: Snapshot) -> Site:
    return describe(snap, Trees().tree(snap, get(snap.language)))


def snippet(name: str, score: float) -> Snippet:
    return Snippet(f"{name}.py", name, "", score)


@pytest.mark.parametrize(
    ("block", "found", "then"),
    [
        ("", "a50 b40", "ab"),
        ("ab", "b45 a40", "ab"),  # the order stays
        ("ab", "c45 a40 b38", "ab"),  # a little better is not better enough
        ("ab", "c90 a40 b38", "ac"),  # in place of the weakest, so that what stands before it stays
        ("ab", "c90 b45 a40", "cb"),
        ("ab", "a40", "a"),  # what is no longer found goes
        ("a", "a40 b38", "ab"),  # where there is room another comes in
        ("ab", "", ""),
        ("", "a50 b40 c40", "ab"),
        ("", "a50 b20", "a"),  # what is not like enough does not come in
        ("ab", "a50 b20", "ab"),  # but stays
        ("ab", "a50 b10", "a"),
    ],
)
def test_the_block_stays_until_something_better_by_a_margin_appears(block, found, then):
    old = [snippet(name, 0.4) for name in block]
    now = [snippet(one[0], int(one[1:]) / 100) for one in found.split()]
    assert "".join(one.text for one in settle(old, now, least=0.22)) == then


def test_a_snippet_stays_while_it_has_every_line_that_is_wanted():
    old = Snippet("a.py", "def f(): ...\ndef g(): ...", "has f, g", 1.0)
    less, more = Snippet("a.py", "def g(): ...", "has g", 0.5), Snippet("a.py", "def h(): ...", "has h", 0.5)
    assert settle([old], [less]) == (Snippet("a.py", old.text, "has g", 0.5),)
    assert settle([old], [more]) == (more,)
    assert settle([old, more], [more]) == (more,)


@pytest.mark.parametrize(
    ("sources", "shown"), [("ab cd", "ac"), ("ab -", "ab"), ("- cd", "cd"), ("a cd", "ac"), ("- -", "")]
)
def test_every_source_has_its_first(sources, shown):
    block = [[snippet(name, 0.5) for name in some if name != "-"] for some in sources.split()]
    assert "".join(one.text for one in shared_out(block)) == shown


def test_signatures_come_first_and_leave_room_for_one_window(tmp_path):
    files = {"lib/store.py": STORE, "lib/other.py": STORE, "lib/names.py": "def read_settings(folder):\n    pass\n"}
    chooser = Snippets(Workspace.of(written(tmp_path, files)))
    snap = replace(draw(f"from lib.names import read_settings\n\n\n{HERE}"), path="here.py")
    assert [one.path for one in chooser.choose(snap, sited(snap))] == ["lib/names.py", "lib/other.py"]


def test_typing_along_keeps_the_block(tmp_path):
    workspace = Workspace.of(written(tmp_path, {"store.py": STORE, "paint.py": OTHER}))
    chooser, blocks = Snippets(workspace), []
    for end in range(HERE.index("settings"), HERE.index("║")):
        snap = draw(HERE[:end] + "║\n")
        blocks.append(tuple((one.path, one.text) for one in chooser.choose(snap, sited(snap))))
    changes = [now for before, now in zip(((), *blocks), blocks, strict=False) if now != before]
    assert [[path for path, _ in block] for block in changes] == [["store.py"]]


def test_a_request_carries_the_snippets_and_a_change_elsewhere_asks_again(tmp_path):
    workspace = Workspace.of(written(tmp_path, {"store.py": STORE, "paint.py": OTHER, "here.py": HERE}))
    backend = FakeBackend("settings)")
    it = Completer(Config(), lambda family, model: backend, workspace=workspace)
    snap = replace(draw(HERE), path="here.py")
    it.complete(snap, Cancel())
    assert [one.path for one in backend.requests[-1].snippets] == ["store.py"]
    assert it.look_up(snap)
    workspace.put("paint.py", f"{OTHER}# changed\n")
    assert it.look_up(snap) is None
    it.complete(snap, Cancel())
    workspace.put(snap.path, HERE)  # the file itself
    assert it.look_up(snap)


def test_without_folders_nothing_is_added():
    assert Snippets(Workspace()).choose(draw(HERE), sited(draw(HERE))) == ()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_secret_that_comes_later_is_masked_too(tmp_path, is_open):
    workspace = Workspace.of(written(tmp_path, {"lib/store.py": STORE}))
    assert "Store(folder" in workspace.alike(words_of(HERE), "lib/here.py", 1)[0].text
    secret = "ghp_" + "x7Kq29LmPz04RtVw81Ns" + "Yb63HdJf57Gc92Qa"
    text = (tmp_path / "lib/store.py").read_text() + f'    load_store(folder, "{secret}")\n'
    if is_open:
        workspace.put("lib/store.py", text)
    else:
        (tmp_path / "lib/store.py").write_text(text)
        workspace.read("lib/store.py")
    (shown,) = workspace.alike(words_of(HERE), "lib/here.py", 1)
    assert "load_store(folder, " in shown.text
    assert secret[4:] not in shown.text


def test_a_text_without_secrets_is_searched_once(tmp_path, monkeypatch):
    searched = []
    monkeypatch.setattr("fim_lsp.context.index.workspace.mask", lambda text: searched.append(text) or text)
    workspace = Workspace.of(written(tmp_path, {"lib/store.py": STORE}))
    for _ in range(3):
        workspace.alike(words_of(HERE), "lib/here.py", 1)
        workspace._recent.clear()
    assert len(searched) == 1
