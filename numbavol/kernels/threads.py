"""The only place that makes threads: serial kernels run side by side on one pool.

Kernels release the interpreter's lock, so a pool of Python threads is enough. The pool belongs to
the process that made it: after a fork the child makes its own, for its copy of the old one has no
threads behind it.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import os
import threading
from _thread import start_new_thread
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from numbavol.kernels.locks import run_alone
from numbavol.kernels.resources import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Task = TypeVar("Task")
Result = TypeVar("Result")

ENVIRONMENT_VARIABLE = "NUMBAVOL_NUM_THREADS"
SECONDS_BETWEEN_LOOKS = 0.05
# Asked for: beyond them lies a slip of the keyboard.
MOST_THREADS = 1024
# Threads that are done wait for those that are not: at most for one of so many tasks.
TASKS_A_THREAD = 4


class _Pool:
    """How many threads this process wants, and those it has made.

    Of each number of threads there is a queue, so that callers together have no more of them.
    """

    def __init__(self, n_threads: int | None) -> None:
        self.n_threads = n_threads
        self._lock = threading.RLock()
        self.queues: dict[int, SimpleQueue[Callable[[], None]]] = {}

    def queue_of(self, n_threads: int) -> SimpleQueue[Callable[[], None]]:
        """Return the queue of as many threads, which call what every caller puts into it."""
        if n_threads not in self.queues:
            # Not by this thread: `threading` takes locks of its own, and an interrupt could leave
            # one taken that every thread of the process needs to begin and to end.
            outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
            try:
                start_new_thread(self._start, (n_threads, outcomes))
            except RuntimeError as error:
                raise _too_many(n_threads, 0) from error
            error_of_start = outcomes.get()
            if error_of_start is not None:
                raise error_of_start
        return self.queues[n_threads]

    def _start(self, n_threads: int, outcomes: SimpleQueue[BaseException | None]) -> None:
        try:
            run_alone(self._lock, lambda: self._start_once(n_threads))
        except BaseException as error:  # noqa: BLE001  # the caller raises it
            outcomes.put(error)
        else:
            outcomes.put(None)

    def _start_once(self, n_threads: int) -> None:
        if n_threads in self.queues:
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
        self.queues[n_threads] = queue


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


def count_threads_for_tasks() -> int:
    """Count the threads that `run_tasks` would use here.

    Returns
    -------
    int
        1 where it is a task that asks: tasks of its own are done by its thread.
    """
    return 1 if getattr(_thread, "is_worker", False) else get_num_threads()


def even_size_of_tasks(n: int, most: int) -> int:
    """Find how many of n equal pieces of work are best one task.

    Parameters
    ----------
    n
        How many pieces there are.
    most
        So many take long beside what a task costs.

    Returns
    -------
    int
        At least 1, and at most ``most``; fewer where threads would wait for each other.
    """
    return max(1, min(most, n // (TASKS_A_THREAD * get_num_threads())))


def run_tasks(
    work: Callable[[Task], object],
    tasks: Iterable[Task],
    report: Callable[[int, int], object] | None = None,
) -> None:
    """Do ``work(task)`` for every task, on this process's threads.

    Parameters
    ----------
    work
        Called once a task, by any thread; two calls never write the same memory.
    tasks
        The tasks. They are begun in this order.
    report
        Called by this thread after each task with the number of tasks done, and of all.

    Raises
    ------
    BaseException
        The first error of a task, or an interrupt: tasks that were not begun are dropped, those
        that were are waited for, unless a second interrupt comes.
    """
    _share(work, list(tasks), report, get_num_threads)


def map_tasks(work: Callable[[Task], Result], tasks: Iterable[Task]) -> list[Result]:
    """Do ``work(task)`` for every task, as `run_tasks` does, and return the results in their order.

    Parameters
    ----------
    work, tasks
        As of `run_tasks`.

    Returns
    -------
    list
        What ``work`` returned for each task.
    """
    results: dict[int, Result] = {}

    def keep(numbered: tuple[int, Task]) -> None:
        number, task = numbered
        results[number] = work(task)

    run_tasks(keep, enumerate(tasks))
    return [results[number] for number in sorted(results)]


def _share(
    work: Callable[[Task], object],
    tasks: list[Task],
    report: Callable[[int, int], object] | None,
    count_threads: Callable[[], int],
) -> None:
    # A task that has tasks of its own must not wait for the threads that it stands on.
    if getattr(_thread, "is_worker", False):
        for n_done, task in enumerate(tasks, start=1):
            work(task)
            if report is not None:
                report(n_done, len(tasks))
        return
    run = _Run(work, tasks)
    try:
        # Also a single thread is not the caller's: an interrupt reaches the main thread only, and
        # must not find it where Numba loads code, for LLVM's callbacks lose it, or crash.
        n_threads = count_threads()
        queue = _pools[0].queue_of(n_threads)
        for _ in range(min(n_threads, len(tasks))):
            queue.put(run.work_off)
        for n_done in range(1, len(tasks) + 1):
            error = run.outcomes.get()
            if error is not None:
                try:
                    raise error
                finally:
                    # Its traceback has this frame: what the task held would stay with both.
                    del error
            if report is not None:
                report(n_done, len(tasks))
    finally:
        run.stop()


class _Run(Generic[Task]):
    """Tasks that a few threads share, and what the caller waits for.

    Between threads there are queues that are written in C, and locks that `run_alone` takes: an
    interrupt can come between any two lines of Python, and leave a lock that these hold, as
    `concurrent.futures` has them, locked for ever.
    """

    def __init__(self, work: Callable[[Task], object], tasks: list[Task]) -> None:
        self.outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
        self._work, self._tasks, self._lock = work, iter(tasks), threading.RLock()
        self._n_begun = self._n_ended = 0
        self._is_stopped = False

    def work_off(self) -> None:
        """Do the next task until there is none."""
        while begun := run_alone(self._lock, self._begin):
            outcome = None
            try:
                self._work(begun.pop())
            except BaseException as error:  # noqa: BLE001  # the caller raises it
                outcome = error
            run_alone(self._lock, self._end)
            self.outcomes.put(outcome)
            del outcome

    def stop(self) -> None:
        """Begin no more tasks, and wait for those that are begun."""
        run_alone(self._lock, self._forbid)
        while self._n_ended < self._n_begun:
            with contextlib.suppress(Empty):
                self.outcomes.get(timeout=SECONDS_BETWEEN_LOOKS)

    def _begin(self) -> list[Task]:
        """Return the next task, or none."""
        begun = [] if self._is_stopped else list(itertools.islice(self._tasks, 1))
        self._n_begun += len(begun)
        return begun

    def _end(self) -> None:
        self._n_ended += 1

    def _forbid(self) -> None:
        self._is_stopped = True


def run_task(work: Callable[[], Result]) -> Result:
    """Do one piece of work on a thread of this process, as `run_tasks` does.

    Parameters
    ----------
    work
        What to do.

    Returns
    -------
    object
        What ``work()`` returns.
    """
    return _run_one(work, get_num_threads)


def run_on_one_thread(work: Callable[[], Result]) -> Result:
    """Do one piece of work on the same thread as all others that are done so.

    Parameters
    ----------
    work
        What to do. On a thread of this process already, it is done there.

    Returns
    -------
    object
        What ``work()`` returns.
    """
    return _run_one(work, lambda: 1)


def _run_one(work: Callable[[], Result], count_threads: Callable[[], int]) -> Result:
    results: list[Result] = []
    _share(lambda task: results.append(task()), [work], None, count_threads)
    return results[0]
