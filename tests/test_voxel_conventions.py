"""The conventions of volumes of voxels, one test each: splines, samples, slices and their poses.

What is expected is a closed form, or an expression of NumPy or SciPy.
"""

from __future__ import annotations

import naive
import numpy as np
import pytest
import scipy.ndimage

from numbavol import (
    EulerAnglePose,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    RealVoxelGridVolume,
    compute_spline_coefficients,
    map_coordinates,
    map_coordinates_spline,
    sample_fourier_planes,
    sample_fourier_planes_spline,
)

# Sums of at most 486 numbers of size 1, each rounded by 1e-16.
ROUNDING = 1e-12
POSE = EulerAnglePose(0, 0, 20, 50, 70)
ROTATION = naive.rotation_zyz(20, 50, 70)
BOTH_PARITIES = pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])
ORDERS = pytest.mark.parametrize("order", [1, 3])
FOURIER_VOLUMES = pytest.mark.parametrize(
    "kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume]
)


def random_map(shape):
    return np.random.default_rng(1).normal(size=shape)


def random_transform(shape):
    """Complex numbers of no symmetry."""
    return random_map(shape) + 1j * np.random.default_rng(2).normal(size=shape)


def assert_close(actual, expected, atol=ROUNDING):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


# Interpolation


@pytest.mark.parametrize("shape", [(5,), (4, 7), (4, 5, 6)])
def test_spline_coefficients_are_scipys_periodic_ones_wrapped_by_one_on_each_side(shape):
    data = random_transform(shape)
    expected = scipy.ndimage.spline_filter(data, output=complex, mode="grid-wrap")
    coefficients = compute_spline_coefficients(data)
    assert coefficients.shape == tuple(n + 2 for n in shape)
    assert_close(coefficients, np.pad(expected, 1, mode="wrap"))


def test_an_element_is_a_sixth_of_three_coefficients_the_middle_one_four_times():
    data = random_transform((6,))
    c = compute_spline_coefficients(data)
    assert_close((c[:-2] + 4 * c[1:-1] + c[2:]) / 6, data)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("fill", [10, 30, -7, -7, -7, -7]),
        ("clip", [10, 30, 0, 30, 30, 0]),
        # Between the last element and the first, which comes again at 4.
        ("wrap", [10, 30, 7.5, 15, 0, 20]),
    ],
)
def test_outside_is_the_fill_value_or_the_nearest_edge_or_the_other_side(mode, expected):
    places = np.array([1.0, 3.0, -0.25, 3.5, 4.0, -2.0])
    data = np.array([0.0, 10.0, 20.0, 30.0])
    np.testing.assert_array_equal(map_coordinates(data, [places], 1, mode, -7.0), expected)


def test_places_outside_are_filled_with_0_unless_asked():
    data = np.array([1.0, 2.0])
    np.testing.assert_array_equal(map_coordinates(data, [[-0.1, 0.0, 1.0, 1.1]], 1), [0, 1, 2, 0])


def test_order_0_takes_the_nearest_element():
    data = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(map_coordinates(data, [[0.4, 0.6, 1.4]], 0), [1, 2, 2])


def test_order_3_is_scipys_periodic_spline():
    data, places = random_map((4, 5, 6)), np.random.default_rng(3).uniform(-9, 9, (3, 50))
    expected = scipy.ndimage.map_coordinates(data, places, order=3, mode="grid-wrap")
    assert_close(map_coordinates(data, places, 3, "wrap"), expected)
    coefficients = np.pad(scipy.ndimage.spline_filter(data, mode="grid-wrap"), 1, mode="wrap")
    assert_close(map_coordinates_spline(coefficients, places, "wrap"), expected)


def test_places_are_given_in_the_order_of_axes():
    data = np.arange(24.0).reshape(2, 3, 4)
    for order in (0, 1, 3):
        assert_close(map_coordinates(data, [[1], [0], [2]], order), data[1, 0, 2])


# Samples of a transform, its zero frequency at n // 2


def sample_planes(order, grid, planes, shape):
    if order == 1:
        return sample_fourier_planes(grid, planes, shape)
    spline = scipy.ndimage.spline_filter(grid, output=complex, mode="grid-wrap")
    return sample_fourier_planes_spline(np.pad(spline, 1, mode="wrap"), planes, shape)


def sample(order, grid, frequencies):
    """Planes of one sample, at frequencies (n, 3) in cycles a voxel."""
    planes = np.zeros((len(frequencies), 3, 3))
    planes[:, 0] = frequencies
    return sample_planes(order, grid, planes, (1, 1))[:, 0, 0]


