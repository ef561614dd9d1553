"""What looks like a secret is masked, and what does not is left."""

from __future__ import annotations

from pathlib import Path

import pytest

import fim_lsp
from fim_lsp.privacy.secrets import MASK, find, mask
from tests.unit.privacy.planted import leaked, planted

SECRETS = planted(500)
EXAMPLES = ["hunter2", "hun║ter2"]  # of privacy/outbound.py, which says what becomes of them


def test_five_hundred_are_masked_each_alone():
    assert [one.text for one in SECRETS if leaked([one], mask(one.text))] == []


def test_five_hundred_are_masked_in_one_text_and_its_lines_stay():
    text = "\n".join(f"{one.text}\nx = {n}" for n, one in enumerate(SECRETS))
    masked = mask(text)
    assert leaked(SECRETS, masked) == []
    assert masked.count("\n") == text.count("\n")
    assert mask(masked) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('key = "AKIA234567ABCDEFGHIJ"', f'key = "AKIA{MASK}"'),
        ('password = "hunter2', f'password = "{MASK}'),
        ("password: hunter2x\n", f"password: {MASK}\n"),
        ('"Server=a;Password=hunter2x;"', f'"Server=a;Password={MASK};"'),
        ("redis://:hunter2@host/0", f"redis://:{MASK}@host/0"),
        ('İ = 1\napi_key = "Zm9vYmFy1234"', f'İ = 1\napi_key = "{MASK}"'),
        ("curl -H 'X-Api-Key: 9f8e7d6c5b4a39281706'", f"curl -H 'X-Api-Key: {MASK}'"),
        ("token = '" + "aZ1bY2cX3dW4" * 400 + "'", f"token = '{MASK}'"),
    ],
)
def test_what_is_masked_of_a_line(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "password = get_password(user1)",
        "token = tokens[index1]",
        "self.password = self.settings2.password",
        'TOKEN_NAME = "file-sep-1"',
        'tokenizer = "Qwen/Qwen2.5-Coder-0.5B"',
        'password = "<your password 1>"',
        'password = "${DB_PASSWORD_1}"',
        'secret_url = "https://example.com/a1b2c3d4"',
        'url = "http://localhost:8080/a@b"',
        'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        'if "-----BEGIN RSA PRIVATE KEY-----" in text:\n    return True',
        "from fim_lsp.privacy.secrets import mask2",
    ],
)
def test_what_is_no_secret_is_left(text):
    assert mask(text) == text


def test_false_alarms_in_our_own_sources_are_counted():
    texts = [path.read_text(encoding="utf-8") for path in Path(fim_lsp.__file__).parent.rglob("*.py")]
    assert sum(text.count("\n") for text in texts) > 20_000
    assert [text[one.start : one.end] for text in texts for one in find(text)] == EXAMPLES


@pytest.mark.parametrize(
    "part", ["eyJ", "sk-", 'token="', "token=\" token=' ", "token=", "+", "://a:", "password: : ", "A\n", "SG.a"]
)
def test_a_hostile_line_does_not_take_for_ever(part):
    find(part * (400_000 // len(part)))  # were it quadratic, the suite's time limit would end it
