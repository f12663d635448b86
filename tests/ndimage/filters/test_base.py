"""Filtering full and half transforms, and filters of any array."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import specimens
import strategies
from hypothesis import given
from hypothesis import strategies as st

from numbavol import fftn, ifftn, irfftn, rfftn
from numbavol.ndimage.filters import CustomFilter, LowpassFilter
from numbavol.ndimage.grids import make_frequency_grid
from numbavol.ndimage.operators import FourierGaussian

shapes = strategies.image_and_map_shapes(longest=8)
seeds = st.integers(0, 2**32 - 1)


# Full and half transforms.


@given(shapes, seeds, st.booleans(), st.booleans())
def test_a_filter_of_ones_changes_nothing(shape, seed, is_half, is_filtering_half):
    transform = (rfftn if is_filtering_half else fftn)(specimens.make_real(shape, seed))
    ones = np.ones(rfftn(np.zeros(shape)).shape if is_half else shape)
    for filter_ in (
        CustomFilter(ones),
        LowpassFilter(naive.frequency_vectors(shape, half=is_half), 1.0, 2.0),
    ):
        np.testing.assert_array_equal(filter_(transform), transform)


@given(shapes, seeds, specimens.filter_kinds)
def test_full_and_half_transforms_give_the_same_real_map(shape, seed, kind):
    real_map = specimens.make_real(shape, seed)
    if kind == "complex":
        # Its Nyquist samples, of which there is but one of each two, are no filter of a real map.
        shape = tuple(n - 1 + n % 2 for n in shape)
        real_map = specimens.make_real(shape, seed)
    filter_ = specimens.make_filters(shape)[kind]
    from_half = irfftn(filter_(rfftn(real_map)), shape)
    from_full = ifftn(filter_(fftn(real_map)))
    scale = np.abs(from_half).max()
    np.testing.assert_allclose(from_full.imag, 0, atol=1e-13 * scale)
    np.testing.assert_allclose(from_full.real, from_half, rtol=0, atol=1e-13 * scale)


@given(shapes, seeds, specimens.filter_kinds.filter(lambda kind: kind != "whitening"))
def test_full_and_half_arrays_filter_alike(shape, seed, kind):
    if kind == "complex":
        shape = tuple(n - 1 + n % 2 for n in shape)
    half, full = (
        specimens.make_filters(shape)[kind],
        specimens.make_filters(shape, half=False)[kind],
    )
    real_map = specimens.make_real(shape, seed)
    for transform in (rfftn(real_map), fftn(real_map)):
        np.testing.assert_allclose(half(transform), full(transform), rtol=1e-13)
    np.testing.assert_allclose((half * full)(transform), half(full(transform)), rtol=1e-13)
    np.testing.assert_allclose((full - half).get(), 0, atol=1e-13)


@given(shapes, seeds)
def test_a_half_array_is_continued_by_its_symmetry(shape, seed):
    # A convolution with a real array that has no symmetry, in real space.
    kernel, real_map = specimens.make_real(shape, seed), specimens.make_real(shape, seed + 1)
    half, full = CustomFilter(rfftn(kernel)), CustomFilter(fftn(kernel))
    scale = np.abs(fftn(kernel) * fftn(real_map)).max()
    for transform in (rfftn(real_map), fftn(real_map)):
        np.testing.assert_allclose(half(transform), full(transform), rtol=0, atol=1e-13 * scale)


def test_a_full_array_is_applied_as_it_is():
    array = specimens.make_real((4, 6)) + 1j * specimens.make_real((4, 6), 1)
    np.testing.assert_array_equal(CustomFilter(array)(np.ones((4, 6))), array)
    np.testing.assert_array_equal(CustomFilter(array)(np.ones((4, 4))), array[:, :4])


@pytest.mark.parametrize(
    "shape", [(5, 5), (5, 8), (4, 6), (4, 4), (6,), (1, 5, 6), (5, 6, 2), (), (6, 5)]
)
def test_another_shape_is_an_error(shape, filter_):
    with pytest.raises(ValueError, match=r"image: expected (shape \(5, 4\), or that|an array)"):
        filter_(np.ones(shape))


@pytest.mark.parametrize("n", [6, 7])
def test_odd_and_even_lengths_have_halves_of_one_length(n):
    filter_ = LowpassFilter(naive.frequency_vectors((5, n)))
    assert filter_(np.ones((5, n))).shape == (5, n)


@pytest.mark.parametrize("image", [[["a"]], [[None]]])
def test_what_are_no_numbers_is_an_error(filter_, image):
    with pytest.raises(ValueError, match="image: expected real or complex numbers, got dtype"):
        filter_(image)


# Types.


@pytest.mark.parametrize("image_dtype", ["f4", ">f4", "c8", ">c8", "f8", "c16", "f2", "i4", "?"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n", [4, 6])
def test_precision_is_that_of_the_transform(image_dtype, dtype, n):
    filter_ = LowpassFilter(naive.frequency_vectors((5, 6)).astype(dtype), 1.0, 0.3, 0.5)
    assert filter_.array.dtype == np.dtype(dtype)
    image = (specimens.make_real((5, n)) * 5).astype(image_dtype)
    image.setflags(write=False)
    filtered = filter_(image)
    is_single = image_dtype.strip(">") in ("f2", "f4", "c8")
    is_complex = image.dtype.kind == "c"
    expected = {(True, True): "c8", (True, False): "f4", (False, True): "c16"}
    assert filtered.dtype == np.dtype(expected.get((is_single, is_complex), "f8"))
    exact = LowpassFilter(naive.frequency_vectors((5, 6)), 1.0, 0.3, 0.5)(image.astype("c16"))
    np.testing.assert_allclose(filtered, exact, rtol=0, atol=1e-5)


def test_a_complex_filter_makes_a_complex_result():
    filter_ = CustomFilter(np.full((5, 4), 1j))
    assert filter_.array.dtype == np.complex128
    assert filter_(np.ones((5, 4), "f4")).dtype == np.complex64
    np.testing.assert_array_equal(filter_(np.ones((5, 7)))[1, 4:], [-1j, -1j, -1j])


@given(shapes, specimens.filter_kinds, st.booleans())
def test_nothing_given_is_changed(shape, kind, is_half):
    filter_ = specimens.make_filters(shape)[kind]
    array = filter_.get().copy()
    transform = (rfftn if is_half else fftn)(specimens.make_real(shape))
    before = transform.copy()
    filtered = filter_(transform)
    assert not np.shares_memory(filtered, transform)
    np.testing.assert_array_equal(transform, before)
    filtered[...] = 0
    np.testing.assert_array_equal(filter_.get(), array)


# Filters of an array.


def test_a_custom_filter_holds_a_copy():
    array = np.ones((4, 4))
    filter_ = CustomFilter(array)
    array[0] = 2
    np.testing.assert_array_equal(filter_.get(), 1)
    assert CustomFilter(np.ones((4, 4), "i4")).get().dtype == np.float64
    assert CustomFilter([[1, 2], [3, 4]]).get().shape == (2, 2)


def test_a_filter_of_an_operator_is_its_values():
    grid = make_frequency_grid((5, 6), 1.5).astype("f4")
    filter_ = CustomFilter.from_function(FourierGaussian(2.0, 30.0), grid)
    assert filter_.get().dtype == np.float32
    np.testing.assert_array_equal(filter_.get(), FourierGaussian(2.0, 30.0)(grid))
    with pytest.raises(ValueError, match=r"function: expected numbers of shape \(5, 4\)"):
        CustomFilter.from_function(lambda k: k, grid)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(4), r"filter: expected 2 or 3 axes, got shape \(4,\)"),
        (np.ones((2, 2, 2, 2)), "filter: expected 2 or 3 axes"),
        ([["a"]], "filter: expected real or complex numbers, got dtype"),
        ([[np.nan]], "filter: expected finite values"),
    ],
)
def test_a_wrong_array_is_an_error(array, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CustomFilter(array)
