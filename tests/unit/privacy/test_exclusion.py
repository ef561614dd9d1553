"""Which files are excluded, and which rule says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fim_lsp.cli import cursor
from fim_lsp.privacy.exclusion import Exclusion
from fim_lsp.privacy.names import sensitive
from fim_lsp.privacy.rules import MOST_BYTES
from tests.unit.context.folder import written


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", ".envrc", "prod.env", "server.pem", "tls.key", "id_rsa", "id_ed25519.bak", "a.p12"),
        *("b.pfx", "c.keystore", "d.jks", ".netrc", "_netrc", ".pgpass", "credentials", "credentials.json"),
        *("credentials-prod.yaml", "secrets.toml", "secrets.prod.yml", "kubeconfig", ".kube/config", ".npmrc"),
        *("terraform.tfvars", ".ENV", "Server.PEM", "vault.kdbx", "client_secret_12.json", ".aws/credentials"),
    ],
)
def test_files_that_hold_secrets_by_their_names(name):
    assert sensitive(Path("/w") / name)
    assert "hold secrets" in Exclusion().reason(Path("/w") / name)


@pytest.mark.parametrize(
    "name",
    ["env.py", "secrets.py", "credentials.go", "credentials_test.rs", "keys.py", "config", "monkey.py", "pem.md"],
)
def test_programs_are_left(name):
    assert not Exclusion().reason(Path("/w") / name)


def test_no_rule_lifts_a_name(tmp_path):
    root = written(tmp_path, {".fimlspignore": "!.env\n!*.pem\n", ".env": "", "sub/a.pem": ""})
    exclusion = Exclusion((root,), ("!.env", "!*.pem"))
    assert exclusion.reason(root / ".env")
    assert exclusion.reason(root / "sub/a.pem")


def test_the_rule_is_named_with_its_place(tmp_path):
    root = written(tmp_path, {".fimlspignore": "# ours\n\nvault/\n", "x/.fimlspignore": "/*.sql\n"})
    exclusion = Exclusion((root,), ("*.log", "private/"))
    assert exclusion.reason(root / "vault/deep/a.py") == f"line 3 of {root}/.fimlspignore, 'vault/'"
    assert exclusion.reason(root / "x/a.sql") == f"line 1 of {root}/x/.fimlspignore, '/*.sql'"
    assert exclusion.reason(root / "private/a.py") == "item 2 of fimLsp.exclude, 'private/'"
    assert exclusion.reason(root / "x/y/a.sql") == ""


def test_the_innermost_rule_file_counts_but_no_other_source_is_lifted_by_it(tmp_path):
    root = written(tmp_path, {".fimlspignore": "*.sql\n", "a/.fimlspignore": "!b.sql\n!c.log\n"})
    exclusion = Exclusion((root,), ("*.log",))
    assert exclusion.reason(root / "b.sql")
    assert not exclusion.reason(root / "a/b.sql")
    assert exclusion.reason(root / "a/c.log")


def test_what_git_ignores_counts_where_it_is_asked_for(tmp_path):
    root = written(tmp_path, {".git/config": "", ".gitignore": "build/\n*.gen.py\n", "p/.gitignore": "!b.gen.py\n"})
    asked = Exclusion((root / "p",), with_ignored=True)
    assert not Exclusion((root / "p",)).reason(root / "build/a.py")
    assert asked.reason(root / "p/a.gen.py") == f"line 2 of {root}/.gitignore, '*.gen.py'"
    assert asked.reason(root / "build/x/a.py")
    assert not asked.reason(root / "p/b.gen.py")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (b"ok/\n\xff\xfe\n", "line 2 of {} is not UTF-8; save it as UTF-8"),
        (b"ok/\n!\n", "line 2 of {} is no pattern"),
        (b"a[b\n", "line 1 of {} is no pattern"),
        (b"[z-a]\n", "line 1 of {} is no pattern"),
        (b"a*a*a*a*a*b\n", "line 1 of {} is no pattern, or has more than 3 stars"),
        (b"#" * (MOST_BYTES + 1), "{} has more than"),
    ],
)
def test_rules_that_cannot_be_used_shut_their_folder_and_say_where(tmp_path, rules, said):
    root = written(tmp_path, {"in/deep/a.py": "", "out.py": ""})
    (file := root / "in/.fimlspignore").write_bytes(rules)
    exclusion = Exclusion((root,))
    assert exclusion.reason(root / "in/deep/a.py").startswith(said.format(file))
    assert not exclusion.reason(root / "out.py")


@pytest.mark.skipif(os.name == "nt", reason="there are no such files there")
@pytest.mark.parametrize("kind", ["pipe", "folder", "nowhere"])
def test_a_rule_file_that_is_none_shuts_its_folder_and_nobody_waits_for_it(tmp_path, kind):
    file = tmp_path / ".fimlspignore"
    {"pipe": os.mkfifo, "folder": os.mkdir, "nowhere": lambda path: path.symlink_to("not/there")}[kind](file)
    assert str(file) in Exclusion((tmp_path,)).reason(tmp_path / "a.py")


def test_a_setting_that_cannot_be_used_excludes_everything():
    assert Exclusion((), ("ok/", "!")).reason(Path("/w/a.py")).startswith("item 2 of fimLsp.exclude is no pattern")


def test_a_link_is_what_it_leads_to(tmp_path):
    root = written(tmp_path, {".fimlspignore": "vault/\n", ".env": "", "vault/a.py": ""})
    (root / "notes.py").symlink_to(root / ".env")
    (root / "b.py").symlink_to(root / "vault/a.py")
    exclusion = Exclusion((root,))
    assert "'.env*'" in exclusion.reason(root / "notes.py")
    assert "'vault/'" in exclusion.reason(root / "b.py")


@pytest.mark.parametrize(("name", "is_out"), [("a\0.py", False), (".env\0", True), ("a\0.sql", True)])
def test_a_name_that_no_file_has_is_judged_as_it_is(name, is_out):
    assert bool(Exclusion((Path("/"),), ("*.sql",)).reason(Path("/w") / name)) is is_out


def test_a_folder_named_like_a_secret_is_left(tmp_path):
    root = written(tmp_path / "credentials", {"a.py": ""})
    assert not Exclusion((root,)).reason(root / "a.py")


def test_a_rule_further_in_does_not_open_a_folder_that_is_shut(tmp_path):
    root = written(tmp_path, {".fimlspignore": "[z-a]\n", "in/.fimlspignore": "!*.py\n"})
    assert str(root / ".fimlspignore") in Exclusion((root,)).reason(root / "in/a.py")


def test_the_command_line_names_the_rule_too(tmp_path, monkeypatch):
    monkeypatch.chdir(written(tmp_path, {".fimlspignore": "vault/\n", "vault/a.py": "x = \n", "b.py": "x = \n"}))
    assert cursor.from_file("vault/a.py:1:5").refusal.startswith("this file is excluded: line 1 of ")
    assert cursor.from_file("b.py:1:5").refusal == ""
