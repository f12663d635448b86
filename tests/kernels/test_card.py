"""What a card does beside computing, with a stand-in for CuPy: copies to the host, and streams."""

from __future__ import annotations

import threading
import types

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

import numbavol
from numbavol.kernels.cuda import device as cuda_device
from numbavol.kernels.cuda.device import Card


class ArrayThere(np.ndarray):
    """An array of the card."""

    def get(self, stream, out, blocking):
        assert not blocking
        stream.log.append("copy")
        out[...] = self


class Stream:
    def __init__(self, ptr=0, *, non_blocking=False):
        self.ptr, self.non_blocking, self.log = ptr, non_blocking, []

    def record(self):
        return "made"

    def wait_event(self, event):
        self.log.append(event)

    def synchronize(self):
        self.log.append("synchronize")


@pytest.fixture
def card():
    made = object.__new__(Card)
    current = Stream()
    made.streams, made.buffers = [], []

    def make_stream(**options):
        made.streams.append(Stream(**options))
        return made.streams[-1]

    def make_buffer(n_bytes, dtype):
        made.buffers.append(np.empty(n_bytes, dtype))
        return made.buffers[-1]

    made._make_buffer = make_buffer
    made.current = current
    made.xp = types.SimpleNamespace(
        ascontiguousarray=lambda array: np.ascontiguousarray(array).view(ArrayThere),
        cuda=types.SimpleNamespace(
            Stream=make_stream,
            get_current_stream=lambda: current,
            runtime=types.SimpleNamespace(getDevice=lambda: 0),
        ),
    )
    return made


def bring(card, images):
    """What comes, by where it begins; and what each thread saw."""
    came = {}
    lock = threading.Lock()

    def put(start, part):
        copied = part.copy()
        # What comes next may take its place.
        part[...] = np.nan
        with lock:
            came[start] = copied

    card.make_fetch()(images.view(ArrayThere))(put)
    return came


@pytest.mark.parametrize("n_bytes", [1, 24, 48, 50, 2**20])
@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_all_images_come_once(monkeypatch, card, n, n_bytes):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", n_bytes)
    images = np.random.default_rng(0).standard_normal((n, 2, 3)).astype(np.float32)
    came = bring(card, images)
    starts = sorted(came)
    ends = [start + len(came[start]) for start in starts]
    assert [0, *ends[:-1]] == starts
    assert ends[-1] == n
    np.testing.assert_array_equal(np.concatenate([came[start] for start in starts]), images)
    # No more than asked for at once, but an image.
    assert all(came[start].nbytes <= max(n_bytes, 24) for start in starts)


def test_each_copy_waits_for_the_array_and_is_waited_for(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", 24)
    bring(card, np.zeros((9, 2, 3), np.float32))
    logs = [stream.log for stream in card.streams]
    assert all(stream.non_blocking for stream in card.streams)
    assert sum(map(len, logs)) == 3 * 9
    for log in logs:
        assert log == ["made", "copy", "synchronize"] * (len(log) // 3)


def test_threads_keep_their_buffers(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", 24)
    fetch = card.make_fetch()
    for _ in range(3):
        fetch(np.zeros((40, 2, 3), np.float32).view(ArrayThere))(lambda *_: None)
    assert len(card.buffers) == len(card.streams) <= numbavol.get_num_threads()


def test_no_image_is_no_error(card):
    assert bring(card, np.zeros((0, 2, 3), np.float32)) == {}


def test_an_error_of_what_takes_them_comes_out(card):
    def put(*_):
        message = "the disk is full"
        raise OSError(message)

    with pytest.raises(OSError, match="disk"):
        card.make_fetch()(np.zeros((4, 2, 3), np.float32).view(ArrayThere))(put)


def test_a_stream_of_each_thread_is_refused(card):
    card.current.ptr = 2
    with pytest.raises(RuntimeError, match="CUPY_CUDA_PER_THREAD_DEFAULT_STREAM"):
        card.run(lambda: None)
