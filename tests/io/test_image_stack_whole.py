from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.testing import assert_array_equal
from stacks import KEY, SHAPE, assert_valid, names, write

from numbavol.io import (
    image_stack,
    is_map_file,
    read_map,
    write_image_stack,
)

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25
)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stack.mrcs"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "stack.mrcs.part"


class TestWholeOrNotAtAll:
    def test_the_name_appears_when_the_block_ends(self, path, images):
        with write_image_stack(path, SHAPE, 1.5) as stack:
            for number, image in enumerate(images):
                stack[number] = image
            assert names(path) == ["stack.mrcs.part"]
            with pytest.raises(ValueError, match="there is no 'MAP' at byte 208"):
                read_map(path.with_name("stack.mrcs.part"))
        assert names(path) == ["stack.mrcs"]

    def test_images_then_header_then_name_come_to_the_disk(self, path, part, images, monkeypatch):
        synced = []

        def fsync(descriptor):
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            synced.append((is_folder, part.exists() and is_map_file(part), path.exists()))

        monkeypatch.setattr(os, "fsync", fsync)
        write(path, images)
        assert synced == [(False, False, False), (False, True, False), (True, False, True)]

    @pytest.mark.parametrize("key", [None, KEY])
    @pytest.mark.parametrize("error", [RuntimeError, OSError, MemoryError])
    @pytest.mark.parametrize("numbers", [[], [1, 2]])
    def test_an_error_leaves_nothing_that_nobody_can_go_on_with(
        self, path, images, key, error, numbers
    ):
        def fail():
            with write_image_stack(path, SHAPE, 1.5, resume_key=key) as stack:
                for number in numbers if key else range(len(images) - 1):
                    stack[number] = images[number]
                raise error("of the caller")

        with pytest.raises(error, match=r"^of the caller$"):
            fail()
        assert names(path) == []

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_an_interrupt_without_a_key_leaves_nothing(self, path, error):
        with pytest.raises(error), write_image_stack(path, SHAPE, 1.5):
            raise error
        assert names(path) == []

    def test_an_existing_file_is_not_replaced(self, path, images):
        path.write_bytes(b"precious")
        with pytest.raises(FileExistsError, match=r"overwrite=True would replace it: .*mrcs'"):
            write(path, images)
        assert (names(path), path.read_bytes()) == (["stack.mrcs"], b"precious")

    def test_unless_told_to_and_then_at_the_end(self, path, images):
        path.write_bytes(b"not precious")
        with write_image_stack(path, SHAPE, 1.5, overwrite=True) as stack:
            for number, image in enumerate(images):
                stack[number] = image
            assert path.read_bytes() == b"not precious"
        assert_array_equal(read_map(path).data, images)
        assert names(path) == ["stack.mrcs"]

    def test_a_file_made_meanwhile_is_not_replaced(self, path, images):
        def race():
            with write_image_stack(path, SHAPE, 1.5) as stack:
                path.write_bytes(b"from another process")
                for number, image in enumerate(images):
                    stack[number] = image

        with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
            race()
        assert (names(path), path.read_bytes()) == (["stack.mrcs"], b"from another process")

    @pytest.mark.parametrize(
        ("number", "image", "message"),
        [
            (2, np.full((4, 5), np.nan), r"image 2: expected finite .* is nan at index \[0, 0\]"),
            (3, np.diag([0, 0, 1e39, 0, 0])[:4], r"image 3: .* is inf at index \[2, 2\]"),
            (1, np.diag([-np.inf] * 4, k=1)[:4], r"image 1: .* is -inf at index \[0, 1\]"),
            (
                4,
                np.zeros((5, 4)),
                r"image 4: .* shape \(y, x\) = \(4, 5\), got float64 of shape \(5, 4\)",
            ),
            (0, np.zeros((1, 4, 5)), r"image 0: .* of shape \(1, 4, 5\)"),
            (0, np.zeros((4, 5), complex), "image 0: expected real numbers .* got complex128"),
        ],
    )
    def test_a_bad_image_is_named(self, path, number, image, message):
        with (
            pytest.raises(ValueError, match=message),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            stack[number] = image
        assert names(path) == []

    @pytest.mark.parametrize("number", [-1, 6, 2**40])
    def test_there_is_no_image_of_that_number(self, path, images, number):
        with (
            pytest.raises(IndexError, match=f"number: expected 0 to 5, got {number}"),
            write_image_stack(path, SHAPE, 1.5) as stack,
        ):
            stack[number] = images[0]

    def test_an_image_is_written_once(self, path, images):
        with (
            pytest.raises(ValueError, match="image 3: it was written before"),
            write_image_stack(path, SHAPE, 1.5) as stack,
        ):
            stack[3] = stack[3] = images[3]

    def test_of_two_threads_that_write_an_image_one_is_refused(self, path, images, monkeypatch):
        pwrite, both_write = os.pwrite, threading.Barrier(2)

        def pwrite_together(*arguments):
            with contextlib.suppress(threading.BrokenBarrierError):
                both_write.wait(0.5)
            return pwrite(*arguments)

        def put(value):
            try:
                stack[3] = np.full(SHAPE[1:], value)
            except ValueError as error:
                return str(error)
            return None

        with write_image_stack(path, SHAPE, 1.5) as stack:
            with ThreadPoolExecutor(2) as pool, monkeypatch.context() as patched:
                patched.setattr(os, "pwrite", pwrite_together)
                said = list(pool.map(put, (1.0, 2.0)))
            for number in (0, 1, 2, 4, 5):
                stack[number] = images[number]
        assert sorted(said, key=bool) == [None, "image 3: it was written before"]
        assert (read_map(path).data[3] == 1.0 + said.index(None)).all()

    def test_an_image_that_could_not_be_written_may_be_written_again(
        self, path, images, monkeypatch
    ):
        def refuse(*_):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

        with write_image_stack(path, SHAPE, 1.5) as stack:
            with monkeypatch.context() as patched:
                patched.setattr(os, "pwrite", refuse)
                with pytest.raises(OSError, match="Disk quota exceeded"):
                    stack[0] = images[0]
            stack[:] = images
        assert_array_equal(read_map(path).data, images)

    def test_a_closed_stack_writes_nothing(self, path, images):
        with (
            contextlib.suppress(RuntimeError),
            write_image_stack(path, SHAPE, 1.5) as stack,
        ):
            raise RuntimeError
        with pytest.raises(ValueError, match="image 0: the stack is closed"):
            stack[0] = images[0]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"shape": (2, 3)}, "shape: expected 3 whole numbers above 0"),
            ({"shape": (0, 3, 3)}, "shape: expected 3 whole numbers above 0"),
            ({"shape": (2**31, 1, 1)}, "shape: .* lengths of at most 2147483647"),
            ({"shape": (2**30, 2**30, 2**30)}, "shape: .* expected at most 9223372036854775807"),
            ({"pixel_size": 0.0}, "pixel_size: expected finite lengths above 0"),
            ({"pixel_size": (1.0, 1.0, 1.0)}, "pixel_size: expected one number"),
            ({"pixel_size": 1e60}, "pixel_size: .* is a cell of .*inf"),
            ({"dtype": np.float64}, "dtype: expected float32 or float16, got float64"),
            ({"dtype": "halves"}, "dtype: expected float32 or float16, got 'halves'"),
        ],
    )
    def test_a_wrong_argument_is_named(self, path, arguments, message):
        with (
            pytest.raises(ValueError, match=message),
            write_image_stack(path, **{"shape": SHAPE, "pixel_size": 1.5, **arguments}),
        ):
            pytest.fail("it began")
        assert names(path) == []


