"""Filters of full and half transforms."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol import fftn, ifftn, irfftn, rfftn
from numbavol.ndimage.filters import (
    AbstractFilter,
    BFactorFilter,
    CustomFilter,
    HighpassFilter,
    LowpassFilter,
    WhiteningFilter,
)
from numbavol.ndimage.grids import make_frequency_grid
from numbavol.ndimage.masks import CustomMask
from numbavol.ndimage.operators import CustomFourierOperator, FourierGaussian, FourierSinc

sides = st.integers(1, 8)
shapes = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, sides))
seeds = st.integers(0, 2**32 - 1)


def make_real(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def make_grid(shape, spacing=1.0, *, half=True):
    """Frequencies by NumPy, as the oracle of what filters are."""
    axes = [np.fft.fftfreq(n, spacing) for n in shape]
    if half:
        axes[-1] = np.fft.rfftfreq(shape[-1], spacing)
    return np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)


def make_filters(shape, *, half=True):
    grid = make_grid(shape, half=half)
    phase = CustomFourierOperator(lambda k: np.exp(-2j * np.pi * k[..., 0] * 0.3))
    filters = {
        "low-pass": LowpassFilter(grid, 1.0, 0.5, 0.3),
        "high-pass": HighpassFilter(grid, 1.0, 0.2, 0.6),
        "b-factor": BFactorFilter(grid, -3.0),
        "sinc": CustomFilter.from_function(FourierSinc(1.3), grid),
        "complex": CustomFilter.from_function(phase, grid),
    }
    if half:
        filters["whitening"] = WhiteningFilter(make_real((1, *shape), 5))
    return filters


KINDS = ["low-pass", "high-pass", "b-factor", "sinc", "complex", "whitening"]
kinds = st.sampled_from(KINDS)


@pytest.fixture(params=KINDS)
def filter_(request):
    return make_filters((5, 6))[request.param]


# Full and half transforms.


@given(shapes, seeds, st.booleans(), st.booleans())
def test_a_filter_of_ones_changes_nothing(shape, seed, is_half, is_filtering_half):
    transform = (rfftn if is_filtering_half else fftn)(make_real(shape, seed))
    ones = np.ones(rfftn(np.zeros(shape)).shape if is_half else shape)
    for filter_ in (CustomFilter(ones), LowpassFilter(make_grid(shape, half=is_half), 1.0, 2.0)):
        np.testing.assert_array_equal(filter_(transform), transform)


@given(shapes, seeds, kinds)
def test_full_and_half_transforms_give_the_same_real_map(shape, seed, kind):
    real_map = make_real(shape, seed)
    if kind == "complex":
        # Its Nyquist samples, of which there is but one of each two, are no filter of a real map.
        shape = tuple(n - 1 + n % 2 for n in shape)
        real_map = make_real(shape, seed)
    filter_ = make_filters(shape)[kind]
    from_half = irfftn(filter_(rfftn(real_map)), shape)
    from_full = ifftn(filter_(fftn(real_map)))
    scale = np.abs(from_half).max()
    np.testing.assert_allclose(from_full.imag, 0, atol=1e-13 * scale)
    np.testing.assert_allclose(from_full.real, from_half, rtol=0, atol=1e-13 * scale)


@given(shapes, seeds, kinds.filter(lambda kind: kind != "whitening"))
def test_full_and_half_arrays_filter_alike(shape, seed, kind):
    if kind == "complex":
        shape = tuple(n - 1 + n % 2 for n in shape)
    half, full = make_filters(shape)[kind], make_filters(shape, half=False)[kind]
    real_map = make_real(shape, seed)
    for transform in (rfftn(real_map), fftn(real_map)):
        np.testing.assert_allclose(half(transform), full(transform), rtol=1e-13)
    np.testing.assert_allclose((half * full)(transform), half(full(transform)), rtol=1e-13)
    np.testing.assert_allclose((full - half).get(), 0, atol=1e-13)


@given(shapes, seeds)
def test_a_half_array_is_continued_by_its_symmetry(shape, seed):
    # A convolution with a real array that has no symmetry, in real space.
    kernel, real_map = make_real(shape, seed), make_real(shape, seed + 1)
    half, full = CustomFilter(rfftn(kernel)), CustomFilter(fftn(kernel))
    scale = np.abs(fftn(kernel) * fftn(real_map)).max()
    for transform in (rfftn(real_map), fftn(real_map)):
        np.testing.assert_allclose(half(transform), full(transform), rtol=0, atol=1e-13 * scale)


def test_a_full_array_is_applied_as_it_is():
    array = make_real((4, 6)) + 1j * make_real((4, 6), 1)
    np.testing.assert_array_equal(CustomFilter(array)(np.ones((4, 6))), array)
    np.testing.assert_array_equal(CustomFilter(array)(np.ones((4, 4))), array[:, :4])


@pytest.mark.parametrize(
    "shape", [(5, 5), (5, 8), (4, 6), (4, 4), (6,), (1, 5, 6), (5, 6, 2), (), (6, 5)]
)
def test_another_shape_is_an_error(shape, filter_):
    with pytest.raises(ValueError, match=r"image: expected shape \(5, 4\), or that of the half or"):
        filter_(np.ones(shape))


@pytest.mark.parametrize("n", [6, 7])
def test_odd_and_even_lengths_have_halves_of_one_length(n):
    filter_ = LowpassFilter(make_grid((5, n)))
    assert filter_(np.ones((5, n))).shape == (5, n)


@pytest.mark.parametrize("image", [[["a"]], [[None]]])
def test_what_are_no_numbers_is_an_error(filter_, image):
    with pytest.raises(ValueError, match="image: expected numbers, got dtype"):
        filter_(image)


# Types.


@pytest.mark.parametrize("image_dtype", ["f4", ">f4", "c8", ">c8", "f8", "c16", "f2", "i4", "?"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n", [4, 6])
def test_precision_is_that_of_the_transform(image_dtype, dtype, n):
    filter_ = LowpassFilter(make_grid((5, 6)).astype(dtype), 1.0, 0.3, 0.5)
    assert filter_.array.dtype == np.dtype(dtype)
    image = (make_real((5, n)) * 5).astype(image_dtype)
    image.setflags(write=False)
    filtered = filter_(image)
    is_single = image_dtype.strip(">") in ("f2", "f4", "c8")
    is_complex = image.dtype.kind == "c"
    expected = {(True, True): "c8", (True, False): "f4", (False, True): "c16"}
    assert filtered.dtype == np.dtype(expected.get((is_single, is_complex), "f8"))
    exact = LowpassFilter(make_grid((5, 6)), 1.0, 0.3, 0.5)(image.astype("c16"))
    np.testing.assert_allclose(filtered, exact, rtol=0, atol=1e-5)


def test_a_complex_filter_makes_a_complex_result():
    filter_ = CustomFilter(np.full((5, 4), 1j))
    assert filter_.array.dtype == np.complex128
    assert filter_(np.ones((5, 4), "f4")).dtype == np.complex64
    np.testing.assert_array_equal(filter_(np.ones((5, 7)))[1, 4:], [-1j, -1j, -1j])


@given(shapes, kinds, st.booleans())
def test_nothing_given_is_changed(shape, kind, is_half):
    filter_ = make_filters(shape)[kind]
    array = filter_.get().copy()
    transform = (rfftn if is_half else fftn)(make_real(shape))
    before = transform.copy()
    filtered = filter_(transform)
    assert not np.shares_memory(filtered, transform)
    np.testing.assert_array_equal(transform, before)
    filtered[...] = 0
    np.testing.assert_array_equal(filter_.get(), array)


# Low-pass and high-pass.


@given(
    shapes,
    st.floats(0.5, 3.0),
    st.floats(0.0, 1.5),
    st.one_of(st.just(0.0), st.floats(1e-3, 1.0)),
    st.booleans(),
)
def test_lowpass_is_one_below_and_zero_above(shape, spacing, cutoff, width, is_half):
    grid = make_frequency_grid(shape, spacing, outputs_rfftfreqs=is_half)
    k = np.sqrt((grid**2).sum(-1)) * 2 * spacing
    lowpass = LowpassFilter(grid, spacing, cutoff, width)
    array = lowpass.get()
    assert np.all(array[k <= cutoff * (1 - 1e-9)] == 1)
    assert np.all(array[k > (cutoff + width) * (1 + 1e-9)] == 0)
    edge = (k > cutoff + 1e-9) & (k < cutoff + width - 1e-9)
    expected = (1 + np.cos(np.pi * (k[edge] - cutoff) / (width or 1.0))) / 2
    np.testing.assert_allclose(array[edge], expected, rtol=0, atol=1e-10)
    assert np.all(np.diff(array.ravel()[np.argsort(k.ravel())]) <= 1e-10)
    highpass = HighpassFilter(grid, spacing, cutoff, width)
    np.testing.assert_array_equal(highpass.get(), 1 - array)
    assert (lowpass + highpass).get().tolist() == np.ones_like(array).tolist()
    assert (1 - lowpass) == CustomFilter(highpass.get())


def test_the_defaults_are_those_of_the_specification():
    k = np.sqrt((make_grid((64, 64)) ** 2).sum(-1)) / 0.5
    expected = np.where(
        k <= 0.95, 1, np.where(k > 1, 0, (1 + np.cos((k - 0.95) * np.pi / 0.05)) / 2)
    )
    np.testing.assert_allclose(LowpassFilter(make_grid((64, 64))).get(), expected, atol=1e-13)
    np.testing.assert_allclose(HighpassFilter(make_grid((64, 64))).get(), 1 - expected, atol=1e-13)


def test_inverse_angstroms_and_pixels_are_the_same_filter():
    in_pixels = LowpassFilter(make_grid((6, 7)), 1.0, 0.4, 0.2)
    in_angstroms = LowpassFilter(make_grid((6, 7), 2.5), 2.5, 0.4, 0.2)
    np.testing.assert_allclose(in_angstroms.get(), in_pixels.get(), atol=1e-14)


@pytest.mark.parametrize("cls", [LowpassFilter, HighpassFilter])
@pytest.mark.parametrize("shape", [(33, 40), (12, 15, 16)])
@pytest.mark.parametrize("spacing", [1.5, (1.0, 2.0, 1.5)])
def test_a_resolution_is_the_inverse_of_the_cutoff(cls, shape, spacing):
    spacing = spacing if np.ndim(spacing) == 0 else spacing[: len(shape)]
    largest = np.max(spacing)
    filter_ = cls.from_resolution(shape, spacing, 8.0, 0.25, dtype=np.float64)
    grid = make_frequency_grid(shape, spacing)
    expected = cls(grid, largest, 2 * largest / 8, 0.25)
    np.testing.assert_array_equal(filter_.get(), expected.get())
    assert filter_ == expected
    k, nyquist = np.sqrt((grid**2).sum(-1)), 0.5 / largest
    passed, stopped = k < 0.9999 / 8, k > 1.0001 / 8 + 0.25 * nyquist
    assert np.all(filter_.get()[passed] == (cls is LowpassFilter))
    assert np.all(filter_.get()[stopped] == (cls is HighpassFilter))
    single = cls.from_resolution(shape, spacing, 8.0, 0.25)
    assert single.get().dtype == np.float32
    np.testing.assert_allclose(single.get(), expected.get(), rtol=1e-7, atol=1e-30)


def test_a_lowpass_filter_takes_a_wave_away():
    y, x = np.mgrid[:48, :60]
    coarse, fine = np.cos(2 * np.pi * 3 * x / 60), np.cos(2 * np.pi * 20 * y / 48)
    # 20 and 2.4 pixels of 1.25 angstroms: 25 and 3 angstroms.
    filter_ = LowpassFilter.from_resolution((48, 60), 1.25, 8.0, dtype=np.float64)
    filtered = irfftn(filter_(rfftn(coarse + fine)), (48, 60))
    np.testing.assert_allclose(filtered, coarse, atol=1e-13)
    filtered = ifftn((1 - filter_)(fftn(coarse + fine)))
    np.testing.assert_allclose(filtered, fine, atol=1e-13)


# B-factors.


@given(shapes, st.floats(0.5, 3.0), st.floats(-20, 20))
def test_a_b_factor_is_a_gaussian(shape, spacing, b_factor):
    grid = make_grid(shape, spacing)
    expected = np.exp(-b_factor * (grid**2).sum(-1) / 4)
    filter_ = BFactorFilter(grid, b_factor)
    np.testing.assert_allclose(filter_.get(), expected, rtol=1e-12)
    from_shape = BFactorFilter.from_shape(shape, spacing, b_factor)
    assert from_shape.get().dtype == np.float32
    np.testing.assert_allclose(from_shape.get(), expected, rtol=1e-6)
    transform = fftn(make_real(shape))
    back = BFactorFilter(grid, -b_factor)(filter_(transform))
    np.testing.assert_allclose(back, transform, rtol=1e-13)


def test_too_much_sharpening_is_an_error():
    grid = make_grid((8, 8))
    assert BFactorFilter(grid, -1500.0).get().max() > 1e80
    with pytest.raises(ValueError, match="b_factor: expected finite values, got some too large"):
        BFactorFilter(grid.astype("f4"), -1500.0)
    with pytest.raises(ValueError, match="b_factor: expected finite values, got some too large"):
        BFactorFilter(grid, -1e5)


# Whitening.


def average_power(transform, n_pixels, radius):
    """The mean of ``|F|^2 / N`` over each ring or shell of a full transform."""
    power = np.abs(transform) ** 2 / n_pixels
    shells = np.unique(radius)
    return np.array([power[radius == shell].mean() for shell in shells])


def measure_radius(shape):
    grid = make_grid(shape, half=False)
    return np.rint(np.sqrt((grid**2).sum(-1)) * max(shape)).astype(int)


@given(shapes, seeds)
def test_whitening_makes_the_radial_power_flat(shape, seed):
    image = make_real(shape, seed) + 3.0
    filter_ = WhiteningFilter(image[None], interpolation_mode="nearest")
    radius = measure_radius(shape)
    power = average_power(filter_(fftn(image)), image.size, radius)
    np.testing.assert_allclose(power[1:], 1.0, rtol=1e-12)
    assert power[0] == 0
    white = irfftn(filter_(rfftn(image)), shape)
    np.testing.assert_allclose(white.mean(), 0, atol=1e-13)
    np.testing.assert_allclose((white**2).mean(), 1 - 1 / image.size, rtol=1e-12)


@given(shapes, seeds, st.floats(0.01, 100.0))
def test_whitening_is_the_inverse_of_the_amplitude(shape, seed, scale):
    image = make_real(shape, seed)
    image /= max(image.std(), 1e-3)
    radius = measure_radius(shape)
    expected = average_power(fftn(image), image.size, radius)
    inverse = WhiteningFilter(image[None], interpolation_mode="nearest")
    array = inverse(np.ones(shape))
    for shell, power in zip(np.unique(radius)[1:], expected[1:], strict=True):
        np.testing.assert_allclose(array[radius == shell], power**-0.5, rtol=1e-10)
    squared = WhiteningFilter(image[None], interpolation_mode="nearest", outputs_squared=True)
    np.testing.assert_allclose(squared.get(), inverse.get() ** 2, rtol=1e-12)
    scaled = WhiteningFilter(image[None] * scale, interpolation_mode="nearest")
    np.testing.assert_allclose(scaled.get(), inverse.get() / scale, rtol=1e-9)


def test_powers_of_a_stack_are_averaged():
    stack = make_real((3, 9, 8))
    filters = [WhiteningFilter(image, outputs_squared=True) for image in stack]
    averaged = WhiteningFilter(stack, outputs_squared=True).get()[0, 1:]
    expected = np.mean([1 / filter_.get()[0, 1:] for filter_ in filters], axis=0)
    np.testing.assert_allclose(1 / averaged, expected, rtol=1e-12)


def make_coloured_noise(shape, seed):
    k = np.sqrt((make_grid(shape) ** 2).sum(-1))
    amplitude = np.exp(-10 * k**2)
    return irfftn(amplitude * rfftn(make_real(shape, seed)), shape) + 100, amplitude


def test_linear_interpolation_follows_a_smooth_spectrum():
    stack, amplitude = zip(*(make_coloured_noise((64, 64), i) for i in range(200)), strict=True)
    filter_ = WhiteningFilter(np.stack(stack))
    assert np.count_nonzero(filter_.get() == 0) == 1
    # But for the ring in the corners, which has no next one.
    radius = np.sqrt((make_grid((64, 64)) ** 2).sum(-1)) * 64
    kept = (radius > 0) & (radius < 44)
    # 200 images of four or more samples a ring: 1/sqrt(2 * 800) is 2.5 %, and three times it.
    ratio = (filter_.get() * amplitude[0])[kept]
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)
    nearest = WhiteningFilter(np.stack(stack), interpolation_mode="nearest")
    others = (nearest.get() * amplitude[0])[kept]
    assert np.abs(ratio - 1).mean() < np.abs(others - 1).mean()


@pytest.mark.parametrize("shape", [(32, 32), (33, 90), (128, 128)])
def test_a_whitening_filter_for_another_shape_is_the_same_function_of_frequency(shape):
    stack = np.stack([make_coloured_noise((64, 64), i)[0] for i in range(20)])
    filter_ = WhiteningFilter(stack, shape)
    assert filter_.shape == shape
    assert filter_.get().shape == (shape[0], shape[1] // 2 + 1)
    original = WhiteningFilter(stack).get()
    for x, x_original in [(shape[1] // 2, 32), (shape[1] // 4, 16)]:
        if shape[1] % 4 == 0:
            np.testing.assert_allclose(filter_.get()[0, x], original[0, x_original], rtol=1e-12)
    assert filter_.get()[0, 0] == 0
    # The mean of 100 is no part of the frequencies next to 0.
    assert np.all(filter_.get().ravel()[1:] > 0.5)


def test_whitening_of_a_volume():
    volume = make_real((8, 9, 10))
    filter_ = WhiteningFilter.from_volume(volume, interpolation_mode="nearest")
    assert filter_.shape == (8, 9, 10)
    power = average_power(filter_(fftn(volume)), volume.size, measure_radius((8, 9, 10)))
    np.testing.assert_allclose(power[1:], 1.0, rtol=1e-12)
    other = WhiteningFilter.from_volume(volume, [4, 4, 4], outputs_squared=True)
    assert other.get().shape == (4, 4, 3)
    assert other.outputs_squared
    with pytest.raises(ValueError, match=r"volume: expected 3 axes, got shape \(8, 9\)"):
        WhiteningFilter.from_volume(volume[..., 0])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4])
def test_rounding_errors_are_not_amplified(dtype, mean):
    # Nothing but the mean, and a wave of one frequency.
    x = np.arange(64) % 16 * np.ones((64, 1))
    image = (mean + np.cos(2 * np.pi * x / 16)).astype(dtype)
    array = WhiteningFilter(image, interpolation_mode="nearest").get()
    assert array.dtype == np.dtype(dtype)
    radius = np.rint(np.sqrt((make_grid((64, 64)) ** 2).sum(-1)) * 64)
    assert np.all(array[radius == 4] > 0)
    if not (dtype == "f4" and mean == 1e4):
        assert np.all(array[radius != 4] == 0)
    np.testing.assert_array_equal(WhiteningFilter(np.full((5, 4), mean, dtype)).get(), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(4),), r"image_or_image_stack: expected 2 or 3 or 4 axes, got shape \(4,\)"),
        ((np.ones((0, 4, 4)),), r"image_or_image_stack: expected an image, got shape \(0, 4, 4\)"),
        ((np.ones((4, 4)) * 1j,), "image_or_image_stack: expected real numbers"),
        ((np.full((4, 4), np.nan),), "image_or_image_stack: expected finite values"),
        ((np.ones((4, 4)), (4, 4, 4)), "shape: expected 2 axes, as the image has"),
        ((np.ones((4, 4)), (4, 0)), "shape: expected 2 whole numbers above 0"),
        ((np.ones((4, 4)), 4), "shape: expected two or three whole numbers"),
    ],
)
def test_what_cannot_be_whitened_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        WhiteningFilter(*arguments)


def test_an_unknown_interpolation_is_an_error():
    with pytest.raises(ValueError, match="interpolation_mode: expected 'nearest' or 'linear', got"):
        WhiteningFilter(np.ones((4, 4)), interpolation_mode="cubic")


# Algebra.


@given(shapes, kinds, kinds, st.floats(-3, 3), st.booleans())
def test_filters_add_subtract_and_multiply(shape, one, other, number, is_half):
    A, B = make_filters(shape)[one], make_filters(shape)[other]
    transform = (rfftn if is_half else fftn)(make_real(shape))
    a, b = A(transform), B(transform)
    scale = max(1.0, np.abs(a).max(), np.abs(b).max())
    for filter_, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, A(b)),
        (A + number, a + number * transform),
        (number + A, a + number * transform),
        (A - number, a - number * transform),
        (number - A, number * transform - a),
        (A * number, a * number),
        (number * A, a * number),
        (-A, -a),
    ]:
        assert isinstance(filter_, AbstractFilter)
        assert not filter_.get().flags.writeable
        np.testing.assert_allclose(filter_(transform), expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize(
    "other", [FourierGaussian(), CustomMask(np.ones((5, 4))), np.ones((5, 4)), "2", None, 1j]
)
def test_filters_combine_with_nothing_else(filter_, other):
    for combine in (lambda: filter_ * other, lambda: other * filter_, lambda: filter_ + other):
        with pytest.raises(TypeError):
            combine()


def test_filters_of_other_shapes_do_not_combine(filter_):
    other = CustomFilter(np.ones((6, 4)))
    with pytest.raises(
        ValueError, match=r"\+: expected filters of one shape, or of a full and its"
    ):
        filter_ + other


def test_single_precision_filters_combine_to_one():
    filter_ = LowpassFilter(make_grid((5, 6)).astype("f4"))
    assert (2 * filter_ - 1).get().dtype == np.float32
    assert (filter_ * filter_).get().dtype == np.float32


def test_a_users_subclass_filters_and_combines():
    class Halving(AbstractFilter):
        def get(self):
            return np.full((5, 4), 0.5)

    np.testing.assert_array_equal(Halving()(np.ones((5, 6))), np.full((5, 6), 0.5))
    np.testing.assert_array_equal((1 + Halving())(np.ones((5, 4))), np.full((5, 4), 1.5))
    assert repr(Halving()) == "Halving(shape=(5, 4))"


# Values.


def test_filters_are_values(filter_):
    for same in (
        copy.copy(filter_),
        copy.deepcopy(filter_),
        pickle.loads(pickle.dumps(filter_)),
    ):
        assert same == filter_
        assert hash(same) == hash(filter_)
        np.testing.assert_array_equal(same.get(), filter_.get())
        with pytest.raises(ValueError, match="read-only"):
            same.get()[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        filter_.array = 1
    assert filter_ != filter_.get()
    assert filter_ != CustomFilter(np.zeros((5, 4)))


def test_filters_differ():
    filters = list(make_filters((5, 6)).values())
    filters += [LowpassFilter(make_grid((5, 6)), 1.0, 0.4, 0.3), LowpassFilter(make_grid((6, 6)))]
    for i, one in enumerate(filters):
        for j, other in enumerate(filters):
            assert (one == other) == (i == j)


def test_replace_needs_the_grid_again():
    grid = make_grid((5, 6))
    lowpass = LowpassFilter(grid, 1.0, 0.4, 0.3)
    name = "frequency_grid_in_angstroms_or_pixels"
    replaced = dataclasses.replace(lowpass, **{name: grid}, rolloff_width_fraction=0.1)
    assert replaced == LowpassFilter(grid, 1.0, 0.4, 0.1)
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(lowpass, rolloff_width_fraction=0.1)
    image = make_real((5, 6))
    white = WhiteningFilter(image, interpolation_mode="nearest")
    replaced = dataclasses.replace(white, image_or_image_stack=image, outputs_squared=True)
    assert replaced.interpolation_mode == "nearest"
    np.testing.assert_allclose(replaced.get(), white.get() ** 2)


def test_repr_is_short():
    grid = make_grid((5, 6))
    assert repr(LowpassFilter(grid)) == (
        "LowpassFilter(shape=(5, 4), grid_spacing=1.0, frequency_cutoff_fraction=0.95, "
        "rolloff_width_fraction=0.05)"
    )
    assert repr(BFactorFilter(grid, -50)) == "BFactorFilter(shape=(5, 4), b_factor=-50.0)"
    assert repr(CustomFilter(np.ones((5, 4)))) == "CustomFilter(shape=(5, 4))"


# Making them.


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
        ([["a"]], "filter: expected numbers, got dtype"),
        ([[np.nan]], "filter: expected finite values"),
    ],
)
def test_a_wrong_array_is_an_error(array, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CustomFilter(array)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (LowpassFilter, "frequency_grid_in_angstroms_or_pixels"),
        (HighpassFilter, "frequency_grid_in_angstroms_or_pixels"),
        (lambda grid: BFactorFilter(grid, 1.0), "frequency_grid_in_angstroms"),
        (lambda grid: CustomFilter.from_function(FourierSinc(), grid), "frequency_grid"),
    ],
)
def test_a_wrong_grid_is_an_error(cls, name):
    message = rf"^{name}: expected shape \(y, x, 2\) or \(z, y, x, 3\), got "
    for shape in [(4, 4, 3), (4, 4, 4, 2), (4, 2)]:
        with pytest.raises(ValueError, match=message):
            cls(np.zeros(shape))
    with pytest.raises(ValueError, match=f"^{name}: expected vectors"):
        cls(np.zeros((4, 4)))
    if name != "frequency_grid":
        with pytest.raises(ValueError, match=f"^{name}: expected finite values, got nan"):
            cls(np.full((4, 4, 2), np.nan))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grid_spacing": 0.0}, "grid_spacing: expected finite lengths above 0"),
        ({"frequency_cutoff_fraction": -0.1}, "frequency_cutoff_fraction: expected a number of at"),
        ({"rolloff_width_fraction": -0.1}, "rolloff_width_fraction: expected a number of at least"),
        ({"rolloff_width_fraction": math.nan}, "rolloff_width_fraction: expected finite values"),
        ({"frequency_cutoff_fraction": [0.1]}, "frequency_cutoff_fraction: expected a number, got"),
    ],
)
@pytest.mark.parametrize("cls", [LowpassFilter, HighpassFilter])
def test_wrong_fractions_are_errors(cls, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        cls(make_grid((4, 4)), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4,), 1.0, 8.0), "shape: expected two or three whole numbers above 0"),
        (((4, 0), 1.0, 8.0), "shape: expected 2 whole numbers above 0"),
        (((4, 4), -1.0, 8.0), "grid_spacing: expected finite lengths above 0"),
        (((4, 4), (1, 1, 1), 8.0), "grid_spacing: expected one number, or one for each of 2 axes"),
        (((4, 4), 1.0, 0.0), "resolution: expected finite lengths above 0"),
        (((4, 4), 1.0, math.inf), "resolution: expected finite lengths above 0"),
        (((4, 4), 1.0, 8.0, -1.0), "rolloff_width_fraction: expected a number of at least 0"),
    ],
)
def test_a_wrong_resolution_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        LowpassFilter.from_resolution(*arguments)
    with pytest.raises(ValueError, match=r"^dtype: expected float32 or float64"):
        LowpassFilter.from_resolution((4, 4), 1.0, 8.0, dtype=np.complex64)
