"""The only place that makes threads, and how many there are.

Kernels release the interpreter's lock, so a pool of Python threads is enough. The pool belongs to
the process that made it: after a fork the child makes its own, for its copy of the old one has no
threads behind it.
"""

from __future__ import annotations

import contextlib
import operator
import os
import threading
from _thread import start_new_thread
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from numbavol.kernels.locks import run_alone
from numbavol.kernels.resources import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT_VARIABLE = "NUMBAVOL_NUM_THREADS"
# Asked for: beyond them lies a slip of the keyboard.
MOST_THREADS = 1024


class Threads(NamedTuple):
    """Threads of this process, which live as long as it does."""

    queue: SimpleQueue[Callable[[], None]]
    """They call what is put into it."""
    n: int


class _Pool:
    """How many threads this process wants, and those it has made.

    For each purpose and number of threads there is a queue, so that callers together have no more
    of them.
    """

    def __init__(self, n_threads: int | None) -> None:
        self.n_threads = n_threads
        self._lock = threading.RLock()
        self.queues: dict[tuple[str, int], SimpleQueue[Callable[[], None]]] = {}

    def find(self, purpose: str, n_threads: int) -> Threads:
        """Return as many threads, which call what every caller puts into their queue."""
        if (purpose, n_threads) not in self.queues:
            # Not by this thread: `threading` takes locks of its own, and an interrupt could leave
            # one taken that every thread of the process needs to begin and to end.
            outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
            try:
                start_new_thread(self._start, (purpose, n_threads, outcomes))
            except RuntimeError as error:
                raise _too_many(n_threads, 0) from error
            error_of_start = outcomes.get()
            if error_of_start is not None:
                raise error_of_start
        return Threads(self.queues[purpose, n_threads], n_threads)

    def _start(
        self, purpose: str, n_threads: int, outcomes: SimpleQueue[BaseException | None]
    ) -> None:
        try:
            run_alone(self._lock, lambda: self._start_once(purpose, n_threads))
        except BaseException as error:  # noqa: BLE001  # the caller raises it
            outcomes.put(error)
        else:
            outcomes.put(None)

    def _start_once(self, purpose: str, n_threads: int) -> None:
        if (purpose, n_threads) in self.queues:
            return
        queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        for n_started in range(n_threads):
            try:
                threading.Thread(target=_work, args=(queue,), daemon=True).start()
            except RuntimeError as error:
                # Those that did start would wait for work for ever.
                for _ in range(n_started):
                    queue.put(_end_thread)
                raise _too_many(n_threads, n_started) from error
        self.queues[purpose, n_threads] = queue


def _too_many(n_threads: int, n_started: int) -> OSError:
    return OSError(
        f"n_threads: the system allows {n_started} more threads of this process, {n_threads} were "
        "asked for"
    )


_pools = [_Pool(n_threads=None)]
_thread = threading.local()


def _work(queue: SimpleQueue[Callable[[], None]]) -> None:
    _thread.is_worker = True
    with contextlib.suppress(_ThreadEndsError):
        while True:
            queue.get()()


class _ThreadEndsError(BaseException):
    """Ends the thread that it is raised on."""


def _end_thread() -> NoReturn:
    raise _ThreadEndsError


def _replace_pool() -> None:
    _pools[0] = _Pool(_pools[0].n_threads)


os.register_at_fork(after_in_child=_replace_pool)


def find_threads() -> Threads:
    """Find the threads that work is spread over; they are made where there are none yet.

    Raises
    ------
    OSError
        If the system allows no more threads.
    """
    return _pools[0].find("tasks", get_num_threads())


def find_threads_that_copy(most: int) -> Threads:
    """Find threads that copy beside those that compute: see `find_threads`.

    Parameters
    ----------
    most
        More are of no use.
    """
    return _pools[0].find("copies", min(get_num_threads(), most))


def find_thread_of_device() -> Threads:
    """Find the one thread on which all work of CUDA is done: see `find_threads`."""
    return _pools[0].find("device", 1)


def is_worker() -> bool:
    """Whether the thread that asks is one of these."""
    return getattr(_thread, "is_worker", False)


def get_num_threads() -> int:
    """Return how many threads work is spread over.

    That is what `set_num_threads` was told, else the environment's ``NUMBAVOL_NUM_THREADS``, else
    the number of CPUs that this process may use.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        If ``NUMBAVOL_NUM_THREADS`` is not a whole number from 1 to 1024.

    Examples
    --------
    >>> import numbavol
    >>> numbavol.get_num_threads() >= 1
    True
    """
    if _pools[0].n_threads is not None:
        return _pools[0].n_threads
    configured = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if not configured:
        return usable_cpus()
    if not configured.isdecimal() or not 1 <= int(configured) <= MOST_THREADS:
        msg = (
            f"{ENVIRONMENT_VARIABLE}: expected a number of threads from 1 to {MOST_THREADS}, got "
            f"{configured!r}"
        )
        raise ValueError(msg)
    return int(configured)


def set_num_threads(n_threads: int | None) -> None:
    """Set how many threads work is spread over, in this process and those it forks.

    The result of a computation does not depend on it, but for the last digits where SciPy's
    transforms do, as on ARM.

    Parameters
    ----------
    n_threads
        A number of threads, or None for the default of `get_num_threads`.

    Raises
    ------
    ValueError
        If it is below 1 or above 1024.

    Examples
    --------
    >>> import numbavol
    >>> numbavol.set_num_threads(1)
    >>> numbavol.get_num_threads()
    1
    >>> numbavol.set_num_threads(None)
    """
    number = None
    if n_threads is not None:
        with contextlib.suppress(TypeError):
            number = operator.index(n_threads)
        if number is None or not 1 <= number <= MOST_THREADS:
            msg = (
                f"n_threads: expected a whole number of threads from 1 to {MOST_THREADS}, got "
                f"{n_threads!r}"
            )
            raise ValueError(msg)
    _pools[0].n_threads = number
