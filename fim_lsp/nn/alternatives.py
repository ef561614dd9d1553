"""Several continuations of one prompt in the same passes, none seeing another.

prompt … return ║    pass 1: s f "    pass 2: elf irst {    …    each row sees the prompt and its own past
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fim_lsp.nn.decode import Model, Step, pick


def decode(
    model: Model,
    cache: Any,
    firsts: Sequence[Step],
    most: int,
    is_over: Callable[[list[Step]], bool],
    stop: Callable[[], bool],
) -> list[list[Step]]:
    """Return each first step and at most `most` that greedily follow it; the cache keeps standing for the prompt."""
    found = [[first] for first in firsts]
    live = [at for at, steps in enumerate(found) if not is_over(steps)]
    start, owners = len(cache), list[int]()
    for depth in range(most):
        at = start + len(owners)
        if not live or stop() or at + len(live) > cache.capacity:
            break
        owners.extend(live)
        mask = np.ones((len(live), at + len(live)), np.bool_)
        mask[:, start:] = np.array(live)[:, None] == np.array(owners)[None, :]
        hidden = model.run([found[one][-1].token for one in live], [start + depth] * len(live), cache, at, mask)
        for one, logits in zip(live, model.logits(hidden), strict=True):
            found[one].append(pick(logits))
        live = [one for one in live if not is_over(found[one])]
    return found
