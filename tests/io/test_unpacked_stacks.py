"""`UnpackedStacks`: gzipped stacks that are read again and again."""

from __future__ import annotations

import errno
import gzip
import os
import pickle
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.io import map_reading, unpacked_stacks

N = 40


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    """Two stacks, of images of one value each, which begin with 0 and with 100."""
    for name, first in (("a", 0), ("b", 100)):
        values = first + np.arange(N)[:, None, None] * np.ones((N, 3, 5))
        numbavol.write_map(tmp_path / f"{name}.mrc.gz", values, 1.0)
    return tmp_path


@pytest.fixture
def names():
    return [f"{n + 1}@{name}.mrc.gz" for name in ("a", "b") for n in range(N)]


VALUES = np.concatenate([np.arange(N), 100 + np.arange(N)])


@pytest.fixture
def passes(monkeypatch):
    """How often a stack is unpacked into the file, and images are read from it as it is."""
    counts = SimpleNamespace(unpacked=0, runs=0)
    unpack, read_run = unpacked_stacks._unpack, map_reading._read_run

    def count_unpacked(*arguments):
        counts.unpacked += 1
        unpack(*arguments)

    def count_runs(*arguments):
        counts.runs += 1
        return read_run(*arguments)

    monkeypatch.setattr(unpacked_stacks, "_unpack", count_unpacked)
    monkeypatch.setattr(map_reading, "_read_run", count_runs)
    return counts


@pytest.mark.parametrize("order", ["as they lie", "backwards", "shuffled"])
def test_however_often_a_stack_is_read_it_is_unpacked_once(folder, names, passes, order):
    numbers = np.arange(2 * N)
    if order != "as they lie":
        numbers = (
            numbers[::-1] if order == "backwards" else np.random.default_rng(0).permutation(80)
        )
    images = numbavol.ParticleImages(names, folder).take(numbers)
    read = [images[start : start + 3][:, 1, 2] for start in range(0, 2 * N, 3)]
    assert np.array_equal(np.concatenate(read), VALUES[numbers])
    assert passes.unpacked == 2
    # But for the first time, it is not read as it is.
    assert passes.runs <= 6
    # Those that are taken share what is there.
    assert (
        images.take(np.array([5, 0, 7]))[:][:, 0, 0].tolist() == VALUES[numbers[[5, 0, 7]]].tolist()
    )
    assert passes.unpacked == 2


def test_what_is_read_once_takes_no_room(folder, names, passes):
    images = numbavol.ParticleImages(names, folder)
    assert np.array_equal(images[:][:, 0, 0], VALUES)
    assert passes.unpacked == 0


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("order", ["<", ">"])
def test_images_of_every_mode_are_those_of_the_stack(folder, passes, dtype, order):
    values = np.arange(4 * 15).reshape(4, 3, 5)
    stored = values.astype(np.dtype(dtype).newbyteorder(order))
    with mrcfile.new(folder / "c.mrc.gz", stored, compression="gzip") as mrc:
        # After an extended header of an odd length.
        mrc.set_extended_header(np.frombuffer(b"odd", "V3"))
    images = numbavol.ParticleImages(["2@a.mrc.gz", *(f"{n}@c.mrc.gz" for n in (4, 1, 3))], folder)
    for _ in range(3):
        assert np.array_equal(images[1:], values[[3, 0, 2]])
    assert images[1:].dtype == np.float32
    assert passes.unpacked == 1


def test_no_file_is_left_nor_seen(folder, names, temporary):
    images = numbavol.ParticleImages(names, folder)
    for _ in range(3):
        images[:]
        assert not list(temporary.iterdir())
    open_files = Path("/proc/self/fd")
    if open_files.is_dir():
        before = len(list(open_files.iterdir()))
        del images
        assert len(list(open_files.iterdir())) == before - 1


def test_threads_share_what_is_unpacked(folder, names, passes):
    images = numbavol.ParticleImages(names, folder)
    numbers = np.random.default_rng(0).integers(2 * N, size=400)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: images[int(n)][2, 4], numbers))
    assert np.array_equal(read, VALUES[numbers])
    assert passes.unpacked == 2


