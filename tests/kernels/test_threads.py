"""Threads: tasks are done once each, errors arrive, forks and nesting work."""

from __future__ import annotations

import contextlib
import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from numbavol.kernels import tasks, threads
from numbavol.kernels.tasks import (
    SharedTasks,
    count_threads_for_tasks,
    map_tasks,
    run_on_one_thread,
    run_task,
    run_tasks,
)
from numbavol.kernels.threads import (
    ENVIRONMENT_VARIABLE,
    find_threads,
    find_threads_that_copy,
    get_num_threads,
    set_num_threads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def default_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    yield
    set_num_threads(None)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_every_task_is_done_once(n_threads: int) -> None:
    set_num_threads(n_threads)
    done: list[int] = []
    run_tasks(done.append, range(50))
    assert sorted(done) == list(range(50))


@pytest.mark.parametrize("n_threads", [1, 3])
def test_tasks_that_are_begun_go_on_beside_the_caller(n_threads: int) -> None:
    set_num_threads(n_threads)
    may_end, has_begun = threading.Event(), threading.Event()

    def work(_: int) -> None:
        has_begun.set()
        assert may_end.wait(timeout=20)

    shared = SharedTasks(work, range(4))
    assert not has_begun.is_set()
    shared.begin()
    assert has_begun.wait(timeout=20)
    may_end.set()
    reported: list[int] = []
    shared.wait(lambda n_done, _: reported.append(n_done))
    shared.stop()
    assert reported == [1, 2, 3, 4]


def test_tasks_that_are_stopped_are_waited_for_and_no_more_are_begun() -> None:
    set_num_threads(2)
    both_run, is_forbidden = threading.Barrier(3, timeout=20), threading.Event()
    ended: list[int] = []

    def work(task: int) -> None:
        if task < 2:
            both_run.wait()
            is_forbidden.wait(timeout=20)
            time.sleep(0.1)
        ended.append(task)

    shared = SharedTasks(work, range(50))
    shared.begin()
    both_run.wait()
    shared.forbid()
    is_forbidden.set()
    shared.stop()
    n_ended = len(ended)
    assert sorted(ended) == [0, 1]
    time.sleep(0.1)
    assert len(ended) == n_ended


@pytest.mark.parametrize("n_threads", [1, 2])
def test_tasks_of_a_task_are_done_by_its_thread_when_it_waits_for_them(n_threads: int) -> None:
    set_num_threads(n_threads)
    log: list[object] = []

    def begin_and_wait() -> int:
        shared = SharedTasks(lambda _: log.append(threading.get_ident()), range(3))
        shared.begin()
        log.append("begun")
        shared.wait()
        return threading.get_ident()

    own = run_task(begin_and_wait)
    assert log == ["begun", own, own, own]
    assert own != threading.get_ident()


def test_tasks_that_a_task_left_are_done_by_threads_for_who_waits_for_them() -> None:
    set_num_threads(2)
    ran_on: list[int] = []

    def begin() -> SharedTasks[int]:
        shared = SharedTasks(lambda _: ran_on.append(threading.get_ident()), range(3))
        shared.begin()
        return shared

    run_task(begin).wait()
    assert len(ran_on) == 3
    assert threading.get_ident() not in ran_on


def test_threads_that_copy_are_few_and_beside_those_that_compute() -> None:
    set_num_threads(12)
    n_copy = find_threads_that_copy(3)
    assert n_copy.n == 3
    assert n_copy.queue is not find_threads().queue
    set_num_threads(2)
    assert find_threads_that_copy(3).n == 2
    assert find_threads_that_copy(3).queue is not find_threads().queue


def test_the_thread_of_a_device_is_beside_a_single_one_of_tasks() -> None:
    set_num_threads(1)
    may_end = threading.Event()
    shared = SharedTasks(lambda _: may_end.wait(timeout=20), range(1))
    shared.begin()
    of_device = run_on_one_thread(threading.get_ident)
    may_end.set()
    shared.wait()
    assert run_task(threading.get_ident) != of_device


@pytest.mark.parametrize("n_threads", [1, 3])
def test_results_are_in_the_order_of_tasks(n_threads: int) -> None:
    set_num_threads(n_threads)

    def wait_and_return(task: int) -> int:
        # Those that were begun later end earlier.
        time.sleep(0.01 * (5 - task))
        return task

    assert map_tasks(wait_and_return, range(5)) == [0, 1, 2, 3, 4]
    assert map_tasks(wait_and_return, []) == []


def test_tasks_of_a_task_have_one_thread() -> None:
    set_num_threads(3)
    assert count_threads_for_tasks() == 3
    counts: list[int] = []
    run_tasks(lambda _: counts.append(count_threads_for_tasks()), range(2))
    assert counts == [1, 1]


def test_tasks_run_side_by_side() -> None:
    set_num_threads(3)
    # A barrier opens when three tasks wait at it together, and breaks if they do not.
    barrier = threading.Barrier(3, timeout=20)
    run_tasks(lambda _: barrier.wait(), range(3))


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_report_counts_every_task(n_threads: int) -> None:
    set_num_threads(n_threads)
    reported: list[tuple[int, int]] = []
    run_tasks(lambda _: None, range(7), lambda done, total: reported.append((done, total)))
    assert reported == [(n, 7) for n in range(1, 8)]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_arrives_and_drops_what_was_not_begun(n_threads: int) -> None:
    set_num_threads(n_threads)
    begun: list[int] = []

    def work(task: int) -> None:
        begun.append(task)
        time.sleep(0.01)
        if task == 0:
            raise ZeroDivisionError(task)

    with pytest.raises(ZeroDivisionError):
        run_tasks(work, range(200))
    assert len(begun) < 200


def test_no_task_runs_on_after_an_error() -> None:
    set_num_threads(2)
    running: set[int] = set()
    both_run = threading.Barrier(2, timeout=20)

    def work(task: int) -> None:
        running.add(task)
        both_run.wait()
        time.sleep(0.1 * task)
        running.discard(task)
        if task == 0:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_tasks(work, range(2))
    assert not running


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_few_pieces_are_shared_evenly_and_many_by_as_many_as_allowed(n_threads: int) -> None:
    set_num_threads(n_threads)
    for n in (1, 2, 7, 50, 1000):
        size = tasks.even_size_of_tasks(n, 8)
        assert 1 <= size <= 8
        n_tasks = -(-n // size)
        assert n_tasks >= min(n, tasks.TASKS_A_THREAD * n_threads)
    assert tasks.even_size_of_tasks(1000, 8) == 8
    assert tasks.even_size_of_tasks(1000, 0) == 1


def test_tasks_may_have_tasks() -> None:
    set_num_threads(2)
    done: list[tuple[int, int]] = []

    def work(task: int) -> None:
        run_tasks(lambda inner: done.append((task, inner)), range(4))

    run_tasks(work, range(8))
    assert sorted(done) == [(task, inner) for task in range(8) for inner in range(4)]


def test_callers_of_several_threads_share_the_pool() -> None:
    set_num_threads(2)
    done: list[int] = []
    callers = [threading.Thread(target=run_tasks, args=(done.append, range(100))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(done) == sorted(list(range(100)) * 4)


def test_a_fork_makes_its_own_threads() -> None:
    # In a process of its own: a fork of one that has threads is what is tried.
    program = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of forks beside threads
from numbavol.kernels.tasks import run_tasks
from numbavol.kernels.threads import set_num_threads
set_num_threads(2)
done = []
run_tasks(done.append, range(8))
child = os.fork()
if child == 0:
    run_tasks(done.append, range(8))
    os._exit(0 if len(done) == 16 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ran = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert ran.returncode == 0


def test_an_interrupt_stops_the_work() -> None:
    program = """
import time
from numbavol.kernels.tasks import run_tasks
from numbavol.kernels.threads import set_num_threads
set_num_threads(2)
print("begun", flush=True)
run_tasks(lambda _: time.sleep(0.1), range(10_000))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


def test_the_environment_sets_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "3")
    assert get_num_threads() == 3
    set_num_threads(2)
    assert get_num_threads() == 2


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "100000"])
def test_a_wrong_number_in_the_environment_is_an_error(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, value)
    with pytest.raises(ValueError, match=f"NUMBAVOL_NUM_THREADS: expected .* got '{value}'"):
        get_num_threads()


@pytest.mark.parametrize("number", [0, 100_000])
def test_a_number_that_no_machine_has_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match=rf"n_threads: expected .* from 1 to 1024, got {number}"):
        set_num_threads(number)


def test_threads_that_the_system_refuses_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_pools", [threads._Pool(n_threads=1000)])
    start, started = threading.Thread.start, []

    def refuse(thread: threading.Thread) -> None:
        if len(started) == 2:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match=r"n_threads: the system allows 2 more .* 1000 were"):
        run_tasks(print, [1])
    for thread in started:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_callers_together_have_no_more_threads_than_were_asked_for() -> None:
    set_num_threads(6)
    run_tasks(lambda _: None, range(6))
    set_num_threads(2)
    ran_on: set[int] = set()

    def work(_: int) -> None:
        ran_on.add(threading.get_ident())
        time.sleep(0.01)

    callers = [threading.Thread(target=run_tasks, args=(work, range(6))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(ran_on) == 2


def test_an_error_leaves_nothing_of_the_task_alive() -> None:
    class Held:
        pass

    def fail(_: int) -> None:
        held = Held()
        held_by.append(weakref.ref(held))
        raise ValueError

    held_by: list[weakref.ref[Held]] = []
    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            run_tasks(fail, [1])
        # The thread lets go of it a moment later.
        for _ in range(100):
            if held_by[0]() is None:
                break
            time.sleep(0.01)
        assert held_by[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("is_started_anew", [False, True])
def test_an_interrupt_between_any_two_lines_leaves_no_lock(is_started_anew: bool) -> None:
    # In a process of its own: a lock that is kept hangs it.
    program = f"""
import random, signal, time
from numbavol.kernels import threads
from numbavol.kernels.tasks import run_tasks
from numbavol.kernels.threads import set_num_threads
def interrupt(*_):
    raise KeyboardInterrupt
set_num_threads(3)
signal.signal(signal.SIGALRM, interrupt)
run_tasks(lambda _: None, range(6))
print("begun", flush=True)
end = time.monotonic() + 2
while time.monotonic() < end:
    if {is_started_anew}:
        for queue in threads._pools[0].queues.values():
            for _ in range(3):
                queue.put(threads._end_thread)
        threads._pools[0] = threads._Pool(3)
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-4))
        run_tasks(lambda _: None, range(6))
    except KeyboardInterrupt:
        pass
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass
run_tasks(lambda _: None, range(6))
print("ended", flush=True)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, timeout=60, capture_output=True, text=True
    )
    # An interrupt just outside of the `try` ends it; what it is not to do is wait for ever.
    if ran.returncode != -signal.SIGINT:
        assert (ran.returncode, ran.stdout) == (0, "begun\nended\n"), ran.stderr
    assert ran.stdout.startswith("begun\n")


def test_what_is_run_on_one_thread_is_always_on_the_same_one() -> None:
    set_num_threads(3)
    ran_on = {run_on_one_thread(threading.get_ident) for _ in range(5)}
    from_others: list[int] = []
    others = [
        threading.Thread(target=lambda: from_others.append(run_on_one_thread(threading.get_ident)))
        for _ in range(3)
    ]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert len(ran_on | set(from_others)) == 1
    assert threading.get_ident() not in ran_on
