"""The forms of secrets: providers' tokens, keys, addresses with passwords, and values given to telling names.

After gitleaks (config/gitleaks.toml) and detect-secrets (plugins/), which know them by the providers' own
documentation. All repetition is bounded or possessive: a hostile line costs time in proportion to its length.
"""

from __future__ import annotations

import re

# Of a private key: what may stand before its base64, and between its lines, in source text or in quotes.
HEAD = r"(?:\s|\\[nr]|[\"'`+,]|[A-Z][\w-]+: [^\n]*+)*+"
BODY = r"(?:[A-Za-z0-9+/=\s\"'`+,]|\\[nr])*+"

# Where a secret begins: what stands before the group is kept.
PROVIDERS = tuple(
    (start, re.compile(pattern, re.MULTILINE))
    for start, pattern in (
        *((start, rf"(?:{start})([A-Z2-7]{{16}})") for start in ("AKIA", "ASIA", "ABIA", "ACCA")),
        *((f"gh{kind}_", rf"gh{kind}_(\w{{30,}})") for kind in "pousr"),
        ("github_pat_", r"github_pat_(\w{30,})"),
        ("glpat-", r"glpat-([\w-]{18,})"),
        ("xox", r"xox[abeoprs]-([\w-]{10,})"),
        ("xapp-", r"xapp-([\w-]{20,})"),
        ("hooks.slack.com/", r"hooks\.slack\.com/\w+/([\w/+-]{30,})"),
        ("sk-", r"sk-(?:proj-|ant-|or-|svcacct-)?((?=[\w-]{0,200}?\d)(?=[\w-]{0,200}?[A-Z])[\w-]{20,}|[0-9a-f]{32,})"),
        *((f"{kind}_{mode}_", rf"{kind}_{mode}_(\w{{10,}})") for kind in ("sk", "rk") for mode in ("live", "test")),
        ("whsec_", r"whsec_([\w+/=]{20,})"),
        ("AIza", r"AIza([\w-]{35})"),
        ("GOCSPX-", r"GOCSPX-([\w-]{20,})"),
        ("ya29.", r"ya29\.([\w-]{20,})"),
        ("npm_", r"npm_([A-Za-z0-9]{30,})"),
        ("pypi-AgE", r"pypi-AgE([\w-]{30,})"),
        ("hf_", r"hf_([A-Za-z0-9]{30,})"),
        *((f"do{kind}_v1_", rf"do{kind}_v1_([a-f0-9]{{40,}})") for kind in "opr"),
        ("SG.", r"SG\.([\w-]{16,}\.[\w-]{16,})"),
        ("shp", r"shp(?:at|ca|pa|ss)_([a-fA-F0-9]{32})"),
        ("sq0", r"sq0(?:atp|csp)-([\w-]{20,})"),
        (":AA", r":AA([\w-]{33})"),
        ("dapi", r"dapi([a-f0-9]{32})"),
        ("lin_api_", r"lin_api_(\w{30,})"),
        ("hvs.", r"hvs\.([\w-]{20,})"),
        ("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1([0-9A-Z]{40,})"),
        ("AccountKey=", r"AccountKey=([\w+/=]{40,})"),
        ("SK", r"SK([0-9a-f]{32})"),
        ("key-", r"key-([0-9a-f]{32})"),
        ("eyJ", r"eyJ([\w-]{8,400}+\.eyJ[\w-]{8,}(?:\.[\w-]*)?)"),
        *((auth, rf"{auth}\s+((?=[\w.~+/-]{{0,200}}?\d)[\w.~+/-]{{20,}}=*)") for auth in ("Bearer", "Basic")),
        ("-----BEGIN ", rf"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----({HEAD}[A-Za-z0-9+/=]{{16,}}{BODY})"),
        ("-----END ", r"((?:^[ \t]*[A-Za-z0-9+/=]{1,76}\r?\n)++)[ \t]*-----END [A-Z0-9 ]*PRIVATE KEY"),
        ("://", r"://[^\s/:@\"'`<>{}$]{0,80}:([^\s/@\"'`<>{}]{3,200})@"),
    )
)
BLOCK = re.compile(
    r"^[ \t\"']*+([A-Za-z0-9+/]{60,}+={0,2}+)(?:\\n)?[\"',; \t+\\]*+$", re.MULTILINE
)  # base64, a whole line

STEM = re.compile(  # of a name that secrets have, in lower case
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|private|signing|auth)[_-]?key"
)
NAME_END = re.compile(r"s?(?![a-z])[\w-]{0,30}[\"'`]?\]?")
TYPE = r"(?:\s{0,4}:\s{0,4}[\w.\[\]| ?*&']{1,40}?(?==))?"
MOST_CHARS = 500  # looked at of a value: a hostile line may have thousands of quotes
GIVEN = re.compile(
    TYPE + r"(?:\s{0,8}(?::=|=>|={1,3}|:|,)\s{0,8}|\s{1,4})[bfruBFRU@$]{0,2}"
    rf"([\"'`])((?:(?!\1)[^\n\\]|\\.){{6,{MOST_CHARS}}}+)"
)
BARE = re.compile(rf"(?:\s{{0,2}}[:=]\s{{0,2}}|>)([A-Za-z0-9+/_~.=-]{{16,{MOST_CHARS}}}+)(?=[\s\"'<;,]|\Z)")
PASSWORD = re.compile(r"(?:=|: )([^\s;\"'`&,(){}<>\[\]]{6,200}+)(?=[;\"'&]|[ \t]*$)", re.MULTILINE)
NAMED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
