"""Threads: how many there are and for what, in forks, for many callers, and after interrupts."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from numbavol.kernels import threads
from numbavol.kernels.tasks import (
    SharedTasks,
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

pytestmark = pytest.mark.usefixtures("default_threads")


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
