"""Secrets of every kind, made up, and a workspace full of them."""

from __future__ import annotations

import base64
import random
import string
from pathlib import Path
from typing import NamedTuple

from tests.unit.context.folder import written

ALNUM, HEX, WORD = string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_letters + string.digits + "_"
PROVIDERS = {  # what comes before a secret, of which letters it is, how long
    **dict.fromkeys(("AKIA", "ASIA"), (string.ascii_uppercase + "234567", 16)),
    **dict.fromkeys(("ghp_", "gho_", "ghs_", "npm_", "glpat-", "hf_", "pypi-AgEIcHlwaS5vcmc"), (ALNUM, 36)),
    **dict.fromkeys(("sk-proj-", "sk-ant-api03-", "sk_live_", "rk_test_", "whsec_", "lin_api_"), (ALNUM, 40)),
    **dict.fromkeys(("AIza", "7311234567:AA", "GOCSPX-", "sq0atp-", "hvs.", "ya29."), (ALNUM, 35)),
    **dict.fromkeys(("shpat_", "dapi", "SK", "key-"), (HEX, 32)),
    **dict.fromkeys(("dop_v1_",), (HEX, 64)),
    "github_pat_": (WORD, 60),
    "xoxb-": (string.digits, 24),
    "xapp-1-": (ALNUM, 40),
    "https://hooks.slack.com/services/T01/": (ALNUM, 40),
    "AGE-SECRET-KEY-1": (string.digits + string.ascii_uppercase, 58),
    "DefaultEndpointsProtocol=https;AccountKey=": (ALNUM, 80),
    "Authorization: Bearer ": (ALNUM, 40),
}
NAMES = (
    "password",
    "DB_PASSWORD",
    "passwd",
    "api_key",
    "apiKey",
    "client_secret",
    "ACCESS_TOKEN",
    "private_key",
    "pwd",
)
GIVEN = (  # a value to a name
    '{name} = "{value}"',
    "    {name}='{value}',",
    '"{name}": "{value}",',
    'def signed_{n}({name}: str = "{value}") -> None: ...',
    'os.environ["{name}"] = "{value}"',
    "# export {name}={value}",
)


class Planted(NamedTuple):
    """A line or several of source, and the parts of it that nobody else is to see."""

    kind: str
    text: str
    parts: tuple[str, ...]


def planted(count: int, seed: int = 0) -> list[Planted]:
    """Make so many secrets, each kind in its turn."""
    rng = random.Random(seed)
    return [_one(rng, n) for n in range(count)]


def _one(rng: random.Random, n: int) -> Planted:
    kinds = [*PROVIDERS, *GIVEN, "jwt", "pem", "url"]
    kind = kinds[n % len(kinds)]
    if kind in PROVIDERS:
        letters, length = PROVIDERS[kind]
        body = "".join(rng.choices(letters, k=length - 2)) + ("A7" if letters == ALNUM else "77")
        said = rng.choice(('value_{n} = "{it}"', 'def made_{n}(x="{it}"): ...', "# {it}", 'call({n}, "{it}")'))
        return Planted(kind, said.format(n=n, it=kind + body), (body,))
    if kind in GIVEN:
        value = "".join(rng.choices(ALNUM, k=rng.randint(14, 40))) + "c4"
        value = value if "export" in kind or n % 2 else value[:6] + "!5#" + value[6:12]
        return Planted("given", kind.format(name=rng.choice(NAMES), value=value, n=n), (value,))
    if kind == "jwt":
        body = ".".join(_encoded(rng, size) for size in (20, 40, 32))
        return Planted(kind, f'cookie_{n} = "eyJ{body[3:].replace(".", ".eyJ", 1)}"', tuple(body[3:].split(".")))
    if kind == "url":
        password = "".join(rng.choices(ALNUM, k=14))
        return Planted(kind, f'address_{n} = "postgres://me:{password}@db.example.com/x"', (password,))
    key = base64.b64encode(rng.randbytes(600)).decode()
    lines = [key[at : at + 64] for at in range(0, len(key), 64)]
    block = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"])
    return Planted(kind, f'key_{n} = """{block}"""', tuple(lines))


def _encoded(rng: random.Random, size: int) -> str:
    return base64.urlsafe_b64encode(rng.randbytes(size)).decode().rstrip("=")


def phrase(n: int) -> str:
    """Return a secret that no form gives away: only its file does."""
    return f"battery staple number{n} horse {n * 7919}"


EXCLUDED = (  # each by another rule; git's alone, by the last
    *(".env", "deploy/.env.production", "id_rsa", "certs/server.pem", "credentials.json", "config/secrets.yaml"),
    *("vault/a.py", "private/b.py", "ignored/c.py"),
)
RULES = {".fimlspignore": "vault/\n", ".gitignore": "ignored/\n"}
PATTERNS = ["private/"]
BODY = (
    "def load_store_{n}(folder, encoding):\n    settings = read_settings(folder)\n    return Store(folder, settings)\n"
)


def workspace(root: Path, secrets: list[Planted], per_file: int = 20) -> Path:
    """Write the secrets into source files that are like each other, and phrases into excluded ones."""
    files = dict(RULES)
    for number, at in enumerate(range(0, len(secrets), per_file)):
        said = "\n".join(one.text for one in secrets[at : at + per_file])
        files[f"lib/m{number}.py"] = f"{said}\n\n{BODY.format(n=number)}\n{said}\n"
    for n, name in enumerate(EXCLUDED):
        files[name] = f'phrase = "{phrase(n)}"\n{BODY.format(n=f"out{n}")}'
    return written(root, files)


def leaked(secrets: list[Planted], data: str | bytes) -> list[str]:
    """Return the parts of secrets, and the phrases, that stand in some text."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    wanted = [part for one in secrets for part in one.parts] + [phrase(n) for n in range(len(EXCLUDED))]
    return [part for part in wanted if part in text]
