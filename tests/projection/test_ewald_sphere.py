"""The Ewald sphere: the curved surface through a transform, and its complex images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import (
    EulerAnglePose,
    EwaldSphereExtraction,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    ImageConfig,
    QuaternionPose,
)

KINDS = pytest.mark.parametrize("kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume])
SHAPES = pytest.mark.parametrize("shape", [(12, 12, 12), (11, 11, 11), (8, 11, 10), (9, 14, 12)])
POSE = EulerAnglePose(0.0, 0.0, 20.0, 50.0, 70.0)
# Electrons so slow that a surface of a few voxels is bent by a voxel or two.
SLOW = 0.05


def make_map(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def integrate(volume, config, **options):
    return EwaldSphereExtraction(**options).integrate(volume, config)


def compute_surface(volume, config, sign, pose):
    """Where the surface is sampled, cell by cell, zero frequency in the corner."""
    side = max(volume.shape)
    k = np.fft.ifftshift(np.arange(side) - side // 2) / side
    plane = np.stack(np.broadcast_arrays(k, k[:, None], 0.0), axis=-1)
    bend = sign * config.wavelength_in_angstroms / (2 * config.pixel_size)
    plane[..., 2] = bend * (plane**2).sum(axis=-1)
    return plane @ pose.rotation.as_matrix()


@SHAPES
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("outputs_integral", [True, False])
def test_a_linear_surface_is_the_interpolated_transform(shape, sign, outputs_integral) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(make_map(shape))
    config = ImageConfig((max(shape),) * 2, 1.5, SLOW)
    made = integrate(
        volume.rotate_to_pose(POSE), config, curvature_sign=sign, outputs_integral=outputs_integral
    )
    at = compute_surface(volume, config, sign, POSE)
    lengths = np.array(shape[::-1])
    cells = np.moveaxis(at * lengths + lengths // 2, -1, 0)[::-1]
    expected = numbavol.map_coordinates(volume.fourier_voxel_grid, cells, 1, "wrap")
    highest = np.where(lengths % 2 == 0, 0.5, (lengths - 1) / (2 * lengths))
    expected[np.any(np.abs(at) > highest + 1e-12, axis=-1)] = 0
    expected *= 1.5 if outputs_integral else 1.0
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    # It is bent: the plane has other values.
    fast = dataclasses.replace(config, voltage_in_kilovolts=1e9)
    flat = integrate(volume.rotate_to_pose(POSE), fast, outputs_integral=outputs_integral)
    assert np.abs(made - flat).max() > 0.1 * np.abs(made).max()


@KINDS
@SHAPES
def test_without_curvature_it_is_the_slice(kind, shape) -> None:
    volume = kind.from_real_voxel_grid(make_map(shape)).rotate_to_pose(POSE)
    side = max(shape)
    config = ImageConfig((side, side), 1.2, 1e12)
    whole = integrate(volume, config)
    half = FourierSliceExtraction().integrate(volume, config)
    # The Nyquist frequencies of a half transform are those of the other end.
    inside = (side - 1) // 2 + 1
    rows = np.r_[0:inside, side - inside + 1 : side]
    np.testing.assert_allclose(
        whole[rows, :inside], half[rows, :inside], rtol=0, atol=1e-9 * np.abs(half).max()
    )


@KINDS
@pytest.mark.parametrize("sign", [1, -1])
def test_a_gaussian_out_of_focus_has_its_closed_form(kind, sign) -> None:
    side, pixel_size, variance = 48, 1.0, 2.0
    position = np.array([1.5, -2.0, 4.0])
    gaussian = numbavol.GaussianMixtureVolume([position], 3.0, variance)
    render_fn = numbavol.GaussianMixtureRenderFn(
        (side,) * 3, pixel_size, tolerance=0, dtype=np.float64
    )
    volume = kind.from_real_voxel_grid(render_fn(gaussian), pad_scale=4)
    config = ImageConfig((4 * side,) * 2, pixel_size, 0.002)
    pose = EulerAnglePose(phi_angle=30.0, theta_angle=20.0, psi_angle=-40.0)
    made = integrate(volume.rotate_to_pose(pose), config, curvature_sign=sign)
    x, y, z = pose.rotation.apply(position)
    k = np.fft.fftfreq(4 * side, pixel_size)
    squared = k**2 + k[:, None] ** 2
    depth = sign * config.wavelength_in_angstroms / 2 * squared
    phase = k * x + k[:, None] * y + depth * z
    expected = (
        3.0
        / pixel_size**2
        * np.exp(-2j * np.pi * phase - 2 * np.pi**2 * variance * (squared + depth**2))
    )
    # Voxels are averages: a sinc along each axis, of which the mean over directions is left out
    # here, is 1 - (pi k)^2 / 6 where the Gaussian has something left; and linear interpolation
    # errs by (pi r / 192)^2 / 3 at 5 voxels along each axis.
    near = squared < 0.12**2
    error = np.abs(made / np.sinc(k) / np.sinc(k)[:, None] - expected)[near].max()
    assert error < (1.2e-2 if kind is FourierVoxelGridVolume else 6e-3) * 3.0
    # The other sign, or none, is another image.
    other = 3.0 * np.exp(-2j * np.pi * (phase - 2 * depth * z))
    assert np.abs(other - 3.0 * np.exp(-2j * np.pi * phase))[near].max() > 0.1


@KINDS
@pytest.mark.parametrize("shape", [(11, 11, 11), (9, 13, 11)])
def test_images_of_both_signs_are_conjugates(kind, shape) -> None:
    volume = kind.from_real_voxel_grid(make_map(shape)).rotate_to_pose(POSE)
    config = ImageConfig((max(shape),) * 2, 1.0, SLOW)
    one, other = (
        EwaldSphereExtraction(curvature_sign=sign).integrate(
            volume, config, outputs_real_space=True
        )
        for sign in (1, -1)
    )
    np.testing.assert_allclose(other, one.conj(), rtol=0, atol=1e-12 * np.abs(one).max())
    assert np.abs(one.imag).max() > 0.1 * np.abs(one.real).max()


@KINDS
@SHAPES
def test_frequencies_of_a_users_own_are_those_of_the_frame(kind, shape) -> None:
    volume = kind.from_real_voxel_grid(make_map(shape)).rotate_to_pose(POSE)
    given_frequencies = dataclasses.replace(
        volume, frequency_slice_in_pixels=np.array(volume.frequency_slice_in_pixels)
    )
    config = ImageConfig((10, 13), 1.0, SLOW)
    frame, array = (
        EwaldSphereExtraction().integrate(v, config, outputs_real_space=True)
        for v in (volume, given_frequencies)
    )
    np.testing.assert_allclose(array, frame, rtol=0, atol=1e-10 * np.abs(frame).max())


@pytest.mark.parametrize("mode", ["fill", "clip", "wrap"])
def test_what_is_out_of_bounds_is_what_is_asked_for(mode) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(make_map((9, 9, 9))).rotate_to_pose(POSE)
    config = ImageConfig((9, 9), 1.0, SLOW)
    made = integrate(
        volume, config, out_of_bounds_mode=mode, fill_value=7.0, outputs_integral=False
    )
    at = compute_surface(volume, config, 1, EulerAnglePose.from_pose(POSE))
    beyond = np.any(np.abs(at) > 4 / 9 + 1e-12, axis=-1)
    assert beyond.any()
    assert np.all(made[beyond] == 7.0) == (mode == "fill")
    zeros = integrate(volume, config, outputs_integral=False)
    np.testing.assert_allclose(made[~beyond], zeros[~beyond], rtol=0, atol=1e-11)


@KINDS
@pytest.mark.parametrize("image_shape", [(11, 11), (8, 9), (15, 12)])
def test_an_offset_by_whole_pixels_is_a_roll_of_the_larger_box(kind, image_shape) -> None:
    volume = kind.from_real_voxel_grid(make_map((11, 11, 11)))
    largest = tuple(max(n, 11) for n in image_shape)
    still = dataclasses.replace(POSE)
    moved = EulerAnglePose(2 * 1.5, -3 * 1.5, 20.0, 50.0, 70.0)
    image = numbavol.project(
        volume, still, ImageConfig(largest, 1.5, SLOW), integrator=EwaldSphereExtraction()
    )
    made = numbavol.project(
        volume, moved, ImageConfig(image_shape, 1.5, SLOW), integrator=EwaldSphereExtraction()
    )
    expected = numbavol.crop_to_shape(np.roll(image, (-3, 2), axis=(0, 1)), image_shape)
    np.testing.assert_allclose(made, expected, rtol=0, atol=2e-6 * np.abs(image).max())


@KINDS
@given(st.integers(0, 99), st.sampled_from([(9, 9, 9), (8, 8, 8), (7, 9, 8)]), st.booleans())
def test_many_poses_are_each_a_turned_volume(kind, seed, shape, outputs_real_space) -> None:
    volume = kind.from_real_voxel_grid(make_map(shape, seed))
    poses = numbavol.draw_random_poses(3, rng=seed)
    config = ImageConfig((8, 10), 1.0, SLOW)
    integrator = EwaldSphereExtraction(curvature_sign=-1)
    images = numbavol.project(
        volume, poses, config, integrator=integrator, outputs_real_space=outputs_real_space
    )
    assert images.dtype == np.complex64
    assert images.shape == (3, 8, 10)
    for image, pose in zip(images, poses, strict=True):
        turned = integrator.integrate(volume.rotate_to_pose(pose), config, outputs_real_space)
        np.testing.assert_allclose(image, turned, rtol=0, atol=1e-6 * np.abs(turned).max())


@KINDS
def test_the_transform_is_that_of_the_image(kind) -> None:
    volume = kind.from_real_voxel_grid(make_map((10, 10, 10))).rotate_to_pose(POSE)
    config = ImageConfig((9, 12), 1.0, SLOW)
    image = EwaldSphereExtraction().integrate(volume, config, outputs_real_space=True)
    transform = EwaldSphereExtraction().integrate(volume, config)
    np.testing.assert_allclose(
        transform, numbavol.fftn(image), rtol=0, atol=1e-10 * np.abs(transform).max()
    )


def test_single_precision_stays_single() -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(make_map((8, 8, 8)).astype(np.float32))
    config = ImageConfig((8, 8), 1.0)
    for outputs_real_space in (True, False):
        made = EwaldSphereExtraction().integrate(volume, config, outputs_real_space)
        assert made.dtype == np.complex64


def test_complex_images_have_no_stack(tmp_path) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(make_map((8, 8, 8)))
    poses = QuaternionPose.from_pose(numbavol.draw_random_poses(2, rng=0))
    with (
        pytest.raises(TypeError, match=r"^out: "),
        numbavol.write_image_stack(tmp_path / "a.mrcs", (2, 8, 8), 1.0) as stack,
    ):
        numbavol.project(
            volume, poses, ImageConfig((8, 8), 1.0), integrator=EwaldSphereExtraction(), out=stack
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"curvature_sign": 0}, r"^curvature_sign: expected 1 or -1, got 0"),
        ({"curvature_sign": 2}, r"^curvature_sign: "),
        ({"out_of_bounds_mode": "mirror"}, r"^out_of_bounds_mode: "),
        ({"fill_value": np.nan}, r"^fill_value: "),
    ],
)
def test_wrong_arguments_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        EwaldSphereExtraction(**options)


def test_other_volumes_are_refused() -> None:
    volume = numbavol.GaussianMixtureVolume([[0, 0, 0]], 1.0, 1.0)
    with pytest.raises(TypeError, match=r"^volume_representation: expected a FourierVoxelGrid"):
        EwaldSphereExtraction().integrate(volume, ImageConfig((8, 8), 1.0))
