"""What a measurement leaves behind, as it is written to JSON and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Report = Mapping[str, Any]
Row = Mapping[str, Any]
