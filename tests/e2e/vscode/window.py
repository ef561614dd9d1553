"""A real VS Code in a real browser, with the packaged extension."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Frame, Page, Playwright

ROOT = Path(__file__).resolve().parents[3]
VSIX = ROOT / "editors/vscode/dist/fim-lsp.vsix"
QUIET = ["disable-telemetry", "disable-update-check", "disable-workspace-trust"]
SETTINGS = {
    "files.autoSave": "afterDelay",
    "files.autoSaveDelay": 50,
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.activityBar.location": "hidden",
    "chat.commandCenter.enabled": False,
    "editor.minimap.enabled": False,
    "editor.fontSize": 15,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.wordBasedSuggestions": "off",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoIndent": "none",
    "extensions.ignoreRecommendations": True,
}
# Ghost text is split over spans by colouring; its further lines stand in a zone below.
FRAME = """() => {
  const part = '[class*="ghost-text"]';
  const clean = text => text.replaceAll('\\u00a0', ' ').replaceAll('\\u200c', '');
  const text = all => all.map(one => one.textContent);
  const all = [...document.querySelectorAll(`.monaco-editor .view-lines ${part}`)];
  const spans = all.filter(one => !one.querySelector(part));
  const below = text([...document.querySelectorAll('.monaco-editor .view-zones .view-line')]);
  const line = spans.length ? spans[0].closest('.view-line').cloneNode(true) : null;
  if (line) for (const one of line.querySelectorAll(part)) one.remove();
  const ghost = clean([text(spans).join(''), ...below].join('\\n'));
  return {ghost, line: line ? clean(line.textContent) : null, at: Date.now()};
}"""
RECORD = f"""() => {{
  const look = {FRAME};
  window.frames_ = [];
  window.recording = true;
  const next = () => {{
    window.frames_.push(look());
    if (window.recording) requestAnimationFrame(next);
  }};
  next();
}}"""
LINES = """() => [...document.querySelectorAll('.monaco-editor .view-line')]
  .sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))
  .map(line => line.textContent).join('\\n')"""


class Server:
    """code-server with a home of its own."""

    def __init__(
        self,
        home: Path,
        folder: Path,
        settings: dict[str, Any] | None,  # None: a profile that nobody has touched
        trusted: bool = True,
        vsix: Path = VSIX,
        around: Mapping[str, str] = os.environ,
    ):
        install = ROOT / "tests/e2e/vscode/install.sh"
        cache = Path(subprocess.run([install], capture_output=True, text=True, check=True).stdout.strip())
        node = subprocess.run([ROOT / "editors/node.sh"], capture_output=True, text=True, check=True).stdout.strip()
        self.home, self.port = home, _free_port()
        user = home / "user/User"
        user.mkdir(parents=True)
        if settings is not None:
            (user / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
        (home / "config.yaml").write_text(f"bind-addr: 127.0.0.1:{self.port}\nauth: none\ncert: false\n")
        entry = cache / "node_modules/code-server/out/node/entry.js"
        command = [f"{node}/node", str(entry), "--config", str(home / "config.yaml")]
        command += ["--user-data-dir", str(home / "user"), "--extensions-dir", str(home / "extensions")]
        dead = json.dumps({"serviceUrl": "http://127.0.0.1:9/", "itemUrl": "http://127.0.0.1:9/"})
        environment = {**around, "EXTENSIONS_GALLERY": dead}
        began = time.monotonic()
        subprocess.run([*command, "--install-extension", str(vsix)], env=environment, check=True, capture_output=True)
        self.install_s = time.monotonic() - began
        flags = [f"--{flag}" for flag in (QUIET if trusted else QUIET[:2])]
        self.log = (home / "code-server.log").open("w")
        self.process = subprocess.Popen(
            [*command, *flags, str(folder)], env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        until(lambda: _answers(self.port), "code-server to listen")

    def url(self, folder: Path, file: Path) -> str:
        payload = json.dumps([["openFile", f"vscode-remote://127.0.0.1:{self.port}{file}"]])
        return f"http://127.0.0.1:{self.port}/?" + urllib.parse.urlencode({"folder": str(folder), "payload": payload})

    def logs(self) -> str:
        """Return what the extension wrote to its log, of every window."""
        found = (self.home / "user/logs").rglob("fim-lsp.fim-lsp/fim-lsp.log")
        return "\n".join(path.read_text(errors="replace") for path in found)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class Window:
    """One window with one file, typed into by keys."""

    def __init__(self, server: Server, browser: Browser, folder: Path, text: str = "\n", is_ready: bool = True):
        self.server, self.folder = server, folder
        self.file = folder / "work.py"
        self.file.write_text(text, encoding="utf-8")
        self.count = 0
        self.page: Page = browser.new_context(viewport={"width": 900, "height": 560}).new_page()
        self.page.goto(server.url(folder, self.file))
        self.page.wait_for_selector(".monaco-editor .view-line", timeout=60_000)
        if is_ready:
            self.until_ready()

    def until_ready(self) -> None:
        until(lambda: "ready" in self.status(), lambda: f"a ready server, not {self.status()!r}")

    def status(self) -> str:
        """Return what the status-bar item says to a screen reader."""
        item = self.page.query_selector('[id$="fimLsp.status"]')
        return (
            ""
            if item is None
            else str(item.evaluate('(item) => item.outerHTML.match(/aria-label="([^"]*)"/)?.[1] ?? \'\''))
        )

    def edit(self, before: str, after: str = "\n") -> str:
        """Put text into the file and the cursor after `before`, its last character typed; return the whole text."""
        self.count += 1
        head = f"# case {self.count}\n"
        self.page.keyboard.press("Escape")
        self.page.click(".monaco-editor .view-lines")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(head + before[:-1] + after)
        self.until_disk(head + before[:-1] + after)
        row, right = (head + before).count("\n"), len(after.split("\n", 1)[0])
        self.page.keyboard.press("Control+g")
        box = self.page.wait_for_selector(".quick-input-widget input")
        box.fill(f":{row + 1}")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".quick-input-widget", state="hidden")
        self.page.keyboard.press("End")
        for _ in range(right):
            self.page.keyboard.press("ArrowLeft")
        self.page.keyboard.type(before[-1])
        return head + before + after

    def is_dirty(self) -> bool:
        return self.page.query_selector(".tab.dirty") is not None

    def visible(self) -> str:
        """Return the lines as a person sees them, ghost text included."""
        return str(self.page.evaluate(LINES)).replace("\u00a0", " ")

    def ghost(self) -> str:
        return str(self.page.evaluate(FRAME)["ghost"])

    def record(self) -> None:
        """Begin to note what every drawn frame shows."""
        self.page.evaluate(RECORD)

    def recorded(self) -> list[dict[str, Any]]:
        """Stop and return the frames: ghost text, its line without it, milliseconds since 1970."""
        return list(self.page.evaluate("() => { window.recording = false; return window.frames_; }"))

    def until_ghost(self, text: str = "") -> str:
        """Wait for ghost text, for this one if given: its lines are not all drawn in one frame."""
        is_there = lambda: (shown := self.ghost()) and (not text or shown == text) and shown  # noqa: E731
        return until(is_there, lambda: f"ghost text {text!r}, not {self.ghost()!r}")

    def on_disk(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def until_disk(self, text: str) -> None:
        until(lambda: self.on_disk() == text, lambda: f"{text!r} on disk, not {self.on_disk()!r}", 20)

    def command(self, title: str) -> None:
        self.page.keyboard.press("F1")
        box = self.page.wait_for_selector(".quick-input-widget input")
        box.fill(f">{title}")
        self.page.wait_for_selector(".quick-input-widget .monaco-list-row")
        self.page.keyboard.press("Enter")

    def until_page(self, selector: str) -> Frame:
        """Wait for a page of the extension's own that has an element; return the frame it is drawn in."""
        has_it = lambda: next((one for one in self.page.frames if _has(one, selector)), None)  # noqa: E731
        return until(has_it, f"a page with {selector}", 120)

    def has_page(self) -> bool:
        return self.page.query_selector("iframe.webview.ready") is not None

    def close(self) -> None:
        self.page.context.close()


def _has(frame: Frame, selector: str) -> bool:
    try:
        return frame.query_selector(selector) is not None
    except Error:  # it went away while it was looked at
        return False


def launch(playwright: Playwright) -> Browser:
    flags = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu", *flags])


def find_chromium() -> str | None:
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(is_so: Callable[[], Any], what: str | Callable[[], str], timeout_s: float = 60) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := is_so():
            return value
        time.sleep(0.03)
    raise AssertionError(f"waited {timeout_s} s for {what if isinstance(what, str) else what()}")
