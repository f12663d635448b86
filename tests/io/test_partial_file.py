from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from contextlib import suppress

import numpy as np
import pytest

from numbavol.io import resume_image_stack, write_image_stack
from numbavol.io.partial_file import Mark

SHAPE = (6, 4, 5)
KEY = "what the images depend on"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stack.mrcs"


@pytest.fixture
def part(tmp_path):
    return tmp_path / "stack.mrcs.part"


def test_a_mark_of_more_images_than_there_are_is_none():
    mark = Mark(SHAPE, "key", 7, "float32").to_bytes()
    assert Mark.from_bytes(mark) is None
    assert Mark.from_bytes(mark.replace(b"7", b"6")) == Mark(SHAPE, "key", 6, "float32")


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_header_of_a_whole_stack_is_a_mark_of_all_images(path, key, dtype):
    with write_image_stack(path, SHAPE, 1.5, resume_key=key, dtype=dtype) as stack:
        stack[:] = np.ones(SHAPE)
    content = path.read_bytes()
    fingerprint = None if key is None else hashlib.sha256(key.encode()).hexdigest()
    mark = Mark.from_header(content[:1024], len(content))
    assert mark == Mark(SHAPE, fingerprint, 6, dtype)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:1023],
        lambda raw: raw.replace(b"Written by", b"Touched by"),
        lambda raw: raw[:12] + b"\x63" + raw[13:],  # no such mode
        lambda raw: raw[:88] + b"\x01" + raw[89:],  # of a map
        lambda raw: raw[:8] + b"\x07" + raw[9:],  # of more images than there are
    ],
)
def test_another_header_is_none(path, change):
    with write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack:
        stack[:] = np.ones(SHAPE)
    content = path.read_bytes()
    assert Mark.from_header(change(content[:1024]), len(content)) is None


def test_a_link_of_that_name_is_not_followed(path, part):
    part.symlink_to("precious")
    path.with_name("precious").write_bytes(b"precious")
    with (
        pytest.raises(OSError, match="symbolic links"),
        write_image_stack(path, SHAPE, 1.5, overwrite=True),
    ):
        pytest.fail("it began")
    assert path.with_name("precious").read_bytes() == b"precious"


def test_what_is_no_file_is_an_error(path, part):
    os.mkfifo(part)
    with (
        pytest.raises(ValueError, match=r"mrcs\.part exists and is not a regular file"),
        write_image_stack(path, SHAPE, 1.5),
    ):
        pytest.fail("it began")


class TestLocks:
    def test_a_file_system_without_locks(self, path, monkeypatch):
        def refuse(*_):
            raise OSError(errno.ENOSYS, "Function not implemented")

        monkeypatch.setattr(fcntl, "flock", refuse)
        with (
            suppress(KeyboardInterrupt),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            stack[0] = [[1.0] * 5] * 4
            raise KeyboardInterrupt
        with (
            suppress(KeyboardInterrupt),
            resume_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            assert stack.n_already_written == 1
            raise KeyboardInterrupt

    def test_another_failure_to_lock_is_an_error(self, path, monkeypatch):
        def refuse(*_):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(fcntl, "flock", refuse)
        with (
            pytest.raises(OSError, match=r"Input/output error: '.*stack\.mrcs'"),
            write_image_stack(path, SHAPE, 1.5),
        ):
            pytest.fail("it began")

    def test_a_file_that_got_its_name_while_it_was_opened(self, path, part, monkeypatch):
        flock, calls = fcntl.flock, []

        def flock_late(*args):
            if not calls:
                part.rename(path)
            calls.append(args)
            flock(*args)

        monkeypatch.setattr(fcntl, "flock", flock_late)
        with (
            suppress(KeyboardInterrupt),
            write_image_stack(path, SHAPE, 1.5, resume_key=KEY) as stack,
        ):
            stack[0] = np.ones(SHAPE[1:])
            raise KeyboardInterrupt
        # The second file was opened and locked, and the first, under its new name, left alone.
        assert path.read_bytes() == b""
        assert part.stat().st_size == 1024 + 6 * 4 * 5 * 4

    def test_a_file_that_never_stays_is_an_error(self, path, part, monkeypatch):
        monkeypatch.setattr(fcntl, "flock", lambda *_: part.unlink())
        with (
            pytest.raises(BlockingIOError, match="another process is writing it"),
            write_image_stack(path, SHAPE, 1.5),
        ):
            pytest.fail("it began")
