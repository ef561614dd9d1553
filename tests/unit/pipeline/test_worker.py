"""The decode thread: in order, one at a time, and another one where it died."""

from __future__ import annotations

import threading

import pytest

from fim_lsp.pipeline.worker import Worker

PATIENCE_S = 10


@pytest.fixture
def worker():
    made = Worker("test")
    yield made
    made.shutdown(cancel_futures=True)
    assert not made.thread.is_alive()


def test_work_is_done_in_order_and_its_faults_are_told(worker):
    done: list[int] = []
    futures = [worker.submit(done.append, n) for n in range(100)]
    failed = worker.submit(int, "x")
    assert [future.result(PATIENCE_S) for future in futures] == [None] * 100
    assert done == list(range(100))
    with pytest.raises(ValueError):
        failed.result(PATIENCE_S)


def test_what_waits_at_a_shutdown_is_cancelled_and_what_runs_is_ended(worker):
    running, go = threading.Event(), threading.Event()
    first = worker.submit(lambda: running.set() or go.wait(PATIENCE_S))
    waiting = [worker.submit(int) for _ in range(1000)]
    assert running.wait(PATIENCE_S)
    worker.shutdown(wait=False, cancel_futures=True)
    go.set()
    assert first.result(PATIENCE_S)
    assert all(future.cancelled() for future in waiting)
    with pytest.raises(RuntimeError):
        worker.submit(int)


@pytest.mark.parametrize("round_", range(5))
def test_a_shutdown_while_work_ends_is_sound(round_):
    worker = Worker("test")
    futures = [worker.submit(int) for _ in range(500)]
    worker.shutdown(cancel_futures=True)
    assert all(future.done() for future in futures)


def test_a_thread_that_died_leaves_its_work_to_another(worker):
    def die() -> None:
        raise SystemExit

    dead, died, after = worker.thread, worker.submit(die), worker.submit(int, 7)
    assert after.result(PATIENCE_S) == 7
    assert isinstance(died.exception(), RuntimeError)
    assert worker.thread is not dead
