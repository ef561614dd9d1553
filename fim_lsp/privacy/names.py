"""Files that hold secrets by their names; no setting and no rule file lifts this.

The names that gitrob and shhgit look for, that GitHub's .gitignore templates keep out and that Cursor does not index.
Programs are left (`secrets.py`, `credentials.go`): what looks like a secret in them is masked (secrets.py).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate
from pathlib import PurePath

DATA = ("json", "yaml", "yml", "toml", "ini", "cfg", "conf", "xml", "properties", "plist", "txt", "csv", "enc", "db")
NAMES = (
    *(".env*", "*.env", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials", ".vault-token"),
    *(".npmrc", ".pypirc", ".dockercfg", ".s3cfg", ".boto", ".terraformrc", "*.tfvars", "*.tfstate", "*.tfstate.*"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk", "*.p8", "*.gpg", "*.ovpn"),
    *("*.p12", "*.pfx", "*.pkcs12", "*.keystore", "*.jks", "*.keychain", "*.kdb", "*.kdbx", "wallet.dat"),
    *("kubeconfig*", "*.kubeconfig", "client_secret*.json", "service?account*.json", "local.settings.json"),
    *("credentials", ".credentials*", "application_default_credentials.json"),
    *(f"{stem}.{end}" for stem in ("credentials*", "secrets", "secrets.*") for end in DATA),
)
EXCLUDED = "this file is excluded: {}"
PLACES = (".kube/config", ".docker/config.json", ".aws/config")  # a name that only its folder makes one

_ANY = re.compile("|".join(translate(pattern) for pattern in NAMES))


def sensitive(path: PurePath) -> str:
    """Return the pattern that a file's name is of, "" for none; whatever the case of its letters."""
    name, place = path.name.lower(), "/".join(path.parts[-2:]).lower()
    if _ANY.match(name):
        return next(pattern for pattern in NAMES if fnmatchcase(name, pattern))
    return place if place in PLACES else ""


def reason(path: PurePath) -> str:
    """Return why a file is left out for its name alone, "" where it is not."""
    return f"files named {pattern!r} hold secrets" if (pattern := sensitive(path)) else ""
