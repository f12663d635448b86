from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import stacks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from stacks import KEY, SHAPE, names

from numbavol.io import partial_stack, read_map, resume_image_stack, write_image_stack
from numbavol.io.partial_file import Mark


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(5.0, 2.0, SHAPE).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stack.mrcs"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "stack.mrcs.part"


def interrupt(path, images, numbers, error=KeyboardInterrupt, **options):
    """Write some of the images, and then stop."""
    with (
        contextlib.suppress(error),
        write_image_stack(path, images.shape, 1.5, resume_key=KEY, **options) as stack,
    ):
        for number in numbers:
            stack[number] = images[number]
        raise error


def resume(path, images, **options):
    """Write the others, and return how many were there."""
    options = {"resume_key": KEY, **options}
    with resume_image_stack(path, images.shape, 1.5, **options) as stack:
        for number in range(stack.n_already_written, len(images)):
            stack[number] = images[number]
    return stack.n_already_written


def whole(path, images, **options):
    """Return the bytes of the stack that nobody interrupts."""
    return stacks.whole(path, images, **{"resume_key": KEY, **options})


class TestInterrupts:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    @given(st.permutations(range(6)), st.lists(st.integers(0, 6), max_size=3))
    def test_any_interrupts_in_any_order_give_the_same_bytes(self, path, images, order, stops):
        n_there = 0
        for stop in stops:
            with (
                contextlib.suppress(KeyboardInterrupt),
                resume_image_stack(path, SHAPE, 1.5, resume_key=KEY, overwrite=True) as stack,
            ):
                assert stack.n_already_written == n_there
                written = [number for number in order if number >= n_there][:stop]
                for number in written:
                    stack[number] = images[number]
                raise KeyboardInterrupt
            there = {*range(n_there), *written}
            n_there = next(n for n in range(7) if n not in there)
        assert resume(path, images, overwrite=True) == n_there
        assert path.read_bytes() == whole(path, images)
        assert names(path) == ["stack.mrcs"]

    @pytest.mark.parametrize("dtype", ["float32", "float16"])
    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_every_interrupt_leaves_what_was_written(self, path, images, error, dtype):
        interrupt(path, images, range(3), error, dtype=dtype)
        assert names(path) == ["stack.mrcs.part"]
        assert resume(path, images, dtype=dtype) == 3
        assert path.read_bytes() == whole(path, images, dtype=dtype)

    @pytest.mark.parametrize("error", [RuntimeError, OSError, MemoryError])
    def test_so_does_every_error(self, path, images, error):
        interrupt(path, images, range(3), error)
        assert names(path) == ["stack.mrcs.part"]
        # Also where the images before are of another run.
        with_nan = images.copy()
        with_nan[4] = np.nan
        with pytest.raises(ValueError, match="image 4: expected finite"):
            resume(path, with_nan)
        assert resume(path, images) == 4
        assert path.read_bytes() == whole(path, images)

    def test_images_that_are_missing_at_the_end_can_be_added(self, path, images):
        with (
            pytest.raises(ValueError, match="4 of 6 images were not written"),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            stack[:2] = images[:2]
        assert resume(path, images) == 2
        assert path.read_bytes() == whole(path, images)

    def test_the_error_is_told_where_no_mark_can_be_written(self, path, images, monkeypatch):
        def refuse(*_):
            raise OSError(errno.EIO, "Input/output error")

        def fail():
            with write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack:
                monkeypatch.setattr(partial_stack, "_SECONDS_BETWEEN_MARKS", 0.0)
                monkeypatch.setattr(stack._images, "_next_mark", 0.0)
                stack[:2] = images[:2]
                monkeypatch.setattr(os, "pwrite", refuse)
                raise RuntimeError("of the caller")

        with pytest.raises(RuntimeError, match="of the caller"):
            fail()
        monkeypatch.undo()
        assert resume(path, images) == 2

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_no_image_is_nothing_to_go_on_with(self, path, images, error):
        interrupt(path, images, [1, 2], error)
        assert names(path) == []

    def test_a_stack_that_is_let_go_of_leaves_what_was_written(self, path, images):
        writing = write_image_stack(path, SHAPE, 1.5, resume_key=KEY)
        writing.__enter__()[0] = images[0]
        del writing
        assert resume(path, images) == 1

    def test_the_image_that_a_thread_is_writing_is_waited_for(self, path, images, monkeypatch):
        pwrite, has_begun = os.pwrite, threading.Event()

        def pwrite_slowly(*args):
            has_begun.set()
            time.sleep(0.05)
            return pwrite(*args)

        with ThreadPoolExecutor(1) as pool:
            with (
                contextlib.suppress(KeyboardInterrupt),
                write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
            ):
                monkeypatch.setattr(os, "pwrite", pwrite_slowly)
                writing = pool.submit(stack.__setitem__, 0, images[0])
                assert has_begun.wait(10)
                raise KeyboardInterrupt
            assert writing.done()
            monkeypatch.undo()
        assert resume(path, images) == 1

    def test_a_second_interrupt_does_not_close_the_file_under_a_thread(
        self, path, images, monkeypatch
    ):
        has_begun, may_end, written = threading.Event(), threading.Event(), []

        def pwrite(file, data, _):
            has_begun.set()
            may_end.wait(10)
            os.fstat(file)
            written.append(file)
            return len(data)

        def interrupt_again(_):
            raise KeyboardInterrupt

        with ThreadPoolExecutor(1) as pool:
            with (
                contextlib.suppress(KeyboardInterrupt),
                write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
            ):
                monkeypatch.setattr(os, "pwrite", pwrite)
                monkeypatch.setattr(partial_stack.time, "sleep", interrupt_again)
                pool.submit(stack.__setitem__, 0, images[0])
                assert has_begun.wait(10)
                raise KeyboardInterrupt
            may_end.set()
        os.close(written[0])  # an error if it was closed
        monkeypatch.undo()
        assert resume(path, images) == 0

    @pytest.mark.parametrize("overwrite", [True, False])
    @pytest.mark.parametrize("is_named", [True, False])
    def test_an_interrupt_at_the_very_end(self, path, images, monkeypatch, overwrite, is_named):
        give_name = partial_stack.give_name

        def give_name_and_be_interrupted(*args, **kwargs):
            if is_named:
                give_name(*args, **kwargs)
            raise KeyboardInterrupt

        monkeypatch.setattr(partial_stack, "give_name", give_name_and_be_interrupted)
        with pytest.raises(KeyboardInterrupt):
            resume(path, images, overwrite=overwrite)
        monkeypatch.undo()
        if not is_named:
            assert names(path) == ["stack.mrcs.part"]
            assert resume(path, images) == 6
        assert names(path) == ["stack.mrcs"]
        assert path.read_bytes() == whole(path, images)


class TestKill:
    CODE = (
        "import os, signal, sys, numpy as np\n"
        "from numbavol.io import partial_stack, write_image_stack\n"
        "partial_stack._SECONDS_BETWEEN_MARKS = float(sys.argv[2])\n"
        "images = np.load(sys.argv[3])\n"
        "with write_image_stack(\n"
        "    sys.argv[1], images.shape, 1.5, resume_key=sys.argv[4] or None, dtype=sys.argv[5]\n"
        ") as stack:\n"
        "    for number in (0, 1, 2, 4):\n"
        "        stack[number] = images[number]\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    def kill(self, path, images, seconds_between_marks, key=KEY, dtype="float32"):
        np.save(path.with_name("images.npy"), images)
        arguments = [path, str(seconds_between_marks), path.with_name("images.npy"), key, dtype]
        ran = subprocess.run([sys.executable, "-c", self.CODE, *arguments], check=False)
        assert ran.returncode == -9
        path.with_name("images.npy").unlink()

    @pytest.mark.parametrize(("seconds_between_marks", "n_there"), [(0, 3), (1000, 0)])
    def test_it_goes_on_from_the_last_mark(self, path, images, seconds_between_marks, n_there):
        self.kill(path, images, seconds_between_marks)
        assert names(path) == ["stack.mrcs.part"]
        assert resume(path, images) == n_there
        assert path.read_bytes() == whole(path, images)

    CODE_AT_THE_END = (
        "import os, signal, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from numbavol.io import partial_stack, write_image_stack\n"
        "def kill(*_, **__):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "place = {'give_name': partial_stack, 'unlink': Path}[sys.argv[2]]\n"
        "setattr(place, sys.argv[2], kill)\n"
        "images, key = np.load(sys.argv[3]), sys.argv[4] or None\n"
        "with write_image_stack(\n"
        "    sys.argv[1], images.shape, 1.5, resume_key=key, labels=['simulated']\n"
        ") as stack:\n"
        "    stack[:] = images\n"
    )

    def kill_at_the_end(self, path, images, place, key=KEY):
        np.save(path.with_name("images.npy"), images)
        arguments = [path, place, path.with_name("images.npy"), key]
        ran = subprocess.run([sys.executable, "-c", self.CODE_AT_THE_END, *arguments], check=False)
        assert ran.returncode == -9
        path.with_name("images.npy").unlink()

    def test_before_it_has_its_name_it_is_gone_on_with(self, path, images):
        self.kill_at_the_end(path, images, "give_name")
        assert names(path) == ["stack.mrcs.part"]
        with (
            pytest.raises(FileExistsError, match=r"resume_image_stack would .*mrcs\.part"),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY),
        ):
            pytest.fail("it began")
        with (
            pytest.raises(ValueError, match=r"resume_key: .* left by a run with another key"),
            resume_image_stack(path, SHAPE, 1.5, resume_key="other"),
        ):
            pytest.fail("it began")
        assert resume(path, images, labels=["simulated"]) == 6
        assert path.read_bytes() == whole(path, images, labels=["simulated"])
        assert names(path) == ["stack.mrcs"]

    def test_before_it_has_its_name_and_without_a_key_it_is_replaced(self, path, images):
        self.kill_at_the_end(path, images, "give_name", key="")
        assert names(path) == ["stack.mrcs.part"]
        assert resume(path, images) == 0
        assert path.read_bytes() == whole(path, images)

    @pytest.mark.parametrize("key", [KEY, ""])
    def test_with_both_names_it_is_whole_and_can_be_replaced(self, path, images, key):
        self.kill_at_the_end(path, images, "unlink", key)
        assert names(path) == ["stack.mrcs", "stack.mrcs.part"]
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
            resume(path, images)
        interrupt(path, images, range(2), overwrite=True)
        assert path.read_bytes() == before
        assert resume(path, images + 1, overwrite=True) == 2
        assert names(path) == ["stack.mrcs"]

    def test_so_it_does_with_float16(self, path, images):
        self.kill(path, images, 0, dtype="float16")
        assert resume(path, images, dtype="float16") == 3
        assert path.read_bytes() == whole(path, images, dtype="float16")

    @pytest.mark.parametrize("begin", [write_image_stack, resume_image_stack])
    def test_what_nobody_can_go_on_with_is_replaced(self, path, images, begin):
        self.kill(path, images, 0, key="")
        with begin(path, SHAPE, 1.5, resume_key=KEY) as stack:
            assert stack.n_already_written == 0
            for number, image in enumerate(images):
                stack[number] = image
        assert path.read_bytes() == whole(path, images)


@pytest.mark.parametrize(("key", "expected"), [(KEY, [0, 0, 3, 3, 5, 5]), (None, [0] * 6)])
def test_marks_are_seldom(path, images, part, monkeypatch, key, expected):
    now = 0.0
    monkeypatch.setattr(partial_stack.time, "monotonic", lambda: now)
    with write_image_stack(path, SHAPE, 1.5, resume_key=key) as stack:
        marked = []
        for number, image in enumerate(images):
            now = 3.0 * number
            stack[number] = image
            marked.append(Mark.from_bytes(part.read_bytes()[:1024]).n_images)
    assert marked == expected


class TestWhatIsLeft:
    @pytest.fixture(autouse=True)
    def _left(self, path, images):
        interrupt(path, images, range(4))

    def test_it_says_what_it_is(self, part):
        assert Mark.from_bytes(part.read_bytes()[:1024])[::2] == (SHAPE, 4)
        assert part.read_bytes().startswith(b'{"file": "numbavol: part of an image stack", "shape"')
        assert KEY.encode() not in part.read_bytes()

    def test_to_begin_again_takes_a_word(self, path, images):
        with (
            pytest.raises(FileExistsError, match=r"resume_image_stack would .*mrcs\.part"),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY),
        ):
            pytest.fail("it began")
        interrupt(path, images, [0], overwrite=True)
        assert resume(path, images) == 1

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"resume_key": "other"}, r"resume_key: .*\.part was left by a run with another key"),
            ({"shape": (6, 5, 4)}, r"shape: .* for shape \(6, 4, 5\), not \(6, 5, 4\)"),
            ({"dtype": "float16"}, r"dtype: .* for float32 images, not float16; go on"),
            ({"shape": (7, 4, 5)}, r"shape: .* not \(7, 4, 5\); .* and overwrite=True"),
        ],
    )
    def test_of_another_run_it_stays_as_it_is(self, path, part, images, change, message):
        before = part.read_bytes()
        arguments = {"shape": SHAPE, "pixel_size": 1.5, "resume_key": KEY, **change}
        with pytest.raises(ValueError, match=message), resume_image_stack(path, **arguments):
            pytest.fail("it began")
        assert part.read_bytes() == before
        assert resume(path, images) == 4

    @pytest.mark.parametrize("length", [1024, 1024 + 4 * 80 - 1])
    def test_cut_short_it_stays_as_it_is(self, path, part, images, length):
        os.truncate(part, length)
        with pytest.raises(ValueError, match=r"mrcs\.part: cut short"):
            resume(path, images)
        assert part.stat().st_size == length

    def test_damaged_it_stays_as_it_is(self, path, part, images):
        with part.open("r+b") as file:
            file.seek(1024 + 2 * 80)
            file.write(b"\xff" * 4)
        with pytest.raises(ValueError, match="image 2: expected finite"):
            resume(path, images)
        assert part.exists()

    def test_written_images_are_not_written_again(self, path, images):
        with (
            pytest.raises(ValueError, match="image 3: it was written before"),
            resume_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            stack[3] = images[3]

    def test_another_writer_is_refused(self, path, images):
        with resume_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack:
            for begin in (write_image_stack, resume_image_stack):
                with (
                    pytest.raises(BlockingIOError, match=r"another process .*\.part: .*mrcs'"),
                    begin(path, SHAPE, 1.5, resume_key=KEY, overwrite=True),
                ):
                    pytest.fail("it began")
            stack[4], stack[5] = images[4:]
        assert path.read_bytes() == whole(path, images)

    def test_a_disk_that_is_full_now_leaves_it(self, path, part, images, monkeypatch):
        def refuse(*_):
            raise OSError(errno.ENOSPC, "No space left")

        monkeypatch.setattr(os, "posix_fallocate", refuse)
        with pytest.raises(OSError, match=r"No space left: '.*stack\.mrcs'"):
            resume(path, images)
        assert part.exists()


@pytest.mark.parametrize("begin", [write_image_stack, resume_image_stack])
@pytest.mark.parametrize("content", [b"precious", b"[1]", b"{}", b'{"file": 1}', bytes(5000)])
@pytest.mark.parametrize("overwrite", [True, False])
def test_what_no_run_left_is_never_replaced(path, part, begin, content, overwrite):
    part.write_bytes(content)
    with (
        pytest.raises(FileExistsError, match=r"nothing that an interrupted run left.*mrcs\.part"),
        begin(path, SHAPE, 1.5, resume_key=KEY, overwrite=overwrite),
    ):
        pytest.fail("it began")
    assert part.read_bytes() == content


def test_with_nothing_left_it_begins(path, images):
    assert resume(path, images) == 0
    assert_array_equal(read_map(path).data, images)


def test_a_second_name_of_a_stack_is_not_written_into(path, part, images):
    """A kill between the final name and the removal of the other one, and then a rename."""
    with write_image_stack(path, images.shape, 1.5, resume_key=KEY) as stack:
        for number, image in enumerate(images):
            stack[number] = image
    kept = path.with_name("kept.mrcs")
    part.hardlink_to(path)
    path.rename(kept)
    other = images + 1.0
    with write_image_stack(path, images.shape, 1.5, resume_key=KEY, overwrite=True) as stack:
        for number, image in enumerate(other):
            stack[number] = image
    assert_array_equal(read_map(kept).data, images)
    assert_array_equal(read_map(path).data, other)
    assert not part.exists()
