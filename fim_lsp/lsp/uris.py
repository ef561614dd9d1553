"""One name for a file, however a client spells its URI (RFC 3986, section 6.2.2; RFC 8089, appendix E)."""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from pygls.uris import to_fs_path

FILE = re.compile(r"file:(?://([^/]*))?(.*)", re.IGNORECASE | re.DOTALL)  # host, path
DRIVE = re.compile(rb"/*([A-Za-z]):(?=[/\\]|\Z)")
UNQUOTED = "/:@!$&'()*+,;=~-._"


def one_uri(uri: str) -> str:
    """Return the spelling that all spellings of a file's URI share; other schemes' stay as they are.

    >>> one_uri("file:///C:/a b.py") == one_uri("file:///c%3A/a%20b.py") == "file:///c:/a%20b.py"
    True
    """
    found = FILE.fullmatch(uri)
    if found is None:
        return uri
    host, path = found[1] or "", found[2]
    if len(unquote(host)) == 2:  # file://c:/a.py: a drive where the host belongs
        host, path = "", f"/{host}{path}"
    name = unquote_to_bytes(path)
    if drive := DRIVE.match(name):
        name = b"/" + drive[1].lower() + b":" + name[drive.end() :].replace(b"\\", b"/")
    host = host.lower() if host.lower() != "localhost" else ""
    return f"file://{host}{quote_from_bytes(name, UNQUOTED)}"


def fs_path(uri: str) -> str | None:
    """Return the path that a file's URI names, None for one that names none."""
    try:
        return to_fs_path(uri)
    except ValueError:  # `file://[`
        return None


def is_nameless(uri: str) -> bool:
    """True where a URI says nothing but its scheme, as those of buffers without a file do."""
    return not uri.partition(":")[2].strip("/")