@ORDERS
@BOTH_PARITIES
def test_frequency_k_is_at_index_k_n_plus_half_n_rounded_down(order, shape):
    grid = random_transform(shape)
    k_x, k_y, k_z = 2, -1, 1
    index = tuple(n // 2 + k for n, k in zip(shape, (k_z, k_y, k_x), strict=True))
    frequency = [k_x / shape[2], k_y / shape[1], k_z / shape[0]]
    assert_close(sample(order, grid, [frequency]), grid[index])


@ORDERS
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_nyquist_plane_of_an_even_axis_belongs_to_both_ends(order, axis):
    grid = random_transform((4, 6, 8))
    # Between samples of the two other axes, then on one.
    ends = np.array([[0.13, -0.21, 0.07]] * 2 + [[0.0, 0.0, 0.0]] * 2)
    ends[:, 2 - axis] = [0.5, -0.5, 0.5, -0.5]
    samples = sample(order, grid, ends)
    assert_close(samples[0], samples[1])
    middle = [2, 3, 4]
    middle[axis] = 0
    assert_close(samples[2:], grid[tuple(middle)])


@ORDERS
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("n", "last"), [(6, 1 / 2), (7, 3 / 7)])
def test_beyond_the_last_frequency_of_an_axis_samples_are_0_on_both_sides(order, axis, n, last):
    frequencies = np.zeros((4, 3))
    frequencies[:, 2 - axis] = [last, -last, last + 1e-9, -last - 1e-9]
    samples = sample(order, random_transform((n, n, n)), frequencies)
    assert np.all(np.abs(samples[:2]) > 0.1)
    np.testing.assert_array_equal(samples[2:], 0)


@ORDERS
@pytest.mark.parametrize("shape", [(4, 6, 8), (5, 6, 7), (3, 5, 7)])
def test_samples_of_a_real_maps_transform_are_hermitian(order, shape):
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(random_map(shape))))
    # The planes of the Nyquist frequency, and to both sides of where samples end.
    frequencies = np.random.default_rng(3).uniform(-0.55, 0.55, (60, 3))
    frequencies[:20] = np.where(np.abs(frequencies[:20]) > 0.3, 0.5, frequencies[:20])
    samples = sample(order, grid, frequencies)
    assert np.count_nonzero(samples) > 5
    assert_close(sample(order, grid, -frequencies), samples.conj())


# Volumes


@FOURIER_VOLUMES
def test_the_frequency_slice_of_a_volume_is_in_cycles_a_pixel_of_its_longest_axis(kind):
    volume = kind.from_real_voxel_grid(np.ones((4, 5, 7)), voxel_size=2.0)
    assert volume.frequency_slice_in_pixels.shape == (1, 7, 7, 3)
    assert_close(volume.frequency_slice_in_pixels[0, 3 + 1, 3 + 2], [2 / 7, 1 / 7, 0], atol=1e-15)


@pytest.mark.parametrize(("pad_scale", "shape"), [(1.0, (4, 5, 6)), (1.5, (6, 7, 9))])
def test_the_grid_of_a_volume_is_the_centred_transform_of_the_padded_map(pad_scale, shape):
    values = random_map((4, 5, 6))
    padded = np.zeros(shape)
    first = [m // 2 - n // 2 for m, n in zip(shape, values.shape, strict=True)]
    padded[tuple(slice(i, i + n) for i, n in zip(first, values.shape, strict=True))] = values
    grid = FourierVoxelGridVolume.from_real_voxel_grid(values, pad_scale=pad_scale)
    expected = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(padded)))
    assert_close(grid.fourier_voxel_grid, expected)


@FOURIER_VOLUMES
def test_filters_see_the_zero_frequency_in_the_corner(kind):
    corners = []
    kind.from_real_voxel_grid(np.ones((4, 5, 6)), filter=lambda f: corners.append(f[0, 0, 0]) or f)
    assert corners == [4 * 5 * 6]


