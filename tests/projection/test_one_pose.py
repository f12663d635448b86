"""One pose gives one image, from Gaussians, atoms by transforms, and their map in every form."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from numbavol import (
    EulerAnglePose,
    FFTAtomProjection,
    FourierGaussian,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureProjection,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    ImageConfig,
    IndependentAtomVolume,
    RealVoxelGridVolume,
    RealVoxelProjection,
    project,
)

PIXEL_SIZE, SIDE = 1.5, 24
# Of 2 pixels: a transform is exp(-2 pi^2 / 1) = 3e-9 at Nyquist.
VARIANCE = (2 * PIXEL_SIZE) ** 2
POSITIONS = PIXEL_SIZE * np.array([[2.5, 0.3, 1.0], [-1, 2, 0.4], [0, -1.2, -2.5], [1, -3, 1.5]])
VOLUME = GaussianMixtureVolume(POSITIONS, [1.0, 2.0, 3.0, 1.5], VARIANCE)
POSES = pytest.mark.parametrize(
    "pose",
    [
        EulerAnglePose(),
        EulerAnglePose(0, 0, 20, 50, 70),
        EulerAnglePose(1.3, -2.2, 20, 50, 70),
        EulerAnglePose(-2.7, 0.4, -130, 155, 12),
        EulerAnglePose(0.6, 1.9, 75, 90, -100),
    ],
)
SHAPES = pytest.mark.parametrize("shape", [(24, 24), (23, 20), (21, 24)])


@functools.cache
def make_volume(kind):
    render = GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE, tolerance=0, dtype=np.float64)
    return kind.from_real_voxel_grid(render(VOLUME), pad_scale=2, voxel_size=PIXEL_SIZE)


def compute_error(kind, pose, shape, **options):
    """The largest difference of the two images, of the peak of the Gaussians'."""
    config = ImageConfig(shape, PIXEL_SIZE)
    expected = project(VOLUME, pose, config, integrator=GaussianMixtureProjection(tolerance=0))
    image = project(make_volume(kind), pose, config, integrator=FourierSliceExtraction(**options))
    return np.abs(image - expected).max() / expected.max()


KINDS_AND_ERRORS = pytest.mark.parametrize(
    ("kind", "error"),
    [
        # Linear interpolation multiplies the map by sinc^2(r / 48) along each axis, which lacks
        # (pi r / 48)^2 / 3 of 1, and there is little beyond 4.5 pixels that is high. Measured:
        # 1.6e-2.
        (FourierVoxelGridVolume, (np.pi * 4.5 / 48) ** 2 / 3),
        # The spline's own error, (pi r / 48)^4 / 45 and mirror images of (r / 48)^4, is 1e-4 at 4.5
        # pixels. Averages over turned voxels and over voxels differ by fourth powers of k: sinc
        # by pi^4 / 180 of 3 / (2 pi 2)^4, 6e-5. Measured: 1.2e-4.
        (FourierVoxelSplineVolume, 3e-4),
    ],
)


@POSES
@SHAPES
@KINDS_AND_ERRORS
def test_gaussians_and_the_transform_of_their_map_give_the_same_image(kind, error, shape, pose):
    assert compute_error(kind, pose, shape) < error


@POSES
@SHAPES
def test_gaussians_and_their_turned_voxels_give_the_same_image(shape, pose):
    render = GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE, tolerance=0, dtype=np.float64)
    volume = RealVoxelGridVolume.from_real_voxel_grid(render(VOLUME), voxel_size=PIXEL_SIZE)
    config = ImageConfig(shape, PIXEL_SIZE)
    image = project(volume, pose, config, integrator=RealVoxelProjection(eps=1e-9))
    expected = project(VOLUME, pose, config, integrator=GaussianMixtureProjection(tolerance=0))
    # Averages over turned voxels and over pixels, as above; and voxels beyond the smaller images,
    # of which the map's flank has 1e-3 of the peak, are left out with all that they reach into.
    is_smaller = min(shape) < SIDE
    assert np.abs(image - expected).max() < (2e-3 if is_smaller else 2e-4) * expected.max()


@POSES
@SHAPES
def test_gaussians_and_the_transform_of_their_positions_give_the_same_image(shape, pose):
    factors = tuple(FourierGaussian(a, 8 * np.pi**2 * VARIANCE) for a in (1.0, 2.0, 3.0, 1.5))
    volume = IndependentAtomVolume(tuple(POSITIONS[:, np.newaxis]), factors)
    config = ImageConfig(shape, PIXEL_SIZE)
    image = project(volume, pose, config, integrator=FFTAtomProjection(eps=1e-8))
    expected = project(VOLUME, pose, config, integrator=GaussianMixtureProjection(tolerance=0))
    # Nothing is left at Nyquist; what leaves the image on one side comes in on the other, and an
    # atom is at least 3 standard deviations, 6 pixels, from it: exp(-3^2 / 2) is 1.1e-2.
    assert np.abs(image - expected).max() < 1.1e-2 * expected.max()
    middle = (slice(4, -4), slice(4, -4))
    assert np.abs(image - expected)[middle].max() < 1e-5 * expected.max()


@SHAPES
@pytest.mark.parametrize("kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (PIXEL_SIZE, -2 * PIXEL_SIZE)])
def test_on_the_samples_of_a_transform_nothing_is_interpolated(offset, kind, shape):
    # The map ends at 4.5 standard deviations, erfc(4.5 / sqrt(2)) = 7e-6, of which there is the
    # flank alone; images are float32. Measured: 4e-7.
    assert compute_error(kind, EulerAnglePose(*offset), shape) < 7e-6


@pytest.mark.parametrize("kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume])
def test_another_pose_would_be_seen(kind):
    config, pose = ImageConfig((SIDE, SIDE), PIXEL_SIZE), EulerAnglePose(1.3, -2.2, 20, 50, 70)
    image = project(make_volume(kind), pose, config)
    offset = pose.offset_in_angstroms
    others = [
        pose.to_inverse_rotation(),
        EulerAnglePose(-1.3, 2.2, 20, 50, 70),
        EulerAnglePose(-2.2, 1.3, 20, 50, 70),
        EulerAnglePose(*offset, 70, 50, 20),
    ]
    for other in others:
        difference = np.abs(project(VOLUME, other, config) - image).max()
        assert difference > 0.1 * image.max()
