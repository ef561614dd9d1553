"""Where a server's key comes from: an environment variable, else the system's keyring; never a settings file."""

from __future__ import annotations

import logging
import os

logger = logging.getLogger(__name__)

SERVICE = "fim-lsp"  # in the keyring; the user's name there is the host
USUAL = {"mistral.ai": "MISTRAL_API_KEY", "deepseek.com": "DEEPSEEK_API_KEY"}  # sent to these hosts alone
OTHERS = "FIM_LSP_API_KEY"


def find_key(host: str, variable: str) -> str:
    """Return the key for a host, "" where there is none; a keyring may ask its owner, and take long."""
    named = variable or next((name for end, name in USUAL.items() if f".{host}".endswith(f".{end}")), OTHERS)
    return os.environ.get(named, "").strip() or _of_keyring(host)


def _of_keyring(host: str) -> str:
    try:
        import keyring
    except ImportError:
        return ""
    try:
        return (keyring.get_password(SERVICE, host) or "").strip()
    except Exception as problem:  # each system's keyring has errors of its own
        logger.warning("the keyring has no key for %s: %s", host, problem)
        return ""
