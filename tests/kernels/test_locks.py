"""Locks that an interrupt does not leave taken."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from numbavol.kernels.locks import run_alone

if TYPE_CHECKING:
    from collections.abc import Callable


class InterruptedLock:
    """A lock whose taking is interrupted, before or after it is taken."""

    def __init__(self, acquire: Callable[[threading.RLock], object]) -> None:
        self.lock = threading.RLock()
        self._acquire = acquire

    def acquire(self) -> None:
        self._acquire(self.lock)
        raise KeyboardInterrupt

    def release(self) -> None:
        self.lock.release()


def is_free(lock: threading.RLock) -> bool:
    """Whether another thread can take it."""
    taken: list[bool] = []

    def take() -> None:
        taken.append(lock.acquire(blocking=False))
        if taken[0]:
            lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return taken[0]


def test_what_is_done_gives_its_result_and_frees_the_lock() -> None:
    lock = threading.RLock()
    assert run_alone(lock, lambda: not is_free(lock))
    assert is_free(lock)


def test_an_error_frees_the_lock() -> None:
    lock = threading.RLock()
    with pytest.raises(ZeroDivisionError):
        run_alone(lock, lambda: 1 / 0)
    assert is_free(lock)


def test_an_interrupt_that_comes_when_the_lock_was_just_taken_frees_it() -> None:
    interrupted = InterruptedLock(lambda lock: lock.acquire())
    with pytest.raises(KeyboardInterrupt):
        run_alone(interrupted, lambda: pytest.fail("it was interrupted before"))  # type: ignore[arg-type]
    assert is_free(interrupted.lock)


def test_an_interrupt_that_comes_before_the_lock_leaves_it_to_its_holder() -> None:
    interrupted = InterruptedLock(lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        run_alone(interrupted, lambda: pytest.fail("it was interrupted before"))  # type: ignore[arg-type]
    has_it, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        run_alone(interrupted.lock, lambda: (has_it.set(), may_end.wait()))

    holder = threading.Thread(target=hold)
    holder.start()
    assert has_it.wait(60)
    with pytest.raises(KeyboardInterrupt):
        run_alone(interrupted, lambda: pytest.fail("it was interrupted before"))  # type: ignore[arg-type]
    assert not is_free(interrupted.lock)
    may_end.set()
    holder.join()
    assert is_free(interrupted.lock)


def test_threads_do_it_one_after_another() -> None:
    lock = threading.RLock()
    at_once: list[int] = []
    there: list[None] = []

    def work() -> None:
        there.append(None)
        at_once.append(len(there))
        time.sleep(1e-3)
        there.pop()

    threads = [threading.Thread(target=run_alone, args=(lock, work)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at_once == [1] * 8