@BOTH_PARITIES
def test_coordinates_of_a_volume_are_in_pixels_from_voxel_half_n_rounded_down(shape):
    volume = RealVoxelGridVolume.from_real_voxel_grid(np.ones(shape), voxel_size=2.0)
    z, y, x = np.indices(shape)
    expected = np.stack([x - shape[2] // 2, y - shape[1] // 2, z - shape[0] // 2], axis=-1)
    np.testing.assert_array_equal(volume.coordinate_grid_in_pixels, expected)


def test_a_volume_is_cropped_to_the_whole_part_of_n_by_the_scale():
    values = random_map((4, 5, 7))
    cropped = RealVoxelGridVolume.from_real_voxel_grid(values, crop_scale=1.5).real_voxel_grid
    # Of 4, 5 and 7 voxels 2, 3 and 4 stay, around voxels 2, 2 and 3.
    np.testing.assert_array_equal(cropped, values[1:3, 1:4, 1:5])


def test_the_coordinates_of_a_map_turn_by_r():
    volume = RealVoxelGridVolume.from_real_voxel_grid(np.ones((4, 5, 6)))
    r = volume.coordinate_grid_in_pixels
    turned = volume.rotate_to_pose(POSE).coordinate_grid_in_pixels
    back = volume.rotate_to_pose(POSE, inverse=True).coordinate_grid_in_pixels
    assert_close(turned, r @ ROTATION.T)  # rows: (R r)^T
    assert_close(back, r @ ROTATION)


@FOURIER_VOLUMES
def test_the_frequency_slice_turns_by_the_transpose_of_r(kind):
    volume = kind.from_real_voxel_grid(np.ones((4, 5, 6)))
    q = volume.frequency_slice_in_pixels
    turned = volume.rotate_to_pose(POSE).frequency_slice_in_pixels
    back = volume.rotate_to_pose(POSE, inverse=True).frequency_slice_in_pixels
    assert_close(turned, q @ ROTATION)  # rows: (R^T q)^T
    assert_close(back, q @ ROTATION.T)


# One pose. Three Gaussians in a box of 24, seen up to half of the Nyquist frequency, to where an
# alias is exp(-2 pi^2 VARIANCE (3/4)^2) = 2e-10 of them.

SIDE, VARIANCE = 24, 2.0
POSITIONS, AMPLITUDES = np.array([[3.0, 0, 1], [-1, 2.5, 0], [0, -1, -3.0]]), np.array([1.0, 2, 3])
PLACES = np.arange(12, 36, 4)  # of frequencies from -1/4 on, in a slice of 48


def compute_image(rotation):
    """The transform of the projection of the turned Gaussians, in closed form."""
    q = (PLACES - 24) / 48
    q_x, q_y = q[np.newaxis, :, np.newaxis], q[:, np.newaxis, np.newaxis]
    x, y, _ = (POSITIONS @ rotation.T).T
    phases = np.exp(-2j * np.pi * (q_x * x + q_y * y))
    return (AMPLITUDES * phases * np.exp(-2 * np.pi**2 * VARIANCE * (q_x**2 + q_y**2))).sum(-1)


def make_map():
    variances = np.full((3, 1), VARIANCE)
    return naive.point_samples((SIDE,) * 3, (1,) * 3, POSITIONS, AMPLITUDES[:, None], variances)


def sum_waves(values, x, y):
    """The transform of an image by its definition, at the frequencies of `compute_image`."""
    q = (PLACES - 24) / 48
    waves = [np.exp(-2j * np.pi * q[:, None] * place.ravel()) for place in (x, y)]
    return np.einsum("yn,xn,n->yx", waves[1], waves[0], values.ravel())


def image_atoms():
    turned = GaussianMixtureVolume(POSITIONS, AMPLITUDES, VARIANCE).rotate_to_pose(POSE)
    rendered = GaussianMixtureRenderFn((SIDE,) * 3, 1.0, tolerance=0, dtype=np.float64)(turned)
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    # Along z the averages over voxels add up to the projection; along x and y they are seen.
    average = np.sinc((PLACES - 24) / 48)
    return sum_waves(rendered.sum(axis=0), x, y) / (average * average[:, np.newaxis])


def image_real_grid():
    turned = RealVoxelGridVolume.from_real_voxel_grid(make_map()).rotate_to_pose(POSE)
    x, y, _ = np.moveaxis(turned.coordinate_grid_in_pixels, -1, 0)
    return sum_waves(turned.real_voxel_grid, x, y)


def image_slice(kind):
    turned = kind.from_real_voxel_grid(make_map(), pad_scale=2).rotate_to_pose(POSE)
    q = turned.frequency_slice_in_pixels[0]
    plane = np.array([[q[0, 0], q[0, 1] - q[0, 0], q[1, 0] - q[0, 0]]])
    if kind is FourierVoxelGridVolume:
        image = sample_fourier_planes(turned.fourier_voxel_grid, plane, (48, 48))[0]
    else:
        image = sample_fourier_planes_spline(turned.spline_coefficients, plane, (48, 48))[0]
    return image[np.ix_(PLACES, PLACES)]


def image_slice_linearly():
    return image_slice(FourierVoxelGridVolume)


def image_slice_by_its_spline():
    return image_slice(FourierVoxelSplineVolume)


@pytest.mark.parametrize(
    ("make_image", "error"),
    [
        # Aliases alone.
        (image_atoms, 1e-8),
        (image_real_grid, 1e-8),
        # An image times sinc^2 of its places in the box of 48, and there is little beyond 4.
        (image_slice_linearly, AMPLITUDES.sum() * (np.pi * 4 / 48) ** 2 / 3),
        # The spline's own error falls with the fourth power of 4 / 48.
        (image_slice_by_its_spline, 1e-3),
    ],
)
def test_one_pose_gives_the_same_image_from_every_kind_of_volume(make_image, error):
    image = make_image()
    assert_close(image, compute_image(ROTATION), atol=error)
    # The other direction of rotation would be seen.
    assert np.abs(image - compute_image(ROTATION.T)).max() > 3
