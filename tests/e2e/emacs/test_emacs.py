"""editors/emacs in a real Emacs, and the menu of eglot."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.editors import missing

pytestmark = pytest.mark.editor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CODE = "import os\n\n\ndef area(width, height):\n    return \n"


@pytest.fixture(scope="session")
def emacs() -> str:
    found = shutil.which("emacs")
    if found is None:
        missing("Emacs", "apt-get install emacs-nox elpa-eglot")
    return str(found)


@pytest.fixture
def drive(emacs, tmp_path):
    """Run Lisp in a buffer of a file, with our mode and a server that says `alpha + beta`; return what it returns."""
    program = "\n".join([sys.executable, str(ROOT / "tests/fake_server.py"), "--texts", '["alpha + beta"]'])

    def run(lisp: str, text: str = "", name: str = "work.py") -> object:
        (tmp_path / name).write_text(text, encoding="utf-8")
        command = [emacs, "--batch", "-q", "-l", str(HERE / "drive.el"), str(ROOT / "editors/emacs"), program]
        done = subprocess.run([*command, str(tmp_path / name), lisp], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith('"') else done.stdout

    return run


KEYS = {
    "": "total = |alpha + beta",
    '"TAB"': "total = alpha + beta|nil",
    '"a" "l"': "total = al|pha + beta",
    '"M-f"': "total = alpha| + beta",
    '"M-f" "M-f"': "total = alpha + beta|nil",
    '"C-g"': "total = |nil",
    '"a" "x"': "total = ax|nil",
    '"C-b"': "total = |nil",
}


def test_keys_over_ghost_text(drive):
    each = """(mapcar (lambda (keys)
      (erase-buffer) (insert "total = ") (fim-lsp-suggest) (until #'ghost) (apply #'press keys)
      (format "%s|%s" (text) (ghost))) '({}))"""
    seen = json.loads(drive(f"(json-encode {each.format(' '.join(f'({keys})' for keys in KEYS))})"))
    assert dict(zip(KEYS, seen, strict=True)) == KEYS


def test_it_asks_by_itself_and_in_the_characters_of_a_line(drive):
    # Without a person, Emacs is never idle: the timer that waits for that is rung by hand.
    typed = """(progn (press "x" "=") (timer-event-handler fim-lsp--timer) (until #'ghost) (press "TAB") (text))"""
    assert drive(typed, "Grüße = '世界'; ") == "Grüße = '世界'; x=alpha + beta"


def test_without_a_suggestion_tab_is_what_it_was(drive):
    assert drive('(key-binding (kbd "TAB"))') == "indent-for-tab-command"


MODES = {
    "python-ts-mode": "python",
    "js-mode": "javascript",
    "js-ts-mode": "javascript",
    "c++-mode": "cpp",
    "c++-ts-mode": "cpp",
    "bash-ts-mode": "bash",
    "tsx-ts-mode": "tsx",
    "text-mode": None,
}


def test_the_language_of_a_mode(drive):
    named = "(mapcar (lambda (mode) (let ((major-mode mode)) (cons mode (fim-lsp-language)))) '({}))"
    assert json.loads(drive(f"(json-encode {named.format(' '.join(MODES))})")) == MODES


def test_a_mode_made_from_another_has_its_language(drive):
    derived = '(progn (define-derived-mode my-mode python-mode "Mine") (my-mode) (fim-lsp-language))'
    assert drive(derived) == "python"


def test_a_server_that_ends_at_once_is_not_started_at_every_key(drive, tmp_path):
    program = tmp_path / "fim-lsp"
    program.write_text(f"#!/bin/sh\necho started >> {tmp_path}/starts\n")
    program.chmod(0o755)
    broken = f"""(progn (delete-process (jsonrpc--process fim-lsp--connection))
      (setq fim-lsp-command '("{program}") fim-lsp--started nil)
      (dotimes (_ 3) (press "x") (timer-event-handler fim-lsp--timer) (accept-process-output nil 0.3)) (text))"""
    assert drive(broken) == "xxx"
    assert (tmp_path / "starts").read_text() == "started\n"


def test_without_a_program_it_is_quiet(drive):
    absent = """(progn (fim-lsp-mode -1) (setq fim-lsp-command '("/no/such/program"))
      (fim-lsp--turn-on) (press "x") (format "%s %s" fim-lsp-mode (text)))"""
    assert drive(absent) == "nil x"


def test_the_servers_of_eglot_stay_as_they_were(drive):
    theirs = """(progn (package-initialize) (require 'eglot)
      (format "%s %s" (string-match-p "fim-lsp" (format "%s" eglot-server-programs)) python-mode-hook))"""
    assert drive(theirs) == "nil nil"


def test_eglot_offers_the_suggestion(emacs, tmp_path):
    file = tmp_path / "work.py"
    file.write_text(CODE, encoding="utf-8")
    program = "\n".join([sys.executable, "-m", "fim_lsp", "serve"])
    command = [emacs, "--batch", "-q", "-l", str(HERE / "ask.el"), program, str(file), "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    asked = [sys.executable, "-m", "fim_lsp", "complete", f"{file}:5:12"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert done.stdout, done.stderr
    assert done.stdout in shown