def test_other_processes_unpack_their_own(folder, names, passes, monkeypatch):
    images = numbavol.ParticleImages(names[:N], folder)
    for _ in range(2):
        images[0]
    assert passes.unpacked == 1
    sent = pickle.loads(pickle.dumps(images))
    for each in (sent, images):
        if each is images:
            # As in a fork.
            monkeypatch.setattr(os, "getpid", lambda: -1)
        for _ in range(2):
            assert np.array_equal(each[:][:, 0, 0], VALUES[:N])
    assert passes.unpacked == 3


def test_an_interrupt_leaves_a_stack_to_be_unpacked_again(folder, names, passes, monkeypatch):
    images = numbavol.ParticleImages(names, folder)
    images[:]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unpacked_stacks, "_unpack", interrupt)
        with pytest.raises(KeyboardInterrupt):
            images[:]
    assert np.array_equal(images[:][:, 0, 0], VALUES)
    assert passes.unpacked == 2


def test_without_room_a_stack_is_read_as_it_is(folder, names, monkeypatch):
    images = numbavol.ParticleImages(names[:N], folder)
    made = []
    make = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **how: made.append(how) or make(**how))
    images[:]
    # As much is left for others.
    for free, n_made in ((8 * 15 * N - 1, 0), (8 * 15 * N, 1)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert np.array_equal(images[:][:, 0, 0], VALUES[:N])
        assert len(made) == n_made


def test_on_a_disk_that_becomes_full_a_stack_is_read_as_it_is(folder, names, monkeypatch):
    images = numbavol.ParticleImages(names[:N], folder)
    made, tried = [], []
    make = tempfile.TemporaryFile

    def make_one(**how):
        made.append(make(**how))
        return made[-1]

    def fill_the_disk(_packed, _layout, target, start):
        tried.append(start)
        target.write(bytes(100))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", make_one)
    monkeypatch.setattr(unpacked_stacks, "_unpack", fill_the_disk)
    for _ in range(3):
        assert np.array_equal(images[:][:, 0, 0], VALUES[:N])
    # It is tried once, and nothing stays on the disk.
    assert tried == [0]
    assert os.fstat(made[0].fileno()).st_size == 0


def test_another_error_of_the_disk_is_an_error(folder, names, monkeypatch):
    images = numbavol.ParticleImages(names[:N], folder)
    images[:]

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(unpacked_stacks, "_unpack", fail)
    with pytest.raises(OSError, match="Input/output error"):
        images[:]


def test_without_a_folder_for_temporary_files_a_stack_is_read_as_it_is(folder, names, monkeypatch):
    def find_none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    images = numbavol.ParticleImages(names[:N], folder)
    monkeypatch.setattr(tempfile, "gettempdir", find_none)
    for _ in range(3):
        assert np.array_equal(images[:][:, 0, 0], VALUES[:N])


def test_a_stack_that_is_replaced_is_another_one(folder, names):
    images = numbavol.ParticleImages(names[:N], folder)
    for _ in range(3):
        assert np.array_equal(images[:][:, 0, 0], VALUES[:N])
    numbavol.write_map(folder / "a.mrc.gz", images[:] + 1000, 1.0, overwrite=True)
    for _ in range(3):
        assert np.array_equal(images[:][:, 0, 0], VALUES[:N] + 1000)


@pytest.mark.parametrize(
    ("keep", "message"),
    [(slice(-30), "ended before the end-of-stream"), (slice(-8), "ended before")],
    ids=["images", "checksum"],
)
def test_a_damaged_stack_is_an_error(folder, names, keep, message):
    damaged = folder / "a.mrc.gz"
    images = numbavol.ParticleImages(names[:N], folder)
    damaged.write_bytes(damaged.read_bytes()[keep])
    assert images[0][0, 0] == 0
    for _ in range(2):
        with pytest.raises(
            ValueError, match=rf"a\.mrc\.gz: not a map that can be read: .*{message}"
        ):
            images[0]


def test_a_stack_that_has_fewer_images_than_it_says_is_an_error(folder):
    plain = folder / "c.mrc"
    numbavol.write_map(plain, np.ones((4, 3, 5)), 1.0)
    plain.write_bytes(plain.read_bytes()[:-10])
    (folder / "c.mrc.gz").write_bytes(gzip.compress(plain.read_bytes()))
    images = numbavol.ParticleImages(["1@c.mrc.gz"], folder)
    assert images[0][0, 0] == 1
    with pytest.raises(ValueError, match=r"c\.mrc\.gz: .* cut short: 10 bytes are missing"):
        images[0]
