"""What a work costs at two sizes: a ratio, for no time is worth anything on a machine that others use."""

from __future__ import annotations

import time
from collections.abc import Callable

TIMES, LINEAR = 4, 10  # so much larger may cost so much more; a pair of nested loops costs 16 times as much
NOTHING_S = 0.02  # no ratio is told from less


def cost(work: Callable[[], object]) -> float:
    """Return the processor seconds of the quickest of three runs."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Take work(size) for linear."""
    small, large = cost(lambda: work(size)), cost(lambda: work(TIMES * size))
    assert large < max(NOTHING_S, LINEAR * small), f"{small:.3f} s, at {TIMES} times the size {large:.3f} s"
