"""An editor that does anything in any order, and what it may expect of the server.

edit, open, close, rename ──▶ and at once `test/texts`: the server's text equals the client's after each of them
requests, cancels, settings, nonsense, silence ──▶ every id is answered once, nothing fails inside
shutdown, exit, the pipe's end in any order ──▶ the exit code of the spec
"""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fim_lsp.backends.fake import FakeBackend
from tests.client import FULL, where
from tests.unit.lsp.fuzz.client_text import ClientText, Place, offset_of, place_of
from tests.unit.lsp.fuzz.in_process import TEXTS, InProcess

MOST_CHARS = 300  # of a document, so that some are too large
INTERNAL_ERROR = -32603
SPELLINGS = {  # the name that the server knows a document by, and other ways to say it
    "file:///w/a.py": ["FILE:///w/a.py", "file://localhost/w/%61.py"],
    "file:///w/b%20c.js": ["file:///w/b c.js"],
    "file:///c:/d.py": ["file:///C%3A/d.py", "file://c:/d.py"],
    "file:///w/.env": [],  # excluded: nothing is suggested, and its text is kept all the same
    "vscode-notebook-cell:/w/n.ipynb#W0": [],
    "untitled:Untitled-1": [],
    "untitled:": [],  # says nothing but its scheme: several documents may share it
    "file://": [],
}
NAMELESS = ("untitled:", "file://")
NOTEBOOKS = st.sampled_from(["file:///w/n.ipynb", "file:///w/o.ipynb"])
CELL = st.sampled_from([f"cell:{n}" for n in range(5)])
KNOWN = st.sampled_from(sorted(SPELLINGS))
CHARS = "ab  .('\"#\n\n\r\té😀ß\f\v\x1c\x85\u2028\x00\ud83d\ude00"
TEXT = st.one_of(st.text(CHARS, max_size=30), st.sampled_from(["def f(a):\r\n    return ", "x = \n", "y" * 200]))
KEY = st.one_of(st.text(CHARS, min_size=1, max_size=2), st.just(""))
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["uri", "textDocument", "position", "line", "jsonrpc", "id", "x"]), inner),
        st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": st.integers(0, 99), "method": st.just("x/y")}),
    ),
    max_leaves=6,
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "trigger": st.sampled_from(["automatic", "automatic", "manual", "never"]),
        "deadlineMs": st.sampled_from([200, 1500, -1, "soon"]),
        "maxLines": st.integers(0, 3),
        "exclude": st.sampled_from([[], [], [], ["*.js"], ["["], "*.js", None]),
        "languages": st.sampled_from([["python"], ["python", "javascript"], None]),
        "lookAhead": st.booleans(),
        "metrics": st.booleans(),
        "backend": st.sampled_from(["auto", "gpt", "bert", "none"]),
        "nothing": ANY,
    },
)
QUESTIONS = ["textDocument/inlineCompletion", "textDocument/completion", "fimLsp/explain", "fimLsp/compare"]
NOTICES = [
    "textDocument/didSave",
    "workspace/didChangeWatchedFiles",
    "workspace/didRenameFiles",
    "textDocument/didShowCompletion",
    "textDocument/didPartiallyAcceptCompletion",
    "$/setTrace",
    "$/progress",
    "window/workDoneProgress/cancel",
    "no/suchMethod",
]
BODIES = [
    b"{",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b'"x"',
    b"17",
    b"[" * 50_000,
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "1.0", "id": 1}',
]
LEAVING = ["shutdown, exit", "shutdown, more, exit", "shutdown, the pipe's end", "exit", "the pipe's end"]


def span(start: Place, end: Place) -> dict[str, Any]:
    return {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}


