"""Volumes of voxels: their transforms, their coordinates, and rotations that cost nothing."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import (
    EulerAnglePose,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    RealVoxelGridVolume,
)

FOURIER_VOLUMES = [FourierVoxelGridVolume, FourierVoxelSplineVolume]
VOLUMES = [*FOURIER_VOLUMES, RealVoxelGridVolume]
POSE = EulerAnglePose(3.0, -2.0, 25.0, 70.0, -40.0)

shapes = st.tuples(*[st.integers(1, 7)] * 3)


def random_map(shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def centred_transform(values: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))


def coordinates_of(volume: object) -> np.ndarray:
    if isinstance(volume, RealVoxelGridVolume):
        return volume.coordinate_grid_in_pixels
    return volume.frequency_slice_in_pixels


@given(shapes, st.sampled_from([1.0, 1.5, 2.0]))
def test_the_grid_is_the_centred_transform_of_the_padded_map(shape, pad_scale):
    values = random_map(shape)
    volume = FourierVoxelGridVolume.from_real_voxel_grid(values, pad_scale=pad_scale)
    padded = numbavol.pad_to_shape(values, [int(n * pad_scale) for n in shape])
    # Sums of up to 2744 numbers of size 1.
    np.testing.assert_allclose(
        volume.fourier_voxel_grid, centred_transform(padded), rtol=0, atol=1e-11
    )
    assert volume.shape == padded.shape


@given(shapes, st.sampled_from([1.0, 1.5]))
def test_the_coefficients_are_those_of_the_transforms_spline(shape, pad_scale):
    values = random_map(shape)
    grid = FourierVoxelGridVolume.from_real_voxel_grid(values, pad_scale=pad_scale)
    spline = FourierVoxelSplineVolume.from_real_voxel_grid(values, pad_scale=pad_scale)
    expected = numbavol.compute_spline_coefficients(grid.fourier_voxel_grid)
    # The division by the spline's transform is by 1/27 and more.
    np.testing.assert_allclose(spline.spline_coefficients, expected, rtol=0, atol=3e-10)
    assert spline.shape == grid.shape


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@given(shape=shapes)
def test_a_filter_that_changes_nothing_changes_nothing(kind, shape):
    values = random_map(shape)
    plain = kind.from_real_voxel_grid(values)
    filtered = kind.from_real_voxel_grid(values, filter=lambda transform: transform)
    for field in dataclasses.fields(kind)[:1]:
        np.testing.assert_allclose(
            getattr(filtered, field.name), getattr(plain, field.name), rtol=0, atol=3e-10
        )


def test_a_filter_sees_the_zero_frequency_in_the_corner():
    def keep_the_sum(transform):
        kept = np.zeros_like(transform)
        kept[0, 0, 0] = transform[0, 0, 0]
        return kept

    values = random_map((4, 5, 6))
    volume = FourierVoxelGridVolume.from_real_voxel_grid(values, filter=keep_the_sum)
    expected = np.zeros((4, 5, 6))
    expected[2, 2, 3] = values.sum()
    np.testing.assert_allclose(volume.fourier_voxel_grid, expected, atol=1e-13)


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@given(shape=shapes)
def test_the_frequency_slice_is_that_of_the_longest_axis(kind, shape):
    volume = kind.from_real_voxel_grid(random_map(shape))
    side = max(shape)
    expected = numbavol.make_frequency_slice((side, side), outputs_rfftfreqs=False)
    assert type(volume.frequency_slice_in_pixels) is np.ndarray
    np.testing.assert_allclose(volume.frequency_slice_in_pixels, expected, rtol=0, atol=1e-16)


@given(shapes)
def test_voxels_are_where_the_conventions_have_them(shape):
    volume = RealVoxelGridVolume.from_real_voxel_grid(random_map(shape))
    assert type(volume.coordinate_grid_in_pixels) is np.ndarray
    np.testing.assert_array_equal(
        volume.coordinate_grid_in_pixels, numbavol.make_coordinate_grid(shape)
    )


@given(shapes, st.sampled_from([1.0, 1.3, 2.0]))
def test_a_cropped_map_is_the_middle(shape, crop_scale):
    smaller = [int(n / crop_scale) for n in shape]
    if min(smaller) < 1:
        return
    values = random_map(shape)
    volume = RealVoxelGridVolume.from_real_voxel_grid(values, crop_scale=crop_scale)
    np.testing.assert_array_equal(volume.real_voxel_grid, numbavol.crop_to_shape(values, smaller))


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize("given_as", ["frame", "array"])
def test_a_rotation_turns_coordinates_and_copies_no_map(kind, inverse, given_as):
    volume = kind.from_real_voxel_grid(random_map((4, 5, 6)), voxel_size=1.5)
    before = coordinates_of(volume)
    if given_as == "array":
        first = dataclasses.fields(kind)[0].name
        volume = kind(getattr(volume, first), before.copy(), voxel_size=1.5)
    turned = volume.rotate_to_pose(POSE, inverse=inverse)
    # A Fourier slice turns the other way.
    expected = POSE.rotate_coordinates(before, inverse=inverse != (kind in FOURIER_VOLUMES))
    np.testing.assert_allclose(coordinates_of(turned), expected, rtol=0, atol=1e-14)
    first = dataclasses.fields(kind)[0].name
    assert getattr(turned, first) is getattr(volume, first)
    assert turned.voxel_size == 1.5
    back = turned.rotate_to_pose(POSE, inverse=not inverse)
    np.testing.assert_allclose(coordinates_of(back), before, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize("given_as", ["frame", "array"])
def test_turns_that_follow_each_other_are_one_turn(kind, given_as):
    """The second one is about the axes of images, as it is for atoms."""
    volume = kind.from_real_voxel_grid(random_map((4, 5, 6)))
    if given_as == "array":
        first = dataclasses.fields(kind)[0].name
        volume = kind(getattr(volume, first), coordinates_of(volume).copy())
    poses = [EulerAnglePose(phi_angle=20.0 * n, theta_angle=50.0 + n) for n in range(1, 4)]
    turned = volume
    for pose in poses:
        turned = turned.rotate_to_pose(pose)
    rotation = poses[2].rotation * poses[1].rotation * poses[0].rotation
    expected = volume.rotate_to_pose(EulerAnglePose.from_rotation(rotation))
    found = coordinates_of(turned)
    np.testing.assert_allclose(found, coordinates_of(expected), rtol=0, atol=1e-13)
    # What was turned is known of the array, too.
    again = dataclasses.replace(turned)
    for each in (turned, again):
        back = each
        for pose in reversed(poses):
            back = back.rotate_to_pose(pose, inverse=True)
        np.testing.assert_allclose(coordinates_of(back), coordinates_of(volume), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", VOLUMES)
def test_many_poses_are_an_error(kind):
    volume = kind.from_real_voxel_grid(random_map((4, 4, 4)))
    with pytest.raises(ValueError, match="one pose"):
        volume.rotate_to_pose(EulerAnglePose(phi_angle=[1.0, 2.0]))


@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        lambda volume: pickle.loads(pickle.dumps(volume)),
        lambda volume: dataclasses.replace(volume, voxel_size=2.0),
    ],
)
def test_a_copy_is_equal_and_keeps_its_frame(kind, copied):
    volume = kind.from_real_voxel_grid(random_map((4, 5, 6)), voxel_size=2.0).rotate_to_pose(POSE)
    same = copied(volume)
    assert same == volume
    assert hash(same) == hash(volume)
    assert vars(same).keys() == vars(volume).keys()
    frame = next(value for name, value in vars(same).items() if name.startswith("_"))
    assert not isinstance(frame, np.ndarray)


@pytest.mark.parametrize("kind", VOLUMES)
def test_other_volumes_are_not_equal(kind):
    volume = kind.from_real_voxel_grid(random_map((4, 5, 6)))
    assert volume != volume.rotate_to_pose(POSE)
    assert volume != dataclasses.replace(volume, voxel_size=1.0)
    assert volume != kind.from_real_voxel_grid(random_map((4, 5, 7)))
    assert volume != "a volume"
    assert (np.ones(3) == volume) is False


@pytest.mark.parametrize("kind", VOLUMES)
def test_precision_and_voxel_size_are_the_maps(kind, tmp_path):
    values = random_map((4, 5, 6), np.float32)
    numbavol.write_map(tmp_path / "map.mrc", values, (1.0, 2.0, 3.0))
    volume = kind.from_map(tmp_path / "map.mrc")
    assert volume.voxel_size == (1.0, 2.0, 3.0)
    assert volume == kind.from_real_voxel_grid(values, voxel_size=(1.0, 2.0, 3.0))
    first = getattr(volume, dataclasses.fields(kind)[0].name)
    assert first.dtype == (np.float32 if kind is RealVoxelGridVolume else np.complex64)
    assert kind.from_real_voxel_grid(values, voxel_size=[1.5] * 3).voxel_size == 1.5
    assert kind.from_real_voxel_grid(values).voxel_size is None
    assert repr(volume) == f"{kind.__name__}(shape=(4, 5, 6), voxel_size=(1.0, 2.0, 3.0))"


@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize("dtype", [">f4", ">f8", np.int16, np.float16])
def test_maps_of_any_kind_of_real_numbers_are_read(kind, dtype):
    values = np.arange(60).reshape(3, 4, 5)[:, ::-1].astype(dtype)
    values.setflags(write=False)
    expected = kind.from_real_voxel_grid(np.arange(60.0).reshape(3, 4, 5)[:, ::-1])
    first = dataclasses.fields(kind)[0].name
    np.testing.assert_allclose(
        getattr(kind.from_real_voxel_grid(values), first),
        getattr(expected, first),
        # float32, of a sum of 1770.
        atol=2e-3,
    )


@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((3, 3)), r"real_voxel_grid: expected shape \(z, y, x\), got \(3, 3\)"),
        (np.ones((3, 3, 3)) * 1j, r"real_voxel_grid: expected real numbers, got dtype complex128"),
        (np.full((3, 3, 3), np.nan), r"real_voxel_grid: expected finite values, got the sum nan"),
    ],
)
def test_what_is_no_map_is_named(kind, value, message):
    with pytest.raises(ValueError, match=message):
        kind.from_real_voxel_grid(value)


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@pytest.mark.parametrize("pad_scale", [0.5, np.nan, np.inf])
def test_a_wrong_pad_scale_is_named(kind, pad_scale):
    with pytest.raises(ValueError, match="pad_scale: expected a finite number of 1 or more"):
        kind.from_real_voxel_grid(np.ones((3, 3, 3)), pad_scale=pad_scale)


def test_wrong_scales_and_coordinates_are_named():
    with pytest.raises(ValueError, match=r"crop_scale: expected a number of 1 or more, got 0.5"):
        RealVoxelGridVolume.from_real_voxel_grid(np.ones((3, 3, 3)), crop_scale=0.5)
    with pytest.raises(ValueError, match=r"crop_scale: expected one that leaves voxels .* got 5.0"):
        RealVoxelGridVolume.from_real_voxel_grid(np.ones((4, 9, 9)), crop_scale=5.0)
    with pytest.raises(ValueError, match="crop_scale: expected None where"):
        RealVoxelGridVolume.from_real_voxel_grid(
            np.ones((3, 3, 3)), crop_scale=1.5, coordinate_grid_in_pixels=np.ones((3, 3, 3, 3))
        )
    with pytest.raises(ValueError, match=r"one point a voxel of \(3, 3, 3\), got shape \(2, 3"):
        RealVoxelGridVolume(np.ones((3, 3, 3)), np.ones((2, 3, 3, 3)))
    with pytest.raises(ValueError, match=r"frequency_slice_in_pixels: expected shape \(z, y, x, 3"):
        FourierVoxelGridVolume(np.ones((3, 3, 3), complex), np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match=r"spline_coefficients: .* of 3 or more each, got \(2,"):
        FourierVoxelSplineVolume(np.ones((2, 3, 3), complex), np.ones((1, 3, 3, 3)))
    with pytest.raises(ValueError, match="voxel_size: expected finite lengths above 0"):
        RealVoxelGridVolume.from_real_voxel_grid(np.ones((3, 3, 3)), voxel_size=0.0)


def test_what_does_not_fit_into_memory_is_refused_before():
    huge = np.broadcast_to(np.float32(0.0), (3000, 4000, 5000))
    # A view of one number: only its transform would take memory.
    with pytest.raises(MemoryError, match=r"real_voxel_grid: .* GiB of memory are free"):
        numbavol.volumes.fourier_voxels._centred_transform(huge, margin=0)
    for volume in (FourierVoxelGridVolume, FourierVoxelSplineVolume):
        message = r"pad_scale: the padded map, float64 of shape \(30000, .* takes .* are free"
        with pytest.raises(MemoryError, match=message):
            volume.from_real_voxel_grid(np.ones((3, 3, 3)), pad_scale=1e4)


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@pytest.mark.parametrize(
    ("filter_", "came"),
    [
        (lambda transform: transform[:4, :4, :4], r"complex128 of shape \(4, 4, 4\)"),
        (np.abs, r"float64 of shape \(6, 6, 6\)"),
    ],
)
def test_a_filter_that_returns_no_transform_of_the_shape_is_an_error(kind, filter_, came):
    with pytest.raises(ValueError, match=rf"filter: expected .* shape \(6, 6, 6\), got {came}"):
        kind.from_real_voxel_grid(random_map((6, 6, 6)), filter=filter_)
    with pytest.raises(TypeError, match="filter: expected a function of a transform, got ndarray"):
        kind.from_real_voxel_grid(random_map((6, 6, 6)), filter=np.ones((6, 6, 6)))


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@pytest.mark.parametrize(
    "frequencies",
    [
        numbavol.make_frequency_slice((16, 16)),
        np.fft.ifftshift(
            numbavol.make_frequency_slice((8, 8), outputs_rfftfreqs=False), axes=(1, 2)
        ),
        np.zeros((1, 0, 4, 3)),
    ],
)
def test_a_slice_without_the_zero_frequency_in_its_middle_is_an_error(kind, frequencies):
    with pytest.raises(ValueError, match=r"frequency_slice_in_pixels: expected the zero frequency"):
        kind(np.ones((16, 16, 16), complex), frequencies)


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), spacing=st.sampled_from([0.7, 3.0]))
def test_slices_of_any_sampling_and_curvature_are_taken(kind, shape, spacing):
    frequencies = numbavol.make_frequency_slice(shape, spacing, outputs_rfftfreqs=False)
    frequencies[..., 2] = np.sum(frequencies**2, axis=-1)
    turned = POSE.rotate_coordinates(frequencies.astype(np.float32))
    volume = kind(np.ones((4, 4, 4), complex), turned)
    np.testing.assert_array_equal(volume.frequency_slice_in_pixels, turned)


@pytest.mark.parametrize("kind", FOURIER_VOLUMES)
def test_a_map_is_not_taken_for_its_transform(kind):
    with pytest.raises(ValueError, match=r": expected complex numbers, got dtype float64"):
        kind(np.ones((4, 4, 4)), numbavol.make_frequency_slice((4, 4), outputs_rfftfreqs=False))
