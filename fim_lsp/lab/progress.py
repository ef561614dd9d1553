"""How long work says how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

StepProgress = Callable[[str, int, int], None]  # what is being done, so many of so many
RunProgress = Callable[[dict[str, Any], float], None]  # a line of the log, and the share of the run that is done
StudyProgress = Callable[[dict[str, Any], float, str], None]  # a line of the log, share of all runs done, whose line
