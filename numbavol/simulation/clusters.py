"""Shards of a simulation as tasks of a Dask cluster.

The driver sends choices and numbers; workers read the files and write the stacks themselves, which
takes a file system that all of them see under the same names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import secrets
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numbavol.kernels.dispatch import check_device
from numbavol.kernels.extras import import_extra
from numbavol.kernels.threads import get_num_threads, set_num_threads
from numbavol.simulation.files import replace_files
from numbavol.simulation.images import Simulator
from numbavol.simulation.shards import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client, Future

    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.shards import Shard, WriteShard

# A worker that the cluster has given up may still be writing: one that lost its connection, or one
# that is being killed.
SECONDS_TO_WAIT, SECONDS_BETWEEN_LOOKS = 30.0, 0.5

# An interrupt comes to all processes of a terminal; of this cluster, the driver answers it.
IGNORE_THE_KEYBOARD = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"

# What a worker has prepared, by what it was prepared of: one simulation at most.
_prepared: dict[tuple[SimulationConfig, str, str], Simulator] = {}


class _CancelledError(BaseException):
    """Leaves a stack as an interrupt does: what is written of it is gone on with."""


def check_device_of_cluster(device: str, dask: str | Client) -> str:
    """Return the name of the device that workers use.

    Parameters
    ----------
    device
        As `check_device` takes it.
    dask
        As `write_on_cluster` takes it.

    Raises
    ------
    ValueError
        If it is another name, or is to be found out on machines that may differ.
    ModuleNotFoundError
        If Dask is not installed.
    RuntimeError
        If CUDA cannot be used on this machine, and this is where workers are.
    """
    import_extra("distributed", "clusters need", "dask")
    if dask == "local":
        return check_device(device)
    if device in ("cpu", "cuda"):
        return device
    msg = f"device: expected 'cpu' or 'cuda' for the workers of a cluster, got {device!r}"
    raise ValueError(msg)


def write_on_cluster(
    config: SimulationConfig,
    missing: list[Shard],
    key: str,
    write: WriteShard,
    *,
    dask: str | Client,
    device: str,
    report: Callable[[int, int], object] | None,
) -> None:
    """Write shards on the workers of a cluster.

    Parameters
    ----------
    config
        The simulation.
    missing
        The shards.
    key
        From `fingerprint`.
    write
        Writes one of them: a function that can be pickled.
    dask
        ``"local"`` for processes of this machine, one of one thread for each that
        `get_num_threads` says; the address of a scheduler; or a client of it.
    device
        Where workers make images, from `check_device_of_cluster`.
    report
        Called after each shard with the number of images done and of all.

    Raises
    ------
    OSError
        If the cluster is not there, or a shard could not be written; the first one that fails ends
        the work, and what is written of others is gone on with the next time.
    """
    if not missing:
        return
    import distributed

    # Processes in other folders are to find them.
    config = replace_files(config, lambda _, name: os.path.abspath(name))  # noqa: PTH100
    n_all = sum(shard.stop - shard.start for shard in missing)
    run = secrets.token_hex(8)
    n_done = 0
    with _connect(dask, len(missing), device) as client:
        tasks: dict[Future[str | None], Shard] = {
            client.submit(
                _write_on_worker,
                config,
                dataclasses.replace(shard, path=Path(os.path.abspath(shard.path))),  # noqa: PTH100
                key,
                write,
                device,
                key=f"numbavol-simulate-{run}-{n}",
                pure=False,
            ): shard
            for n, shard in enumerate(missing)
        }
        try:
            for task in distributed.as_completed(tasks, loop=client.loop):
                shard = tasks[task]
                error = _find_error(task)
                if error is not None:
                    msg = (
                        f"{shard.path}, particles {shard.start} to {shard.stop - 1}, could not be "
                        f"written: {error}"
                    )
                    raise OSError(msg)
                n_done += shard.stop - shard.start
                if report is not None:
                    report(n_done, n_all)
        finally:
            client.cancel(list(tasks))


@contextlib.contextmanager
def _connect(dask: str | Client, n_tasks: int, device: str) -> Iterator[Client]:
    """Find the cluster, or make one, which ends with the work."""
    import distributed
    from distributed.comm.addressing import get_address_host_port

    if isinstance(dask, distributed.Client):
        yield dask
    elif dask == "local":
        n_threads = get_num_threads()
        # Processes that share a card would only wait for each other.
        n_workers = min(n_threads, n_tasks) if device == "cpu" else 1
        with (
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1 if device == "cpu" else n_threads,
                memory_limit=None,  # which Dask enforces by killing; numbavol asks before it takes
                dashboard_address=None,
                # Else it asks for a port that another cluster may have, and warns.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                # A worker that dies is replaced, and errors are told once, by the driver.
                silence_logs=logging.CRITICAL,
                preload=IGNORE_THE_KEYBOARD,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client
    else:
        try:
            # A client of what is no address waits for a minute when it is thrown away.
            get_address_host_port(dask)
            client = distributed.Client(dask, set_as_default=False)
        except (OSError, ValueError) as error:
            msg = f"dask: expected 'local' or the address of a scheduler, got {dask!r}: {error}"
            raise OSError(msg) from error
        with client:
            yield client


def _find_error(task: Future[str | None]) -> str | None:
    """Return what was wrong with a task, in one line."""
    if task.cancelled():
        return "the cluster dropped it"
    error = task.exception()
    return task.result() if error is None else _describe(error)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _write_on_worker(
    config: SimulationConfig, shard: Shard, key: str, write: WriteShard, device: str
) -> str | None:
    """Write a shard, or return what was wrong: Dask would log an error with all its frames."""
    import dask.utils
    import distributed

    worker = distributed.get_worker()
    if not worker.address.startswith("inproc"):
        set_num_threads(worker.state.nthreads)
    check = functools.partial(_check_is_wanted, worker, worker.get_current_task())
    try:
        # The threads of a worker share one shard after another: the memory that it takes, and the
        # threads that make its images, are those of one.
        with dask.utils.SerializableLock("numbavol-simulate"):
            check()
            simulator = _prepare(config, key, device)
            _write_when_free(simulator, shard, key, write, lambda *_: check())
    except _CancelledError:
        return "it was cancelled"
    except Exception as error:  # noqa: BLE001  # the driver raises it
        return _describe(error)
    return None


def _check_is_wanted(worker: Any, key: Any, /) -> None:
    task = worker.state.tasks.get(key)
    if task is None or task.state == "cancelled":
        raise _CancelledError


def _prepare(config: SimulationConfig, key: str, device: str) -> Simulator:
    """Prepare a simulation once in a process."""
    wanted = (config, key, device)
    if wanted not in _prepared:
        _prepared.clear()
        if fingerprint(config, check_device(device)) != key:
            msg = (
                "config: expected files and a numbavol that are those of the driver, found others "
                "on this worker"
            )
            raise ValueError(msg)
        with warnings.catch_warnings():
            # Of what is odd in the files, the driver has warned already.
            warnings.simplefilter("ignore")
            _prepared[wanted] = Simulator.prepare(config, device)
    return _prepared[wanted]


def _write_when_free(
    simulator: Simulator,
    shard: Shard,
    key: str,
    write: WriteShard,
    report: Callable[[int, int], object],
) -> None:
    last = time.monotonic() + SECONDS_TO_WAIT
    while True:
        try:
            write(simulator, shard, key, report=report)
        except BlockingIOError:
            if time.monotonic() > last:
                raise
            report(0, 1)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        else:
            return