def test_no_memory_for_what_is_known_of_the_images_leaves_nothing(path, monkeypatch):
    def refuse(*_):
        raise MemoryError

    monkeypatch.setattr(image_stack, "PartialStack", refuse)
    with pytest.raises(MemoryError), write_image_stack(path, SHAPE, 1.5):
        pytest.fail("it began")
    assert names(path) == []


class TestFullDisk:
    @pytest.mark.parametrize("key", [None, KEY])
    def test_it_is_found_at_the_start(self, path, key):
        code = (
            "import resource, sys\n"
            "from numbavol.io import write_image_stack\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))\n"
            "try:\n"
            f"    with write_image_stack(sys.argv[1], (100, 20, 20), 1.0, resume_key={key!r}):\n"
            "        print('began')\n"
            "except OSError as error:\n"
            "    print(error.filename)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == str(path)
        assert names(path) == []

    def test_a_real_one(self, tmp_path):
        folder = tmp_path / "small"
        folder.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
            check=False,
            capture_output=True,
        )
        if mounted.returncode:
            pytest.skip("a small file system can be mounted by root alone")
        try:
            with (
                pytest.raises(OSError, match=r"No space left on device: '.*small/stack\.mrcs'"),
                write_image_stack(folder / "stack.mrcs", (100, 64, 64), 1.5, resume_key=KEY),
            ):
                pytest.fail("it began")
            assert not list(folder.iterdir())
            write(folder / "stack.mrcs", np.ones((10, 64, 64)))
            assert_valid(folder / "stack.mrcs")
        finally:
            subprocess.run(["umount", folder], check=True)

    def test_one_that_fills_up_meanwhile_leaves_nothing(self, path, images, monkeypatch):
        def refuse(*_):
            raise OSError(errno.ENOSPC, "No space left")

        def fill_up():
            with write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack:
                monkeypatch.setattr(os, "pwrite", refuse)
                stack[0] = images[0]

        with pytest.raises(OSError, match=r"No space left: '.*stack\.mrcs'"):
            fill_up()
        assert names(path) == []
