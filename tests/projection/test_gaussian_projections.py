"""Projections of Gaussian mixtures, against their closed form in float64."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from numbavol import (
    EulerAnglePose,
    FourierVoxelGridVolume,
    GaussianMixtureProjection,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    ImageConfig,
    project,
)

# Profiles are float32: a few of its roundings (6e-8), of the highest pixel of absolute terms.
ROUNDING = 2e-6
POSE = EulerAnglePose(1.3, -2.1, 20, 50, 70)
IMAGES = pytest.mark.parametrize("shape", [(16, 16), (15, 15), (11, 18), (20, 7)])

image_shapes = st.tuples(strategies.lengths, strategies.lengths)
scenes = strategies.scenes(
    shapes=image_shapes.map(lambda shape: (1, *shape)),
    voxel_sizes=strategies.sides,
    where=("inside", "inside", "beside"),
    # The kernel is compiled for each number.
    n_gaussians=st.sampled_from([1, 5, 8]),
)
angles = st.floats(-180.0, 180.0)
offsets = st.floats(-20.0, 20.0)


def random_gaussians(n=12, k=2, seed=0, spread=3.0):
    rng = np.random.default_rng(seed)
    return GaussianMixtureVolume(
        rng.normal(0, spread, (n, 3)), rng.uniform(-1, 4, (n, k)), rng.uniform(0.1, 4, (n, k))
    )


def place(volume, pose):
    rotation = naive.rotation_zyz(pose.phi_angle, pose.theta_angle, pose.psi_angle)
    turned = volume.positions @ rotation.T
    return turned + np.array([pose.offset_x_in_angstroms, pose.offset_y_in_angstroms, 0])


def compute(volume, pose, shape, pixel_size):
    positions = place(volume, pose)
    return naive.project_gaussians(
        shape, pixel_size, positions, volume.amplitudes, volume.variances
    )


def compute_highest(volume, pose, shape, pixel_size):
    """Of absolute terms, in the image or at a position that reaches into it."""
    positions = place(volume, pose)
    depth = 4 * np.abs(positions[:, 2]).max() + 100 * math.sqrt(volume.variances.max())
    sizes = (pixel_size, pixel_size, depth)
    return depth * naive.highest_voxel(
        (1, *shape), sizes, positions, volume.amplitudes, volume.variances
    )


def assert_is_closed_form(image, volume, pose, shape, pixel_size, tolerance):
    error = np.abs(image - compute(volume, pose, shape, pixel_size))
    highest = compute_highest(volume, pose, shape, pixel_size)
    left_out = tolerance * np.abs(volume.amplitudes).sum() / pixel_size**2
    assert error.max() <= left_out + ROUNDING * highest
    assert error.sum() <= left_out + ROUNDING * highest * error.size


@given(scenes, strategies.tolerances, angles, angles, angles, offsets, offsets)
def test_a_projection_is_the_sum_of_products_of_averages(
    scene, tolerance, phi, theta, psi, offset_x, offset_y
):
    pose = EulerAnglePose(offset_x, offset_y, phi, theta, psi)
    config = ImageConfig(scene.shape[1:], scene.voxel_size)
    integrator = GaussianMixtureProjection(tolerance=tolerance)
    image = project(scene.volume, pose, config, integrator=integrator)
    assert image.dtype == np.float32
    assert_is_closed_form(image, scene.volume, pose, config.shape, config.pixel_size, tolerance)


@IMAGES
@pytest.mark.parametrize("pad_scale", [1.0, 1.3, 2.0])
def test_what_is_cut_from_a_padded_image_is_the_image(shape, pad_scale):
    volume = random_gaussians()
    config = ImageConfig(shape, 0.8, pad_scale=pad_scale)
    integrator = GaussianMixtureProjection(tolerance=0)
    image = project(volume, POSE, config, integrator=integrator)
    assert_is_closed_form(image, volume, POSE, shape, 0.8, 0)
    padded = integrator.integrate(volume.rotate_to_pose(POSE), config, outputs_real_space=True)
    assert padded.shape == config.padded_shape
    centred = EulerAnglePose(0, 0, 20, 50, 70)
    assert_is_closed_form(padded, volume, centred, config.padded_shape, 0.8, 0)


@IMAGES
@pytest.mark.parametrize("window", [(8, 9), (5, 30), (40, 41), (1, 1)])
def test_a_window_around_the_origin_is_computed_and_the_rest_is_0(shape, window):
    volume, config = random_gaussians(), ImageConfig(shape, 1.0, pad_scale=1.2)
    integrator = GaussianMixtureProjection(tolerance=0, shape=window)
    image = project(volume, POSE, config, integrator=integrator)
    expected, is_inside = compute(volume, POSE, shape, 1.0), np.ones(shape, bool)
    for axis in (0, 1):
        from_origin = np.arange(shape[axis]) - shape[axis] // 2
        kept = (from_origin >= -(window[axis] // 2)) & (
            from_origin < window[axis] - window[axis] // 2
        )
        is_inside &= np.expand_dims(kept, 1 - axis)
    highest = compute_highest(volume, POSE, shape, 1.0)
    np.testing.assert_array_equal(image[~is_inside], 0)
    error = np.abs(image - expected)[is_inside]
    assert error.max() <= ROUNDING * highest


@pytest.mark.parametrize("pixel_size", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("k", [1, 5, 8])
def test_pixels_sum_to_the_amplitudes_of_what_lies_inside(pixel_size, k):
    rng = np.random.default_rng(k)
    amplitudes, variances = rng.uniform(0.5, 2, (4, k)), rng.uniform(0.1, 0.5, (4, k))
    # 8 standard deviations from the nearest edge and more.
    volume = GaussianMixtureVolume(rng.uniform(-2, 2, (4, 3)), amplitudes, variances)
    side = math.ceil(24 / pixel_size)
    image = project(volume, EulerAnglePose(theta_angle=40), ImageConfig((side, side), pixel_size))
    # The default tolerance, and the rounding of every pixel.
    total = image.sum(dtype=np.float64) * pixel_size**2
    assert total == pytest.approx(amplitudes.sum(), rel=3e-6)


@pytest.mark.parametrize("z", [1e2, -1e4, 1e6, 1e12])
def test_what_is_far_away_along_z_is_in_the_image(z):
    volume = GaussianMixtureVolume([[1.2, -0.4, z], [0, 2, 0]], [[1.0], [2.0]], [[1.0], [3.0]])
    config = ImageConfig((12, 13), 1.0)
    image = project(volume, EulerAnglePose(), config)
    assert_is_closed_form(image, volume, EulerAnglePose(), config.shape, 1.0, 1e-6)


@pytest.mark.parametrize("position", [(0, 0, 1e160), (1e160, 0, 0), (0, -1e300, 0)])
def test_a_position_at_any_finite_place_leaves_the_others_as_they_are(position):
    """As `GaussianMixtureRenderFn` does: `strategies.scenes` has such positions, "far"."""
    volume = GaussianMixtureVolume([position, [1.0, 0, 0]], [1.0, 2.0], 1.0)
    image = project(volume, EulerAnglePose(), ImageConfig((8, 8), 1.0))
    assert np.isfinite(image).all()
    assert_is_closed_form(image, volume, EulerAnglePose(), (8, 8), 1.0, 1e-6)


def test_what_lies_outside_is_lost_and_not_wrapped():
    config = ImageConfig((10, 10), 1.0)
    at_the_edge = GaussianMixtureVolume([[-5.5, 0, 0]], 2.0, 1.0)
    image = project(at_the_edge, EulerAnglePose(), config)
    assert image.sum() == pytest.approx(1.0, abs=1e-5)
    # From 6 standard deviations on: the default tolerance ends at 5.1.
    np.testing.assert_array_equal(image[:, 6:], 0)
    # An offset moves Gaussians, not pixels.
    moved = project(at_the_edge, EulerAnglePose(offset_x_in_angstroms=-30.0), config)
    np.testing.assert_array_equal(moved, 0)
    back = project(at_the_edge, EulerAnglePose(offset_x_in_angstroms=5.5), config)
    # Half of the image is 4.5 standard deviations.
    assert back.sum() == pytest.approx(2.0, abs=4e-5)


@pytest.mark.parametrize("offset", [(3.0, -2.0), (-1.0, 0.0)])
def test_an_offset_by_whole_pixels_moves_every_pixel(offset):
    volume, config = random_gaussians(spread=1.0), ImageConfig((16, 17), 1.0)
    image = project(volume, EulerAnglePose(0, 0, 20, 50, 70), config)
    moved = project(volume, EulerAnglePose(*offset, 20, 50, 70), config)
    x, y = map(int, offset)
    expected = np.roll(image, (y, x), (0, 1))
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(
        moved[inside], expected[inside], rtol=0, atol=ROUNDING * np.abs(image).max()
    )


def test_the_offset_along_z_changes_no_image():
    volume, config = random_gaussians(), ImageConfig((9, 9), 1.0)
    with_z = EulerAnglePose(1, 2, 20, 50, 70, offset_z_in_angstroms=7.0)
    without = EulerAnglePose(1, 2, 20, 50, 70)
    np.testing.assert_array_equal(project(volume, with_z, config), project(volume, without, config))


def test_no_position_gives_an_empty_image():
    volume = GaussianMixtureVolume(np.zeros((0, 3)), np.zeros((0, 1)), np.ones((0, 1)))
    image = project(volume, EulerAnglePose(), ImageConfig((4, 5), 1.0))
    np.testing.assert_array_equal(image, np.zeros((4, 5)))


def test_a_projection_is_the_sum_over_z_of_the_rendered_map():
    volume = random_gaussians(spread=1.5).rotate_to_pose(POSE)
    # 20 standard deviations are in the map along z.
    rendered = GaussianMixtureRenderFn((80, 9, 12), 1.0, tolerance=0, dtype=np.float64)(volume)
    image = GaussianMixtureProjection(tolerance=0).integrate(
        volume, ImageConfig((9, 12), 1.0), outputs_real_space=True
    )
    # All terms are in the image: its peak is half of that of the absolute ones, or more.
    np.testing.assert_allclose(image, rendered.sum(0), rtol=0, atol=2 * ROUNDING * image.max())


@pytest.mark.parametrize("shape", [(8, 9), (9, 8)])
def test_integrate_returns_half_transforms_unless_asked(shape):
    volume, config = random_gaussians(), ImageConfig(shape, 1.5, pad_scale=1.5)
    integrator = GaussianMixtureProjection()
    image = integrator.integrate(volume, config, outputs_real_space=True)
    half = integrator.integrate(volume, config)
    expected = np.fft.rfft2(np.fft.ifftshift(image.astype(float)))
    # A float32 transform of 144 pixels.
    np.testing.assert_allclose(half, expected, rtol=0, atol=1e-6 * np.abs(image).sum())


def test_other_volumes_are_refused():
    volume = FourierVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
    with pytest.raises(TypeError, match=r"GaussianMixtureVolume.*FourierVoxelGridVolume"):
        project(
            volume,
            EulerAnglePose(),
            ImageConfig((4, 4), 1.0),
            integrator=GaussianMixtureProjection(),
        )


@pytest.mark.parametrize(
    "arguments",
    [
        {"tolerance": -1e-6},
        {"tolerance": 1.0},
        {"tolerance": math.nan},
        {"tolerance": "0"},
        {"tolerance": (0.1, 0.1)},
        {"shape": 8},
        {"shape": (8, 8, 8)},
        {"shape": (0, 8)},
        {"shape": (8.5, 8)},
    ],
    ids=str,
)
def test_an_argument_that_is_refused_is_named(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        GaussianMixtureProjection(**arguments)


def test_an_integrator_is_a_value():
    one = GaussianMixtureProjection(tolerance=1e-3, shape=[8, 9])
    assert one == GaussianMixtureProjection(tolerance=1e-3, shape=(8, 9))
    assert len({one, GaussianMixtureProjection(tolerance=1e-3, shape=(8, 9))}) == 1
    with pytest.raises(TypeError, match="positional"):
        GaussianMixtureProjection(1e-3)
