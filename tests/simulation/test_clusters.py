"""Shards on Dask clusters: the same bytes, whoever is killed, and one line for what goes wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

import numbavol
from numbavol.simulation import NoiseConfig, SimulationConfig, VolumeConfig, clusters, shards
from numbavol.simulation import simulate as simulate_function
from numbavol.simulation.shards import fingerprint

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

distributed = pytest.importorskip("distributed")

ATOM = "ATOM      1  N   ALA A   1       1.000   0.000   1.000  1.00 20.00           N\n"
N_SHARDS = 6


@pytest.fixture
def config(tmp_path):
    (tmp_path / "atom.pdb").write_text(ATOM)
    volume = VolumeConfig(str(tmp_path / "atom.pdb"))
    return SimulationConfig(12, 16, 2.0, volume=(volume,), noise=NoiseConfig(snr=0.5), seed=1)


def make_cluster(**how):
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}, **how,
    )  # fmt: skip


@pytest.fixture(scope="module")
def threads():
    """A cluster of threads of this process, which takes no time to begin."""
    with make_cluster(processes=False) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def progress(monkeypatch):
    """What is called in place of a progress bar."""
    calls = []

    @contextlib.contextmanager
    def progress_bar(*_, **__):
        yield lambda done, total: [call(done, total) for call in calls]

    module = sys.modules[simulate_function.__module__]
    monkeypatch.setattr(module, "progress_bar", progress_bar)
    return calls


def read_all(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write(config, folder, name="stack.mrcs", **how):
    folder.mkdir(exist_ok=True)
    numbavol.simulate(config, folder / name, shards=N_SHARDS, **how)
    return read_all(folder)


@pytest.fixture
def expected(config, tmp_path):
    return write(config, tmp_path / "alone")


def test_a_cluster_writes_the_bytes_of_one_process(config, tmp_path, expected, threads, progress):
    done = []
    progress.append(lambda *shares: done.append(shares))
    numbavol.set_num_threads(2)
    assert write(config, tmp_path / "cluster", dask=threads) == expected
    assert done == [(2 * n, 12) for n in range(1, N_SHARDS + 1)]
    # Threads of this process are the caller's matter.
    assert numbavol.get_num_threads() == 2
    numbavol.set_num_threads(None)


def test_what_is_there_needs_no_cluster(config, tmp_path, expected):
    assert write(config, tmp_path / "alone", dask="127.0.0.1:1") == expected


def test_workers_find_files_that_are_named_from_where_the_driver_is(
    config, tmp_path, expected, threads, monkeypatch
):
    (tmp_path / "elsewhere").mkdir()
    prepare = clusters.Simulator.prepare
    seen = []

    def prepare_elsewhere(config, device):
        seen.append(config.volume[0].file)
        return prepare(config, device)

    monkeypatch.chdir(tmp_path)
    relative = dataclasses.replace(config, volume=(VolumeConfig("atom.pdb"),))
    clusters._prepared.clear()
    monkeypatch.setattr(clusters.Simulator, "prepare", prepare_elsewhere)
    numbavol.simulate(relative, "cluster.mrcs", shards=N_SHARDS, dask=threads)
    # Once by the driver, and once by the process of all workers.
    assert seen == ["atom.pdb", str(tmp_path / "atom.pdb")]
    assert (tmp_path / "cluster_000003.mrcs").read_bytes() == next(
        content for path, content in expected.items() if path.name == "stack_000003.mrcs"
    )


def test_a_worker_keeps_one_simulation(config):
    others = [config, dataclasses.replace(config, seed=2)]
    for each in (*others, others[-1]):
        simulator = clusters._prepare(each, fingerprint(each, "cpu"), "cpu")
        assert [kept.config for kept in clusters._prepared.values()] == [each]
    assert clusters._prepare(each, fingerprint(each, "cpu"), "cpu") is simulator


def test_a_worker_with_other_files_is_refused(config):
    with pytest.raises(ValueError, match="those of the driver, found others on this worker"):
        clusters._prepare(config, fingerprint(config, "cpu") + " ", "cpu")


def test_an_error_of_a_worker_is_one_line_that_names_the_shard(
    config, tmp_path, threads, expected, caplog, monkeypatch
):
    (tmp_path / "cluster").mkdir()
    open_stack = shards._open_stack

    def fail_once(config, shard, *arguments, **keywords):
        if shard.start == 6:
            raise OSError(errno.ENOSPC, "No space\nleft", str(shard.path))
        return open_stack(config, shard, *arguments, **keywords)

    monkeypatch.setattr(shards, "_open_stack", fail_once)
    with pytest.raises(OSError, match=r"stack_000004\.mrcs, particles 6 to 7, could") as caught:
        write(config, tmp_path / "cluster", dask=threads)
    assert "No space left" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert not (tmp_path / "cluster" / "stack.star").exists()
    monkeypatch.undo()
    assert write(config, tmp_path / "cluster", dask=threads) == expected


@pytest.mark.parametrize("seconds", [30.0, 0.0], ids=["for some time", "not for ever"])
def test_a_stack_that_another_process_writes_is_waited_for(monkeypatch, seconds):
    monkeypatch.setattr(clusters, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(clusters, "SECONDS_TO_WAIT", seconds)
    attempts = []

    def write_busy(*shard, **_):
        attempts.append(shard)
        if len(attempts) < 4:
            raise BlockingIOError

    never = pytest.raises(BlockingIOError) if seconds == 0 else contextlib.nullcontext()
    with never:
        clusters._write_when_free(None, None, "", write_busy, lambda *_: None)
    assert (len(attempts) == 4) == (seconds > 0)


def test_an_interrupt_stops_workers_and_leaves_what_is_gone_on_with(
    config, tmp_path, threads, progress, expected
):
    def interrupt(*_):
        raise KeyboardInterrupt

    progress.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(config, tmp_path / "cluster", dask=threads)
    assert not (tmp_path / "cluster" / "stack.star").exists()
    progress.clear()
    assert write(config, tmp_path / "cluster", dask=threads) == expected


@pytest.mark.same_bits
def test_a_killed_worker_loses_the_shard_in_flight_alone(config, tmp_path, progress):
    config = dataclasses.replace(config, number=1200)
    expected = write(config, tmp_path / "alone")
    with make_cluster() as cluster, distributed.Client(cluster) as client:
        processes = client.run(os.getpid)
        *survivors, killed = processes
        victims, written = [processes[killed]], {}

        def kill(*_):
            if victims:
                os.kill(victims.pop(), signal.SIGKILL)
                stacks = (tmp_path / "cluster").glob("*.mrcs")
                written.update((stack, stack.stat().st_mtime_ns) for stack in stacks)

        progress.append(kill)
        assert write(config, tmp_path / "cluster", dask=client) == expected
        # A worker has its one thread from its first shard on, and the new one may come too late.
        threads = client.run(numbavol.get_num_threads, workers=survivors)
    assert written
    assert written == {stack: stack.stat().st_mtime_ns for stack in written}
    assert set(threads.values()) == {1}


PROGRAM = """
import sys
import numbavol
from numbavol.simulation import NoiseConfig, SimulationConfig, VolumeConfig

