from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from stacks import KEY, SHAPE, assert_valid, names, whole, write

from numbavol.io import (
    partial_stack,
    read_images,
    read_map,
    read_map_header,
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


class TestFile:
    @in_one_folder
    @given(
        arrays(
            np.float32,
            st.tuples(*[st.integers(1, 7)] * 3),
            elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
        ),
        st.integers(1, 10**5).map(lambda i: i / 1000),
        st.randoms(use_true_random=False),
    )
    def test_what_is_written_is_read(self, path, images, pixel_size, random):
        order = random.sample(range(len(images)), len(images))
        with write_image_stack(path, images.shape, pixel_size, overwrite=True) as stack:
            assert (stack.shape, stack.dtype, stack.n_already_written) == (images.shape, "f4", 0)
            for number in order:
                stack[number] = images[number]
        density = read_map(path)
        assert_array_equal(density.data, images)
        assert density.voxel_size.tolist() == [pixel_size] * 3
        with mrcfile.open(path) as mrc:
            # By the format, a stack of one image and an image are the same.
            assert mrc.is_image_stack() or (mrc.is_single_image() and len(images) == 1)
            assert_array_equal(mrc.data.reshape(images.shape), images)
            assert_allclose(mrc.voxel_size.tolist(), pixel_size, rtol=1e-6)
            assert (mrc.header.mz, mrc.header.mode, mrc.header.ispg) == (1, 2, 0)
        assert_valid(path)

    def test_statistics_are_of_the_whole_stack(self, path, images):
        values = images + 100 + np.arange(len(images), dtype=np.float32)[:, None, None]
        write(path, values)
        header = read_map_header(path)
        expected = values.astype(np.float64)
        assert_allclose(
            [header.minimum, header.maximum, header.mean, header.rms],
            [expected.min(), expected.max(), expected.mean(), expected.std()],
            rtol=1e-6,
        )

    @pytest.mark.parametrize("value", [466034.25, 1e-30, 0.0, -1.0])
    def test_a_constant_stack_is_valid(self, path, value):
        write(path, np.full((2, 2, 5), value))
        assert_valid(path)
        assert read_map_header(path).rms in (0.0, None)

    @pytest.mark.parametrize("dtype", ["float32", "float16"])
    def test_threads_in_any_order_give_the_same_bytes(self, path, dtype):
        images = np.random.default_rng(1).normal(5, 2, (40, 16, 16)).astype(np.float32)
        with (
            write_image_stack(path, images.shape, 1.5, dtype=dtype) as stack,
            ThreadPoolExecutor(4) as pool,
        ):
            order = np.random.default_rng(2).permutation(len(images)).tolist()
            list(pool.map(lambda number: stack.__setitem__(number, images[number]), order))
        assert path.read_bytes() == whole(path, images, dtype=dtype)

    @pytest.mark.parametrize("dtype", [np.float64, ">f4", np.float16, np.int16, np.bool_])
    @pytest.mark.parametrize(
        "change", [np.asfortranarray, lambda a: a[::-1, ::-1], np.ndarray.tolist]
    )
    def test_any_real_image_is_stored_as_float32(self, path, dtype, change):
        images = [change((np.arange(20).reshape(4, 5) % 2).astype(dtype)) for _ in range(2)]
        write(path, images)
        assert_array_equal(read_map(path).data, np.asarray(images, np.float32))

    def test_it_is_written_where_a_link_leads(self, path, images):
        target = path.parent / "elsewhere.mrcs"
        path.symlink_to(target)
        write(path, images)
        assert path.is_symlink()
        assert_array_equal(read_map(target).data, images)

    @pytest.mark.parametrize("has_a_call", [True, False])
    def test_100_000_images_of_256_pixels(self, path, part, monkeypatch, has_a_call):
        def refuse(*_):
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")

        # Where space cannot be reserved, nothing is: the file is long, and nearly empty.
        if has_a_call:
            monkeypatch.setattr(os, "posix_fallocate", refuse)
        else:
            monkeypatch.delattr(os, "posix_fallocate")
        image = np.full((256, 256), 7, np.float32)

        def fill():
            with write_image_stack(path, (100_000, 256, 256), 1.0) as stack:
                stack[99_999] = stack[10_000] = image
                assert part.stat().st_size == 1024 + 100_000 * image.nbytes
                with part.open("rb") as file:
                    for number in (10_000, 99_999):
                        file.seek(1024 + number * image.nbytes)
                        assert file.read(image.nbytes) == image.tobytes()

        with pytest.raises(
            ValueError, match=r"99998 of 100000 images were not written, .* image 0"
        ):
            fill()
        assert names(path) == []

    def test_a_system_that_writes_little_at_once(self, path, images, monkeypatch):
        expected = whole(path, images)
        pwrite = os.pwrite
        monkeypatch.setattr(
            os, "pwrite", lambda file, data, offset: pwrite(file, bytes(data)[:100], offset)
        )
        write(path, images)
        assert path.read_bytes() == expected


class TestFloat16:
    @in_one_folder
    @given(
        arrays(
            np.float32,
            st.tuples(*[st.integers(1, 7)] * 3),
            elements=st.floats(-65504, 65504, width=32),
        ),
        st.integers(1, 3),
    )
    def test_what_is_read_is_what_float16_can_hold(self, path, images, step):
        with write_image_stack(path, images.shape, 1.5, dtype=np.float16, overwrite=True) as stack:
            assert stack.dtype == np.float16
            for first in range(0, len(images), step):
                stack[first : first + step] = images[first : first + step]
        held = images.astype(np.float16)
        assert path.stat().st_size == 1024 + held.nbytes
        assert_array_equal(read_map(path).data, held.astype(np.float32))
        assert_array_equal(read_images(path, len(images) - 1)[0], held[-1].astype(np.float32))
        with mrcfile.open(path) as mrc:
            assert (mrc.data.dtype, mrc.header.mode) == (np.float16, 12)
            assert_array_equal(mrc.data.reshape(held.shape), held)

    def test_statistics_are_of_what_is_in_the_file(self, path, images):
        values = images + 1000 + np.arange(len(images), dtype=np.float32)[:, None, None]
        write(path, values, dtype=np.float16)
        header, held = read_map_header(path), values.astype(np.float16).astype(np.float64)
        assert held.min() != values.min()
        assert_allclose(
            [header.minimum, header.maximum, header.mean, header.rms],
            [held.min(), held.max(), held.mean(), held.std()],
            rtol=1e-6,
        )

    def test_it_is_valid(self, path, images):
        write(path, images, dtype=np.float16)
        assert_valid(path)

    @pytest.mark.parametrize("value", [65520.0, -7e4, np.inf])
    def test_what_it_cannot_hold_is_one_error(self, path, value):
        message = (
            r"image 3: expected finite float16 values, which reach to 65504, there is -?inf at "
            r"index \[2, 2\]$"
        )
        image = np.diag([0.0, 0.0, value, 0.0, 0.0])[:4]
        with (
            pytest.raises(ValueError, match=message),
            write_image_stack(path, SHAPE, 1.5, dtype=np.float16, resume_key=KEY) as stack,
        ):
            stack[3] = image
        assert names(path) == []


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.floats(-1e3, 1e3, width=32),
    ),
    st.floats(-1e6, 1e6, width=32),
)
@example(np.zeros((200, 200), np.float32), 1e6)
def test_a_first_pixel_unlike_the_others_costs_no_accuracy(image, first):
    image = image.copy()
    image[0, 0] = first
    low, high, mean, variance = partial_stack._measure(0, image)
    expected = image.astype(np.float64)
    assert (low, high) == (expected.min(), expected.max())
    # Roundings of float64, as many as there are pixels; of squares, of differences and of sums.
    scale = np.abs(expected).max()
    assert_allclose(mean, expected.mean(), rtol=0, atol=1e-15 * image.size * scale)
    assert_allclose(
        variance, expected.var(), rtol=3e-15 * image.size + 1e-14, atol=1e-28 * scale**2
    )
