"""The decode thread: one piece of work at a time, and another thread goes on where one died.

`concurrent.futures.ThreadPoolExecutor` counts a dead thread among the living: what is submitted then waits for ever.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any

logger = logging.getLogger(__name__)

DIED = "the decode thread died meanwhile; another one goes on"


class Worker(Executor):
    """Run what is submitted, in order, in a thread of its own.

    It is woken through a queue in C: a Condition passes the interpreter's lock to and fro before the thread begins.
    """

    def __init__(self, name: str):
        self.name, self.is_stopped = name, False
        self.waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()  # the first is being done
        self.wake: SimpleQueue[None] = SimpleQueue()
        self.submitting = threading.Lock()
        self._begin()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self.submitting:
            if self.is_stopped:
                raise RuntimeError("nothing can be submitted after a shutdown")
            self.waiting.append((future, partial(work, *args, **kwargs)))
        self.wake.put(None)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self.submitting:
            self.is_stopped = True
        for future, _ in tuple(self.waiting) if cancel_futures else ():
            future.cancel()
        self.wake.put(None)
        if wait:
            self.thread.join()

    def _begin(self) -> None:
        self.thread = threading.Thread(target=self._live, name=self.name, daemon=True)
        self.thread.start()

    def _live(self) -> None:
        try:
            is_over = False
            while not is_over:
                is_over = self.is_stopped  # asked before the last look: nothing is submitted after it
                while self.waiting:
                    _do(*self.waiting[0])
                    self.waiting.popleft()
                if not is_over:
                    self.wake.get()
        except BaseException:  # whoever wants a thread to end does not want the next suggestion to wait for ever
            self._go_on()

    def _go_on(self) -> None:
        """Begin another thread with what waits; what the dead one was doing has failed."""
        logger.exception("the decode thread died")
        if self.waiting and self.waiting[0][0].running():
            self.waiting[0][0].set_exception(RuntimeError(DIED))
        if self.waiting and self.waiting[0][0].done():
            self.waiting.popleft()
        self._begin()


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do one piece of work; what ends the thread with it, as SystemExit, is not let into the event loop."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except Exception as problem:
        future.set_exception(problem)
    else:
        future.set_result(result)