class Session(RuleBasedStateMachine):
    """One client and its server, from `initialize` to the end."""

    messages: ClassVar[int] = 0  # of all sessions of this process
    asked_in_all: ClassVar[int] = 0
    shown_in_all: ClassVar[int] = 0

    # -- sending --------------------------------------------------------------------------------------------

    def send(self, message: dict[str, Any]) -> None:
        Session.messages += 1
        self.server.send(message)

    def notify(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        Session.asked_in_all += 1
        new = len(self.asked) + 1
        self.asked.append(f"s{new}" if new % 5 == 0 else new)
        self.send({"id": self.asked[-1], "method": method, "params": params})
        return self.asked[-1]

    def look(self) -> None:
        """Ask for the server's texts, to be held against what the client's are now."""
        texts: dict[str, Any] = {uri: one.text if one.is_known else None for uri, one in self.open.items()}
        self.expected[self.ask(TEXTS, None)] = texts | {
            uri: None if uri in self.lost else list(cells) for uri, cells in self.notebooks.items()
        }

    def place(self, data: st.DataObject, uri: str) -> Place:
        """Draw a position: mostly one that an editor can stand at, else any."""
        text = self.open[uri].text if uri in self.open else ""
        if data.draw(st.integers(0, 4)):
            return place_of(text, data.draw(st.integers(0, len(text))), self.encoding)
        return data.draw(st.tuples(st.integers(0, 9), st.integers(0, 40) | st.just(2**31 - 1)))

    def spelt(self, data: st.DataObject, uri: str) -> str:
        return data.draw(st.sampled_from([uri, *SPELLINGS.get(uri, [])]))

    # -- from beginning to end ------------------------------------------------------------------------------

    @initialize(
        encoding=st.sampled_from(["utf-8", "utf-16", "utf-16", "utf-32"]),
        step_s=st.sampled_from([0.0, 0.002]),
        is_full=st.booleans(),
        leaving=st.sampled_from(LEAVING),
        options=SETTINGS,
    )
    def begin(self, encoding: str, step_s: float, is_full: bool, leaving: str, options: Any) -> None:
        self.server = InProcess(lambda family, model: FakeBackend("alpha + beta", "gamma(", step_s=step_s))
        self.encoding, self.leaving = encoding, leaving
        self.asked: list[Any] = []
        self.open: dict[str, ClientText] = {}
        self.notebooks: dict[str, list[str]] = {}  # the cells of each
        self.lost: set[str] = set()  # those of them whose order the server cannot know
        self.owners: dict[str, str] = {}  # the notebook that a cell was opened in
        self.expected: dict[Any, dict[str, Any]] = {}
        self.places: dict[Any, Place | None] = {}
        capabilities = {**(FULL if is_full else {}), "general": {"positionEncodings": [encoding]}}
        params = {"processId": None, "rootUri": None, "capabilities": capabilities}
        self.ask("initialize", {**params, "initializationOptions": options})
        self.notify("initialized", {})

    def teardown(self) -> None:
        if not hasattr(self, "server"):
            return
        try:
            if self.leaving in ("exit", "the pipe's end"):
                self.server.wait(set(self.asked))
            if self.leaving.startswith("shutdown"):
                self.ask("shutdown", None)
            if "more" in self.leaving:
                self.notify("textDocument/didOpen", {"textDocument": {"uri": "file:///w/late.py"}})
                self.ask(QUESTIONS[0], {})
                self.ask("shutdown", None)
            if self.leaving.startswith("shutdown"):
                self.server.wait(set(self.asked))
            if self.leaving.endswith("exit"):
                self.notify("exit", None)
        finally:
            code = self.server.hang_up()
        self.check(code)

    def check(self, code: int | None) -> None:
        """Hold all that was answered against what was to be."""
        server = self.server
        assert code == (None if self.leaving.endswith("end") else 0 if "shutdown" in self.leaving else 1)
        assert {one: server.counts[one] for one in self.asked} == dict.fromkeys(self.asked, 1)
        assert set(server.counts) <= {*self.asked, None}, "what nobody asked was answered"
        failed = [one for one in server.answers.values() if one.get("error", {}).get("code") == INTERNAL_ERROR]
        assert not failed, failed
        assert not server.faults.told, server.faults.told
        for asked, texts in self.expected.items():
            held = server.answers[asked].get("result") or {}
            other = {uri: (held.get(uri, "-"), text) for uri, text in texts.items() if held.get(uri, "-") != text}
            assert not other and held.keys() == texts.keys(), f"message {asked}: {other}, {held.keys() ^ texts.keys()}"
        for asked, place in self.places.items():
            items = (server.answers[asked].get("result") or {}).get("items", [])
            assert not items or place, f"message {asked} was to show nothing"
            assert all(one["range"]["start"] == span(place, place)["start"] for one in items if place)
            Session.shown_in_all += bool(items)

    # -- documents ------------------------------------------------------------------------------------------

    @rule(uri=KNOWN, text=TEXT, language=st.sampled_from(["python", "javascript", "klingon"]), data=st.data())
    def opens(self, uri: str, text: str, language: str, data: st.DataObject) -> None:
        """Open a document, also one that is open."""
        item = {"uri": self.spelt(data, uri), "languageId": language, "version": len(self.asked), "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        if uri not in self.open:
            self.owners.pop(uri, None)
        sharers = self.open[uri].sharers + 1 if uri in NAMELESS and uri in self.open else 1
        self.open[uri] = ClientText(text, MOST_CHARS, self.encoding, sharers)
        self.look()

    @rule(uri=KNOWN, data=st.data())
    def closes(self, uri: str, data: st.DataObject) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.spelt(data, uri)}})
        if uri in self.open:
            self.open[uri].sharers -= 1
            if not self.open[uri].sharers:
                del self.open[uri]
        self.look()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), to=KNOWN)
    def renames(self, data: st.DataObject, to: str) -> None:
        """Close and open again under another name, as clients do."""
        uri = data.draw(st.sampled_from(sorted(self.open)))
        text = self.open[uri].text
        self.closes(uri, data)
        self.notify("workspace/didRenameFiles", {"files": [{"oldUri": uri, "newUri": to}]})
        self.opens(to, text, "python", data)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), version=st.sampled_from([None, 0, 1, 10**9, "absent"]))
    def edits(self, data: st.DataObject, version: Any) -> None:
        """Change a document: keys, spans, whole texts, several at once; versions as clients count them."""
        uri = data.draw(st.sampled_from(sorted(self.open)))
        changes = self.changes(data, uri)
        identity: dict[str, Any] = {"uri": self.spelt(data, uri)}
        if version != "absent":
            identity["version"] = version
        self.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": changes})
        self.look()

    def changes(self, data: st.DataObject, uri: str) -> list[dict[str, Any]]:
        """Draw what becomes of a text, and have the client's become that."""
        document, changes = self.open[uri], []
        for _ in range(data.draw(st.sampled_from([1, 1, 1, 2, 3]))):
            start = self.place(data, uri)
            kind = data.draw(st.sampled_from(["key", "key", "key", "span", "span", "whole"]))
            if kind == "whole":
                change = {"text": data.draw(TEXT)}
            elif kind == "key":
                change = {"range": span(start, start), "text": data.draw(KEY)}
            else:
                change = {"range": span(start, self.place(data, uri)), "text": data.draw(TEXT)}
            if data.draw(st.booleans()):
                change = {**change, "rangeLength": 1} if "range" in change else {**change, "range": None}
            document.change([change])
            changes.append(change)
        return changes

    @precondition(lambda self: self.open)
    @rule(data=st.data(), changes=st.sampled_from([[{"text": 7}], [None], [{"range": {}, "text": "x"}], "x", [{}]]))
    def edits_unreadably(self, data: st.DataObject, changes: Any) -> None:
        """Send an edit that nobody can apply: from then on the text is not known."""
        uri = data.draw(st.sampled_from(sorted(self.open)))
        identity = {"uri": uri, "version": 1}
        self.notify("textDocument/didChange", {"textDocument": identity, "contentChanges": changes})
        self.open[uri].is_known = False
        self.look()

    # -- notebooks ------------------------------------------------------------------------------------------

    def item(self, notebook: str, uri: str, text: str) -> dict[str, Any]:
        """Open a cell at the client and return what tells of it."""
        self.owners[uri] = notebook
        self.open[uri] = ClientText(text, MOST_CHARS, self.encoding)
        return {"uri": uri, "languageId": "python", "version": 1, "text": text}

    @rule(name=NOTEBOOKS, texts=st.dictionaries(CELL, TEXT, max_size=4))
    def opens_notebook(self, name: str, texts: dict[str, str]) -> None:
        self.drop_cells(name)
        cells = [{"kind": 2, "document": uri} for uri in texts]
        items = [self.item(name, uri, text) for uri, text in texts.items()]
        self.notebooks[name] = list(texts)
        self.lost.discard(name)
        notebook = {"uri": name, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
        self.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})
        self.look()

    @precondition(lambda self: self.notebooks)
    @rule(data=st.data(), start=st.integers(0, 5), count=st.integers(0, 3), fresh=st.lists(CELL, max_size=2))
    def changes_notebook(self, data: st.DataObject, start: int, count: int, fresh: list[str]) -> None:
        """Move, add and delete cells, and edit some."""
        name = data.draw(st.sampled_from(sorted(self.notebooks)))
        self.notebooks[name][start : start + count] = fresh
        gone = data.draw(st.lists(CELL, max_size=2, unique=True))
        for uri in gone:
            self.open.pop(uri, None)
        opened = [self.item(name, uri, data.draw(TEXT)) for uri in fresh if data.draw(st.booleans())]
        array = {"start": start, "deleteCount": count, "cells": [{"kind": 2, "document": uri} for uri in fresh]}
        structure = {"array": array, "didOpen": opened, "didClose": [{"uri": uri} for uri in gone]}
        there = [uri for uri in self.notebooks[name] if uri in self.open]
        edited = data.draw(st.lists(st.sampled_from(there), max_size=2)) if there else []
        edits = [{"document": {"uri": uri, "version": 1}, "changes": self.changes(data, uri)} for uri in edited]
        change = {"cells": {"structure": structure, "textContent": edits}}
        notebook = {"uri": name, "version": 2}
        self.notify("notebookDocument/didChange", {"notebookDocument": notebook, "change": change})
        self.look()

    @precondition(lambda self: self.notebooks)
    @rule(data=st.data())
    def edits_notebook_unreadably(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.notebooks)))
        self.notify("notebookDocument/didChange", {"notebookDocument": {"uri": name}, "change": 7})
        self.lost.add(name)
        for uri in self.open:
            if self.owners.get(uri) == name:
                self.open[uri].is_known = False
        self.look()

    @rule(name=NOTEBOOKS)
    def closes_notebook(self, name: str) -> None:
        cells = self.notebooks.pop(name, [])
        told = [{"uri": uri} for uri in cells[:1]]
        self.notify("notebookDocument/didClose", {"notebookDocument": {"uri": name}, "cellTextDocuments": told})
        self.drop_cells(name, *cells[:1])
        self.look()

    def drop_cells(self, notebook: str, *told: str) -> None:
        """Close the cells that were opened in a notebook, and those that the server is told of."""
        for uri in [uri for uri in self.open if uri in told or self.owners.get(uri) == notebook]:
            del self.open[uri]

    # -- questions ------------------------------------------------------------------------------------------

    @rule(data=st.data(), uri=KNOWN | CELL, method=st.sampled_from([QUESTIONS[0], *QUESTIONS]), kind=st.integers(0, 3))
    def asks(self, data: st.DataObject, uri: str, method: str, kind: int) -> None:
        at = self.place(data, uri)
        params: dict[str, Any] = {
            "textDocument": {"uri": self.spelt(data, uri)},
            "position": span(at, at)["start"],
            "context": {"triggerKind": kind},
        }
        if method == QUESTIONS[0] and data.draw(st.integers(0, 3)) == 0:
            start = self.place(data, uri)
            params["context"]["selectedCompletionInfo"] = {"range": span(start, at), "text": data.draw(TEXT)}
            at = start
        asked = self.ask(method, params)
        if method == QUESTIONS[0]:
            self.places[asked] = self.shown_at(uri, at)

    def shown_at(self, uri: str, at: Place) -> Place | None:
        """Return where a suggestion has to begin; None where there must be none."""
        document = self.open.get(uri)
        if document is None or not document.is_known or uri.endswith(".env"):
            return None
        return place_of(document.text, offset_of(document.text, at, self.encoding), self.encoding)

    @rule(uri=KNOWN | CELL, is_awaited=st.booleans(), along=st.sampled_from(["", "a", "al", "g", "z"]), data=st.data())
    def types(self, uri: str, is_awaited: bool, along: str, data: st.DataObject) -> None:
        """Ask where something is likely to be suggested, and type, along it or not, before or after the answer."""
        if uri not in self.open:
            self.opens(uri, "", "python", data)
        name = {"uri": uri, "version": 0}
        self.open[uri].take("def f(a):\n    x = \n")
        self.notify("textDocument/didChange", {"textDocument": name, "contentChanges": [{"text": self.open[uri].text}]})
        for at in [(1, 8 + n) for n in range(len(along) + 1)]:
            asked = self.ask(QUESTIONS[0], {**where(*at, uri), "context": {"triggerKind": 1}})
            self.places[asked] = self.shown_at(uri, at)
            if is_awaited:
                self.server.wait({asked})
            if typed := along[at[1] - 8 :][:1]:
                change = {"range": span(at, at), "text": typed}
                self.open[uri].change([change])
                self.notify("textDocument/didChange", {"textDocument": name, "contentChanges": [change]})
        self.look()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def cancels(self, data: st.DataObject) -> None:
        """Cancel what runs, what is answered, or what never was."""
        back = data.draw(st.integers(1, 6))
        self.notify("$/cancelRequest", {"id": self.asked[-min(back, len(self.asked))] if back < 6 else "never"})

    @rule(method=st.sampled_from([*QUESTIONS, "workspace/executeCommand", "no/suchMethod", "initialize"]), params=ANY)
    def asks_nonsense(self, method: str, params: Any) -> None:
        self.ask(method, params)

    @rule(method=st.sampled_from(NOTICES), params=ANY)
    def tells_nonsense(self, method: str, params: Any) -> None:
        self.notify(method, params)

    @rule(body=st.sampled_from(BODIES))
    def sends_what_is_no_message(self, body: bytes) -> None:
        Session.messages += 1
        self.server.raw(body)

    @rule(data=st.data(), settings=st.one_of(SETTINGS, ANY), section=st.sampled_from(["fimLsp", "", "other"]))
    def configures(self, data: st.DataObject, settings: Any, section: str) -> None:
        self.notify("workspace/didChangeConfiguration", {"settings": {section: settings} if section else settings})

    @rule(which=st.integers(0, 9), said=st.sampled_from(["list", "null", "error", "twice"]), settings=SETTINGS)
    def answers(self, which: int, said: str, settings: Any) -> None:
        """Answer something that the server asked, late, wrongly or twice."""
        asked = self.server.asked_of_us
        answer = {"id": asked[which % len(asked)] if asked else which, "result": [settings] if said == "list" else None}
        if said == "error":
            answer = {"id": answer["id"], "error": {"code": -1, "message": "no"}}
        for _ in range(2 if said == "twice" else 1):
            self.send(answer)

    @rule(which=st.integers(0, 9), index=st.integers(-2, 3), chars=st.sampled_from([-1, 0, 1, 3, 99, 2**40, 1.5]))
    def accepts(self, which: int, index: int, chars: Any) -> None:
        """Take what was suggested, wholly or in part, or say so of what was not."""
        results = [one.get("result") for one in list(self.server.answers.values())]
        items = [item for one in results if isinstance(one, dict) for item in one.get("items", [])]
        item = items[which % len(items)] if items else {"command": {"arguments": ["x", index]}, "insertText": "x"}
        self.notify("textDocument/didShowCompletion", {"item": item})
        self.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": chars})
        offer = (item.get("command") or {}).get("arguments", [None])[0]
        self.ask("workspace/executeCommand", {"command": "fimLsp.accepted", "arguments": [offer, index]})