if __name__ == "__main__":
    config = SimulationConfig(
        int(sys.argv[1]), 64, 2.0, volume=(VolumeConfig(sys.argv[2]),), noise=NoiseConfig(snr=0.5),
    )
    numbavol.simulate(config, sys.argv[3], shards=4, dask=sys.argv[4] or None)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "sign"),
    [("stack.mrcs", "stack_*.part"), ("particles.zarr", "particles.zarr.part/.written/0*")],
    ids=["stacks", "zarr"],
)
def test_an_interrupt_of_all_processes_leaves_what_is_gone_on_with(config, tmp_path, name, sign):
    for folder in ("alone", "local"):
        (tmp_path / folder).mkdir()
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))

    def start(folder, dask):
        return subprocess.Popen(
            [
                sys.executable, tmp_path / "program.py", "20000", config.volume[0].file,
                tmp_path / folder / name, dask,
            ],
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    run = start("local", "local")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "local").glob(sign)) and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = psutil.Process(run.pid).children(recursive=True)
    # As the keyboard of a terminal does it.
    os.killpg(run.pid, signal.SIGINT)
    errors = run.communicate(timeout=60)[1]
    assert run.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert list((tmp_path / "local").glob("*.part"))
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert workers
    assert not alive
    for folder, dask in (("local", "local"), ("alone", "")):
        assert start(folder, dask).communicate(timeout=120)[1] == ""
    assert read_all(tmp_path / "local") == read_all(tmp_path / "alone")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (
            {"dask": "nowhere"},
            "dask: expected 'local' or the address of a scheduler, got 'nowhere'",
        ),
        ({"dask": "nowhere", "device": "auto"}, "device: expected 'cpu' or 'cuda' for the workers"),
        ({"dask": "local", "output": None}, "output: expected a name with shards, cs, dask"),
    ],
    ids=["address", "device", "no output"],
)
def test_what_no_cluster_does_is_named(config, tmp_path, arguments, what):
    with pytest.raises((OSError, ValueError)) as caught:
        numbavol.simulate(config, **{"output": tmp_path / "stack.mrcs"} | arguments)
    assert what in str(caught.value)
    assert not (tmp_path / "stack.star").exists()


def test_without_dask_the_error_says_what_to_install(config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"clusters need distributed: pip install .*\[dask\]"
    ):
        numbavol.simulate(config, tmp_path / "stack.mrcs", dask="local")
