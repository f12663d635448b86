"""Projections of Fourier volumes, against NumPy's transforms and SciPy's interpolation."""

from __future__ import annotations

import dataclasses
import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slices import (
    KINDS,
    POSE,
    ROUNDING,
    SHAPES,
    assert_close,
    compute_half,
    given_as_an_array,
    integrate,
    kinds,
    plane_of_frequencies,
    project_exactly,
    random_map,
    sample,
    shapes,
    square_config,
    sum_over_z,
)

from numbavol import (
    EulerAnglePose,
    EwaldSphereExtraction,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureVolume,
    ImageConfig,
    project,
    resize_with_crop_or_pad,
)
from numbavol.ndimage.masks import CustomMask, InverseSincMask

# At the identity


@given(shapes, kinds)
def test_the_slice_at_the_identity_is_the_transform_of_the_sum_over_z(shape, kind):
    # The slice has the frequencies of the longest axis: those of y and x here.
    values = random_map((min(shape[:2]), shape[1], shape[1]))
    assert_close(integrate(kind.from_real_voxel_grid(values)), sum_over_z(values))


@KINDS
@SHAPES
def test_a_slice_of_any_box_is_its_transform_interpolated(shape, kind):
    values = random_map(shape)
    volume = kind.from_real_voxel_grid(values)
    half = FourierSliceExtraction().integrate(volume, square_config(volume))
    side = max(shape)
    order = 1 if kind is FourierVoxelGridVolume else 3
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    q = np.zeros((side, side // 2 + 1, 3))
    q[..., 0] = np.arange(side // 2 + 1) / side
    q[..., 1] = np.fft.fftfreq(side)[:, None]
    expected = sample(grid, q, order)
    for y, x in {(a, b) for a in (0, side // 2) for b in (0, side // 2) if side % 2 == 0}:
        expected[y, x] = expected[y, x].real
    assert_close(half, expected)


@KINDS
@pytest.mark.parametrize("side", [6, 7])
def test_the_image_is_the_integral_or_the_sum_over_voxels(side, kind):
    values = random_map((side,) * 3)
    volume = kind.from_real_voxel_grid(values, voxel_size=1.7)
    config = square_config(volume, 1.7)
    assert_close(integrate(volume, config), 1.7 * values.sum(0))
    assert_close(integrate(volume, config, outputs_integral=True), 1.7 * values.sum(0))
    assert_close(integrate(volume, config, outputs_integral=False), values.sum(0))


@KINDS
@pytest.mark.parametrize("image_shape", [(6, 6), (7, 7), (4, 5), (5, 4), (9, 10), (10, 5), (3, 12)])
@pytest.mark.parametrize("side", [6, 7])
def test_images_are_cut_or_padded_around_their_origin(side, image_shape, kind):
    values = random_map((side,) * 3)
    config = ImageConfig(image_shape, 1.0)
    image = integrate(kind.from_real_voxel_grid(values), config)
    assert_close(image, resize_with_crop_or_pad(values.sum(0), image_shape))
    half = FourierSliceExtraction().integrate(kind.from_real_voxel_grid(values), config)
    assert_close(half, np.fft.rfft2(np.fft.ifftshift(image)))


@KINDS
@pytest.mark.parametrize("pad_scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("shape", [(6, 6), (5, 8)])
def test_padding_of_volumes_and_images_does_not_change_the_image(shape, pad_scale, kind):
    values = random_map((6, 6, 6))
    config = ImageConfig(shape, 1.0, pad_scale=pad_scale)
    for volume_scale in (1.0, 1.5, 2.0):
        volume = kind.from_real_voxel_grid(values, pad_scale=volume_scale)
        image = project_exactly(volume, EulerAnglePose(), config)
        assert_close(image, resize_with_crop_or_pad(values.sum(0), shape))
        assert integrate(volume, config).shape == config.padded_shape


@KINDS
@pytest.mark.parametrize("image_shape", [(9, 9), (6, 9), (9, 6), (12, 13)])
def test_the_half_transform_is_that_of_the_image(image_shape, kind):
    config = ImageConfig(image_shape, 1.5, pad_scale=1.2)
    volume = kind.from_real_voxel_grid(random_map((9, 8, 7))).rotate_to_pose(POSE)
    half = FourierSliceExtraction().integrate(volume, config)
    image = integrate(volume, config)
    y, x = config.padded_shape
    assert half.shape == (y, x // 2 + 1)
    assert_close(half, np.fft.rfft2(np.fft.ifftshift(image)))


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_that_of_the_volume(dtype, kind):
    values = random_map((6, 6, 6)).astype(dtype)
    volume = kind.from_real_voxel_grid(values)
    for turned in (volume, volume.rotate_to_pose(POSE)):
        image = integrate(turned)
        assert image.dtype == dtype
        half = FourierSliceExtraction().integrate(turned, square_config(volume))
        assert half.dtype == np.result_type(dtype, np.complex64)
    assert project(volume, POSE, square_config(volume)).dtype == np.float32
    # Of sums of 216 numbers, those of float32 err by a few of its roundings of their root.
    assert_close(integrate(volume), values.sum(0), ROUNDING if dtype == np.float64 else 3e-5)


# Rotated


@given(shapes, kinds, *[st.floats(-180, 180)] * 3)
def test_a_turned_volume_is_the_volume_at_the_pose(shape, kind, phi, theta, psi):
    pose = EulerAnglePose(0, 0, phi, theta, psi)
    volume = kind.from_real_voxel_grid(random_map(shape))
    config = square_config(volume)
    at_the_pose = project_exactly(volume, pose, config)
    assert_close(integrate(volume.rotate_to_pose(pose), config), at_the_pose)


@KINDS
@pytest.mark.parametrize("given_as", ["frame", "array"])
@pytest.mark.parametrize(
    "integrator",
    [
        FourierSliceExtraction(),
        FourierSliceExtraction(out_of_bounds_mode="wrap"),
        EwaldSphereExtraction(),
    ],
    ids=["slice", "wrap", "sphere"],
)
def test_a_pose_turns_a_turned_volume_as_it_turns_atoms(kind, given_as, integrator):
    volume = kind.from_real_voxel_grid(random_map((7, 7, 7)))
    if given_as == "array":
        volume = given_as_an_array(volume)
    first, second = EulerAnglePose(0, 0, 20, 50, -30), EulerAnglePose(0, 0, -33, 77, 15)
    both = EulerAnglePose.from_rotation(second.rotation * first.rotation)
    config = square_config(volume)
    image, expected = (
        project(each, pose, config, integrator=integrator)
        for each, pose in ((volume.rotate_to_pose(first), second), (volume, both))
    )
    # Of images in single precision.
    assert_close(image, expected, 1e-5)


@KINDS
@pytest.mark.parametrize("shape", [(7, 7, 7), (5, 4, 7), (4, 9, 6)])
@pytest.mark.parametrize("angles", [(20, 50, 70), (0, 90, 0), (-130, 170, 15), (45, 0, 0)])
def test_a_rotated_slice_is_the_transform_where_the_inverse_takes_the_plane(angles, shape, kind):
    values = random_map(shape)
    volume = kind.from_real_voxel_grid(values)
    side = max(shape)
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    turned = plane_of_frequencies((side, side)) @ naive.rotation_zyz(*angles)
    half = FourierSliceExtraction().integrate(
        volume.rotate_to_pose(EulerAnglePose(0, 0, *angles)), square_config(volume)
    )
    assert_close(half, compute_half(grid, turned, kind))


@KINDS
@pytest.mark.parametrize("shape", [(7, 7, 7), (9, 6, 4), (5, 4, 3)])
@pytest.mark.parametrize("pose", [EulerAnglePose(), POSE, EulerAnglePose(1.5, -2, 10, 35, 5)])
def test_a_frame_and_the_array_of_its_coordinates_give_the_same_image(shape, kind, pose):
    volume = kind.from_real_voxel_grid(random_map(shape))
    config = square_config(volume)
    expected = project_exactly(volume, pose, config)
    assert_close(project_exactly(given_as_an_array(volume), pose, config), expected)


@KINDS
def test_a_frame_and_the_array_of_its_coordinates_agree_but_for_the_corner_where_n_is_even(kind):
    volume = kind.from_real_voxel_grid(random_map((6, 6, 6)))
    halves = [
        FourierSliceExtraction().integrate(turned.rotate_to_pose(POSE), square_config(volume))
        for turned in (volume, given_as_an_array(volume))
    ]
    halves[0][3, 3] = halves[1][3, 3]
    assert_close(halves[0], halves[1])


@KINDS
@pytest.mark.parametrize("change", [given_as_an_array, None])
def test_the_corner_of_an_even_slice_does_not_depend_on_how_it_is_sampled(kind, change):
    volume = kind.from_real_voxel_grid(random_map((6, 6, 6)))
    config = square_config(volume)
    image = integrate(volume.rotate_to_pose(POSE), config)
    if change is None:
        # Not 0, so that the other sampler is taken, and nothing beside 1.
        other = integrate(volume.rotate_to_pose(POSE), config, fill_value=1e-30)
    else:
        other = integrate(change(volume).rotate_to_pose(POSE), config)
    assert_close(other, image)


# Masks


@KINDS
@pytest.mark.parametrize("image_shape", [(6, 6), (4, 9), (8, 8)])
def test_a_mask_multiplies_the_volumes_square_before_it_moves(image_shape, kind):
    values = random_map((6, 6, 6))
    mask = CustomMask(random_map((6, 6), seed=3))
    config = ImageConfig(image_shape, 1.0)
    volume = kind.from_real_voxel_grid(values)
    pose = EulerAnglePose(1.0, -2.0)
    largest = tuple(max(6, n) for n in image_shape)
    masked = resize_with_crop_or_pad(values.sum(0) * mask.get(), largest)
    expected = resize_with_crop_or_pad(np.roll(masked, (-2, 1), (0, 1)), image_shape)
    assert_close(project_exactly(volume, pose, config, correction_mask=mask), expected)


def test_the_correction_undoes_what_linear_interpolation_did():
    positions, amplitudes, variances = np.array([[3.0, -4, 1]]), np.ones((1, 1)), np.full((1, 1), 2)
    values = naive.point_samples((24,) * 3, (1,) * 3, positions, amplitudes, variances)
    volume = FourierVoxelGridVolume.from_real_voxel_grid(values, pad_scale=2)
    config = ImageConfig((24, 24), 1.0)
    pose = EulerAnglePose(psi_angle=30.0)
    sinc = InverseSincMask.from_shape((48, 48), dtype=np.float64)
    turned = positions @ naive.rotation_zyz(0, 0, 30).T
    rendered = naive.point_samples((24,) * 3, (1,) * 3, turned, amplitudes, variances)
    expected = rendered.sum(0)
    plain, corrected = (
        np.abs(project_exactly(volume, pose, config, correction_mask=mask) - expected).max()
        for mask in (None, sinc * sinc)
    )
    # 1 - sinc^2(4.6 / 48), of a peak of 0.08; of it, a mirror image 48 away is left.
    assert corrected < plain / 4


@pytest.mark.parametrize("shape", [(5, 5), (6, 7), (12, 12), (6, 6, 6)])
def test_a_mask_of_another_shape_is_refused(shape):
    volume = FourierVoxelGridVolume.from_real_voxel_grid(np.ones((4, 5, 6)))
    integrator = FourierSliceExtraction(correction_mask=InverseSincMask.from_shape(shape))
    with pytest.raises(ValueError, match=r"correction_mask: expected shape \(6, 6\)"):
        integrator.integrate(volume, ImageConfig((12, 12), 1.0))


# Offsets


@KINDS
@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("offset", [(1, 0), (0, -1), (3, 2), (-4, 5)])
def test_an_offset_by_whole_pixels_is_a_roll(offset, side, kind):
    volume = kind.from_real_voxel_grid(random_map((side,) * 3))
    config = square_config(volume, 1.6)
    x, y = offset
    image = project_exactly(volume, POSE, config)
    moved = project_exactly(volume, EulerAnglePose(1.6 * x, 1.6 * y, 20, 50, 70), config)
    assert_close(moved, np.roll(image, (y, x), (0, 1)))


@KINDS
@pytest.mark.parametrize("image_shape", [(4, 4), (4, 11), (12, 13)])
@pytest.mark.parametrize("offset", [(2, -1), (-3, 4)])
def test_images_move_in_the_larger_of_the_two_boxes(offset, image_shape, kind):
    values = random_map((6, 7, 7))
    volume = kind.from_real_voxel_grid(values)
    image = integrate(volume)
    largest = tuple(max(7, n) for n in image_shape)
    rolled = np.roll(resize_with_crop_or_pad(image, largest), offset[::-1], (0, 1))
    moved = project_exactly(volume, EulerAnglePose(*offset), ImageConfig(image_shape, 1.0))
    assert_close(moved, resize_with_crop_or_pad(rolled, image_shape))


@pytest.mark.parametrize("kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume])
@pytest.mark.parametrize("offset", [(0.5, 0.0), (-1.3, 0.7), (0.25, -2.6)])
@pytest.mark.parametrize("side", [20, 21])
def test_a_general_offset_moves_the_centre_of_mass(offset, side, kind):
    values = naive.point_samples(
        (side,) * 3, (1,) * 3, np.zeros((1, 3)), np.ones((1, 1)), np.full((1, 1), 1.5)
    )
    config = ImageConfig((side, side), 1.4)
    pose = EulerAnglePose(*(1.4 * t for t in offset))
    image = project_exactly(kind.from_real_voxel_grid(values), pose, config)
    x, y = np.moveaxis(config.coordinate_grid_in_pixels, -1, 0)
    centre = [(image * place).sum() / image.sum() for place in (x, y)]
    # The transform at Nyquist is exp(-pi^2 1.5 / 2) = 6e-4, that of a row is weighted by its sum;
    # the map ends at 6 standard deviations and more.
    np.testing.assert_allclose(centre, offset, rtol=0, atol=5e-3)
    expected = naive.point_samples(
        (1, side, side), (1, 1, 1), np.array([[*offset, 0]]), np.ones((1, 1)), np.full((1, 1), 1.5)
    )[0] * math.sqrt(2 * math.pi * 1.5)
    assert_close(image / 1.4, expected, atol=6e-4 * expected.max())


# What is refused


@KINDS
@pytest.mark.parametrize("size", [1.5, (1.5, 1.5, 1.5)])
def test_pixels_are_the_voxels_of_a_volume_that_knows_them(size, kind):
    volume = kind.from_real_voxel_grid(np.ones((4, 4, 4)), voxel_size=size)
    # A header keeps them in float32.
    assert integrate(volume, square_config(volume, np.float32(1.5) * (1 + 5e-6))).shape == (4, 4)
    for wrong in (1.0, 1.501, 3.0):
        with pytest.raises(ValueError, match=r"pixel_size: expected .*1\.5"):
            integrate(volume, square_config(volume, wrong))
        with pytest.raises(ValueError, match="pixel_size"):
            project(volume, POSE, square_config(volume, wrong))


@KINDS
def test_voxels_that_are_no_cubes_have_no_image(kind):
    volume = kind.from_real_voxel_grid(np.ones((4, 4, 4)), voxel_size=(1.0, 1.0, 2.0))
    for pixel_size in (1.0, 2.0):
        with pytest.raises(ValueError, match="pixel_size"):
            integrate(volume, square_config(volume, pixel_size))


def test_other_volumes_are_refused():
    volume = GaussianMixtureVolume([[0, 0, 0]], 1.0, 1.0)
    with pytest.raises(TypeError, match=r"FourierVoxelGridVolume.*GaussianMixtureVolume"):
        project(volume, POSE, ImageConfig((4, 4), 1.0), integrator=FourierSliceExtraction())


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"out_of_bounds_mode: .*'nearest'"):
        FourierSliceExtraction(out_of_bounds_mode="nearest")
    with pytest.raises(TypeError, match=r"correction_mask: .*ndarray"):
        FourierSliceExtraction(correction_mask=np.ones((4, 4)))
    with pytest.raises(TypeError, match="positional"):
        FourierSliceExtraction(True)  # noqa: FBT003
    with pytest.raises(dataclasses.FrozenInstanceError):
        FourierSliceExtraction().fill_value = 1.0
    assert FourierSliceExtraction() == FourierSliceExtraction(fill_value=0.0)
