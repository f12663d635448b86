"""Copies past the caches: the same elements, and nothing beside them."""

from __future__ import annotations

import platform

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol.kernels import copies
from numbavol.kernels.copies import LINE, copy_past_caches


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch):
    monkeypatch.setattr(copies, "FEWEST_BYTES", 0)


def place(values, offset):
    """A copy that begins so many bytes after a line does, and all of the memory around it."""
    memory = np.full(values.nbytes + 4 * LINE, 255, np.uint8)
    start = -memory.ctypes.data % LINE + LINE + offset
    own = memory[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    own[...] = values
    return own, memory


@given(
    n=st.integers(0, 5 * LINE),
    offset_of_target=st.integers(0, LINE - 1),
    offset_of_source=st.integers(0, LINE - 1),
)
def test_all_bytes_are_copied_and_no_others(n, offset_of_target, offset_of_source):
    values = np.random.default_rng(n).integers(0, 255, n, np.uint8)
    source, _ = place(values, offset_of_source)
    target, memory = place(np.zeros_like(values), offset_of_target)
    start = target.ctypes.data - memory.ctypes.data
    copy_past_caches(target, source)
    np.testing.assert_array_equal(memory[start : start + n], values)
    np.testing.assert_array_equal(memory[:start], 255)
    np.testing.assert_array_equal(memory[start + n :], 255)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i8", "?"])
def test_types_and_shapes(dtype):
    values = (100 * np.random.default_rng(0).standard_normal((5, 7, 9))).astype(dtype)
    # Bits, also of what is not a number.
    if dtype == "f4":
        values.view(np.uint32)[0, 0] = 0x7FC12345
    target = np.zeros_like(values)
    copy_past_caches(target[1:4], values[1:4])
    np.testing.assert_array_equal(target[1:4].view(np.uint8), values[1:4].view(np.uint8))
    assert not target[[0, 4]].any()


@pytest.mark.parametrize(
    ("target", "source"),
    [
        (np.zeros((4, 6)), np.arange(24.0).reshape(6, 4).T),
        (np.zeros((6, 4)).T, np.arange(24.0).reshape(4, 6)),
        (np.zeros((4, 12))[:, ::2], np.arange(24.0).reshape(4, 6)),
        (np.zeros((4, 6)), np.arange(24, dtype=np.float32).reshape(4, 6)),
        (np.zeros((4, 6)), np.arange(6.0)),
        (np.zeros((4, 6), ">f8"), np.arange(24.0).reshape(4, 6)),
        (np.zeros(2, object), np.array([(), "a"], object)),
    ],
    ids=["source", "target", "gaps", "narrow", "broadcast", "byte order", "objects"],
)
def test_what_is_no_row_of_bytes_is_assigned(target, source):
    copy_past_caches(target, source)
    np.testing.assert_array_equal(target, np.broadcast_to(source, target.shape))


def test_what_may_not_be_written_is_an_error():
    target = np.zeros(9)
    target.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        copy_past_caches(target, np.ones(9))
    with pytest.raises(ValueError, match="broadcast"):
        copy_past_caches(np.zeros(9), np.ones(8))


def test_sources_may_be_readable_alone_and_stay_writable():
    source = np.arange(999.0)
    readable = source.view()
    readable.flags.writeable = False
    for each in (source, readable):
        target = np.zeros(999)
        copy_past_caches(target, each)
        np.testing.assert_array_equal(target, source)
    assert source.flags.writeable


def test_a_memory_map_is_a_target(tmp_path):
    values = np.arange(5000, dtype=np.float32)
    target = np.memmap(tmp_path / "file", np.float32, "w+", shape=(2, 5000))
    copy_past_caches(target[1], values)
    target.flush()
    np.testing.assert_array_equal(np.fromfile(tmp_path / "file", np.float32)[5000:], values)


@pytest.mark.compiled
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other names for it"
)
def test_lines_go_past_the_caches():
    # Anew: what was compiled by another process has no text.
    compiled = numba.njit(copies._copy.py_func)
    target, _ = place(np.zeros(2 * LINE, np.uint8), 0)
    compiled(target, np.ones_like(target), 0)
    (code,) = compiled.inspect_asm().values()
    assert "movnt" in code
