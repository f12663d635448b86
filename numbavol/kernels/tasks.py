"""Work that is shared out: serial kernels run side by side, as tasks of a process's threads."""

from __future__ import annotations

import contextlib
import itertools
from queue import Empty, SimpleQueue
from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar

from numbavol.kernels.locks import run_alone
from numbavol.kernels.threads import find_thread_of_device, find_threads, get_num_threads, is_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numbavol.kernels.threads import Threads

Task = TypeVar("Task")
Result = TypeVar("Result")

SECONDS_BETWEEN_LOOKS = 0.05
# Threads that are done wait for those that are not: at most for one of so many tasks.
TASKS_A_THREAD = 4


def count_threads_for_tasks() -> int:
    """Count the threads that `run_tasks` would use here.

    Returns
    -------
    int
        1 where it is a task that asks: tasks of its own are done by its thread.
    """
    return 1 if is_worker() else get_num_threads()


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
    SharedTasks(work, tasks).run(report)


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


class SharedTasks(Generic[Task]):
    """Tasks that a few threads share, and what the caller waits for.

    Between threads there are queues that are written in C, and locks that `run_alone` takes: an
    interrupt can come between any two lines of Python, and leave a lock that these hold, as
    `concurrent.futures` has them, locked for ever. Who begins tasks is to stop them at last.

    Parameters
    ----------
    work, tasks
        As of `run_tasks`.
    find
        Called for the threads, when tasks begin.
    """

    def __init__(
        self,
        work: Callable[[Task], object],
        tasks: Iterable[Task],
        find: Callable[[], Threads] = find_threads,
    ) -> None:
        listed = list(tasks)
        self._n, self._tasks = len(listed), iter(listed)
        self._outcomes: SimpleQueue[BaseException | None] = SimpleQueue()
        self._work, self._find, self._lock = work, find, RLock()
        self._n_begun = self._n_ended = 0
        self._is_shared = self._is_stopped = False

    def run(self, report: Callable[[int, int], object] | None = None) -> None:
        """Do all tasks: see `run_tasks`."""
        try:
            self.wait(report)
        finally:
            self.stop()

    def begin(self) -> None:
        """Have threads do the tasks, while the caller goes on.

        Tasks of a task are done by its own thread, when it waits for them: it must not wait for the
        threads that it stands on.
        """
        if is_worker():
            return
        # Also a single thread is not the caller's: an interrupt reaches the main thread only, and
        # must not find it where Numba loads code, for LLVM's callbacks lose it, or crash.
        threads = self._find()
        self._is_shared = True
        for _ in range(min(threads.n, self._n)):
            threads.queue.put(self._work_off)

    def wait(self, report: Callable[[int, int], object] | None = None) -> None:
        """Wait, once, until all tasks are done, or raise the first error of one.

        They are begun where they were not yet.
        """
        if not self._is_shared:
            self.begin()
        for n_done in range(1, self._n + 1):
            if not self._is_shared:
                self._work(next(self._tasks))
            elif (error := self._outcomes.get()) is not None:
                try:
                    raise error
                finally:
                    # Its traceback has this frame: what the task held would stay with both.
                    del error
            if report is not None:
                report(n_done, self._n)

    def forbid(self) -> None:
        """Begin no more tasks."""
        run_alone(self._lock, self._forbid)

    def stop(self) -> None:
        """Begin no more tasks, and wait for those that are begun."""
        self.forbid()
        while self._n_ended < self._n_begun:
            with contextlib.suppress(Empty):
                self._outcomes.get(timeout=SECONDS_BETWEEN_LOOKS)

    def _work_off(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Do the next task; False where there is none."""
        begun = run_alone(self._lock, self._begin)
        if not begun:
            return False
        outcome = None
        try:
            self._work(begun.pop())
        except BaseException as error:  # noqa: BLE001  # who waits raises it
            outcome = error
        run_alone(self._lock, self._end)
        self._outcomes.put(outcome)
        del outcome
        return True

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
    return _run_one(work, find_threads)


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
    return _run_one(work, find_thread_of_device)


def _run_one(work: Callable[[], Result], find: Callable[[], Threads]) -> Result:
    results: list[Result] = []
    SharedTasks(lambda task: results.append(task()), [work], find).run()
    return results[0]
