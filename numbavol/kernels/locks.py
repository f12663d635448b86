"""Locks that an interrupt does not leave taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

Result = TypeVar("Result")


def run_alone(lock: RLock, work: Callable[[], Result]) -> Result:
    """Do one piece of work while no other thread holds a lock.

    In Python 3.14 an interrupt can come when ``with`` has taken a lock and not begun its block:
    then nobody frees it, and all who want it wait for ever.

    Parameters
    ----------
    lock
        Of the kind that knows whose it is, so that it can be freed by whoever does not know whether
        it was taken. It is held by nobody, or by another thread.
    work
        What to do.

    Returns
    -------
    object
        What ``work()`` returns.
    """
    try:
        lock.acquire()
        return work()
    finally:
        # At once: an interrupt may come after any call.
        try:  # noqa: SIM105
            lock.release()
        except RuntimeError:
            # The interrupt came before the lock.
            pass
