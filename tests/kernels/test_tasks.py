"""Tasks that threads share: each is done once, errors and interrupts arrive, nothing runs on."""

from __future__ import annotations

import contextlib
import gc
import signal
import subprocess
import sys
import threading
import time
import weakref

import pytest

from numbavol.kernels import tasks
from numbavol.kernels.tasks import (
    SharedTasks,
    count_threads_for_tasks,
    map_tasks,
    run_task,
    run_tasks,
)
from numbavol.kernels.threads import set_num_threads

pytestmark = pytest.mark.usefixtures("default_threads")


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
