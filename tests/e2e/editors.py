"""What the tests of all real editors share."""

from __future__ import annotations

import os

import pytest

PATIENT_MS = 60_000  # a deadline that a busy machine meets: what is suggested must not depend on its speed


def missing(editor: str, remedy: str) -> None:
    """Fail where everything must be there (CI), skip loudly elsewhere."""
    message = f"{editor} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
