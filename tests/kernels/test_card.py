"""What a card does beside computing, with a stand-in for CuPy: copies to the host, and streams."""

from __future__ import annotations

import gc
import threading
import time
import types
import weakref

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

import numbavol
from numbavol.kernels.cuda import device as cuda_device
from numbavol.kernels.cuda.device import Card


class ArrayThere(np.ndarray):
    """An array of the card."""

    __cuda_array_interface__ = None

    def get(self, stream, out, blocking):
        assert not blocking
        assert out.flags.c_contiguous
        assert (out.shape, out.dtype) == (self.shape, self.dtype)
        stream.log.append("copy")
        stream.copies.append((self, out))


CURRENT = 77


class Stream:
    def __init__(self, ptr=0, *, non_blocking=False):
        self.ptr, self.non_blocking, self.log, self.copies = ptr, non_blocking, [], []

    def record(self):
        return Event(self)

    def wait_event(self, event):
        self.log.append("made" if event.stream.ptr == CURRENT else f"of {event.stream.ptr}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def synchronize(self):
        """Copies are late: what did not wait for them does not have them."""
        for source, target in self.copies:
            target[...] = source
        self.copies.clear()
        self.log.append("synchronize")


class Event:
    def __init__(self, stream):
        self.stream = stream

    def synchronize(self):
        self.stream.synchronize()


@pytest.fixture
def card():
    made = object.__new__(Card)
    current = Stream(CURRENT)
    made.streams, made.buffers, made.sent, made.threads_with_a_device = [], [], [], []
    made._before = None

    def make_stream(**options):
        made.streams.append(Stream(**options))
        return made.streams[-1]

    def make_buffer(shape, dtype):
        made.buffers.append(np.empty(shape, dtype))
        return made.buffers[-1]

    made._empty_pinned = make_buffer
    made.current = current
    made.xp = types.SimpleNamespace(
        ascontiguousarray=lambda array, dtype=None: np.ascontiguousarray(array, dtype).view(
            ArrayThere
        ),
        asarray=lambda array, _=None, blocking=False: made.sent.append(blocking) or array,
        asnumpy=lambda array: np.array(array, order="C"),
        cuda=types.SimpleNamespace(
            Stream=make_stream,
            get_current_stream=lambda: made.current,
            runtime=types.SimpleNamespace(
                getDevice=lambda: 0,
                setDevice=lambda number: made.threads_with_a_device.append(
                    (number, threading.get_ident())
                ),
            ),
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

    card.make_fetch()(images.view(ArrayThere))(put).run()
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
        fetch(np.zeros((40, 2, 3), np.float32).view(ArrayThere))(lambda *_: None).run()
    assert len(card.buffers) == len(card.streams) <= numbavol.get_num_threads()


@pytest.mark.usefixtures("default_threads")
def test_no_more_threads_copy_than_a_bus_needs(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", 24)
    numbavol.set_num_threads(cuda_device.MOST_THREADS_THAT_COPY + 4)
    at_work, most, lock = set(), [], threading.Lock()

    def put(*_):
        with lock:
            at_work.add(threading.get_ident())
            most.append(len(at_work))
        time.sleep(0.01)
        with lock:
            at_work.discard(threading.get_ident())

    images = np.zeros((40, 2, 3), np.float32).view(ArrayThere)
    card.make_fetch()(images)(put).run()
    assert 1 < max(most) <= cuda_device.MOST_THREADS_THAT_COPY


def test_no_image_is_no_error(card):
    assert bring(card, np.zeros((0, 2, 3), np.float32)) == {}


def test_an_error_of_what_takes_them_comes_out(card):
    def put(*_):
        message = "the disk is full"
        raise OSError(message)

    with pytest.raises(OSError, match="disk"):
        card.make_fetch()(np.zeros((4, 2, 3), np.float32).view(ArrayThere))(put).run()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(210.0).reshape(5, 6, 7),
        np.arange(210.0, dtype=np.float32).reshape(5, 6, 7)[:, ::2, 1:],
        np.arange(210.0).reshape(1, 210) * 1j,
        np.asfortranarray(np.arange(210.0).reshape(14, 15)),
        np.arange(210.0),
        np.array(3.0),
    ],
    ids=["whole", "part", "row", "by columns", "line", "number"],
)
@pytest.mark.parametrize("n_bytes", [8, 100, 2**20])
def test_arrays_come_as_they_are(monkeypatch, card, array, n_bytes):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", n_bytes)
    fetched = card.fetch(array.view(ArrayThere))
    assert type(fetched) is np.ndarray
    assert fetched.dtype == array.dtype
    assert fetched.flags.c_contiguous
    np.testing.assert_array_equal(fetched, array)


def test_large_arrays_come_by_several_threads_and_small_ones_at_once(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "BYTES_A_PART", 800)
    card.fetch(np.zeros(100).view(ArrayThere))
    assert not card.buffers
    card.fetch(np.zeros(101).view(ArrayThere))
    assert card.buffers


def test_arrays_of_the_host_stay(card):
    array = np.zeros(3)
    assert card.fetch(array) is array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_to_page_locked_memory_are_there_when_they_were_waited_for(monkeypatch, card, dtype):
    monkeypatch.setattr(cuda_device, "_is_page_locked", lambda _: True)
    target = np.full((5, 2, 3), np.nan, dtype)
    images = np.arange(30.0, dtype=np.float32).reshape(5, 2, 3).view(ArrayThere)
    copies = card.make_copies_to(target)
    waits = [copies.begin(images[:3], 0), copies.begin(images[3:], 3)]
    (stream,) = card.streams
    assert stream.non_blocking
    assert stream.log == ["made", "copy", "made", "copy"]
    assert np.isnan(target).all()
    for wait in waits:
        wait()
    np.testing.assert_array_equal(target, images)


def test_everything_that_was_begun_is_there_after_waiting_once(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "_is_page_locked", lambda _: True)
    target = np.full((5, 2, 3), np.nan)
    images = np.arange(30.0).reshape(5, 2, 3).view(ArrayThere)
    copies = card.make_copies_to(target)
    copies.begin(images[:3], 0)
    copies.begin(images[3:], 3)
    copies.wait()
    np.testing.assert_array_equal(target, images)


def test_sources_of_copies_are_kept_until_they_are_there(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "_is_page_locked", lambda _: True)
    images = np.zeros((2, 2, 3), np.float32).view(ArrayThere)
    wait = card.make_copies_to(np.zeros((2, 2, 3), np.float32)).begin(images, 0)
    source = weakref.ref(card.streams[0].copies[0][0])
    card.streams[0].copies.clear()
    gc.collect()
    assert source() is not None
    del wait
    gc.collect()
    assert source() is None


def answers_of(monkeypatch, kinds):
    """Have the driver give one answer after another."""
    driver = pytest.importorskip("cuda.bindings.driver")
    asked = []

    def ask(attribute, address):
        assert attribute == driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE
        asked.append(address)
        kind = kinds[len(asked) - 1]
        if kind is None:
            return driver.CUresult.CUDA_ERROR_INVALID_VALUE, None
        return driver.CUresult.CUDA_SUCCESS, kind

    monkeypatch.setattr(driver, "cuPointerGetAttribute", ask)
    return asked


# Numbers of CUmemorytype: 1 is the host's, 2 the device's, 4 both's.
@pytest.mark.parametrize(
    ("kinds", "is_locked"),
    [([1, 1], True), ([None], False), ([1, None], False), ([2], False), ([4], False)],
)
def test_memory_is_page_locked_where_the_driver_says_so_of_both_ends(
    monkeypatch, card, kinds, is_locked
):
    asked = answers_of(monkeypatch, kinds)
    target = np.zeros((2, 3, 4), np.float32)
    assert (card.make_copies_to(target) is not None) == is_locked
    first = target.ctypes.data
    assert asked == [first, first + target.nbytes - 1][: len(kinds)]


@pytest.mark.parametrize(
    "target",
    [
        np.zeros((0, 3)),
        np.zeros((4, 6))[:, ::2],
        [0.0, 1.0],
        "images.mrcs",
        np.zeros(3, ">f4"),
        np.zeros(3, ">c16"),
        np.zeros(3, np.longdouble),
        np.zeros(3, np.float16),
    ],
    ids=["empty", "gaps", "list", "text", "bytes", "complex bytes", "long", "half"],
)
def test_what_a_card_cannot_copy_to_is_not_asked_about(monkeypatch, card, target):
    asked = answers_of(monkeypatch, [1, 1])
    assert card.make_copies_to(target) is None
    assert not asked


def test_page_locked_memory_is_read_before_it_may_change(monkeypatch, card):
    monkeypatch.setattr(cuda_device, "_is_page_locked", lambda address: address == locked)
    array, other = np.zeros(3), np.zeros(3)
    locked = array.ctypes.data
    for given in (array, other, [1.0, 2.0], array.view(ArrayThere)):
        card.send(given)
    assert card.sent == [True, False, False, True]


def test_work_on_another_stream_waits_for_the_work_before(card):
    streams = [Stream(ptr) for ptr in (5, 6)]
    order = [streams[0], streams[0], streams[1], streams[0]]
    for stream in order:
        card.current = stream
        card.run(lambda: None)
    # The first work waits for nothing, and none for its own stream.
    assert [stream.log for stream in streams] == [["of 6"], ["of 5"]]


def test_work_that_fails_is_waited_for_too(card):
    one, other = Stream(5), Stream(6)

    def fail():
        message = "out of memory"
        raise MemoryError(message)

    card.current = one
    with pytest.raises(MemoryError, match="out of memory"):
        card.run(fail)
    card.current = other
    card.run(lambda: None)
    assert other.log == ["of 5"]


def test_the_thread_that_works_has_the_card(card):
    # Whatever other threads have launched.
    thread = card.run(threading.get_ident)
    assert thread != threading.get_ident()
    assert card.threads_with_a_device == [(0, thread)]


def test_a_stream_of_each_thread_is_refused(card):
    card.current.ptr = 2
    with pytest.raises(RuntimeError, match="CUPY_CUDA_PER_THREAD_DEFAULT_STREAM"):
        card.run(lambda: None)
