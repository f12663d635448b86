"""Projections by non-uniform transforms: of groups of atoms, and of the voxels of a map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol.volumes.coordinates import AffineCoordinates

SHAPES = st.tuples(st.integers(6, 13), st.integers(6, 13))
POSE = numbavol.EulerAnglePose(
    offset_x_in_angstroms=1.3,
    offset_y_in_angstroms=-0.7,
    phi_angle=30.0,
    theta_angle=50.0,
    psi_angle=-70.0,
)


def sum_directly(shape, pixel_size, points, strengths, factor, antialias=True):
    """The image of the transform that the definition is, one point after another."""
    ky, kx = np.fft.fftfreq(shape[0], pixel_size), np.fft.rfftfreq(shape[1], pixel_size)
    vectors = np.stack(np.meshgrid(kx, ky), axis=-1)
    half = np.zeros(vectors.shape[:2], complex)
    for point, strength in zip(points, strengths, strict=True):
        waves = np.exp(-2j * np.pi * vectors * point)
        # The Nyquist frequency is as much negative as positive.
        waves = np.where(np.abs(vectors * pixel_size) > 0.5 - 1e-12, waves.real, waves)
        half += strength * waves.prod(axis=-1)
    half *= factor(vectors)
    if antialias:
        half *= np.sinc(kx * pixel_size) * np.sinc(ky * pixel_size)[:, None]
    return np.fft.fftshift(np.fft.irfft2(half, shape))


def place_inside(rng, n, shape, pixel_size):
    # Turned, they stay within the shortest side, and moved by the pose's offset too.
    directions = rng.standard_normal((n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    return directions * rng.uniform(0, (min(shape) / 2 - 2.1) * pixel_size, (n, 1))


@given(SHAPES, st.sampled_from([1e-3, 1e-6, 1e-11]), st.booleans(), st.integers(0, 9))
def test_atoms_are_the_direct_sum_to_eps(shape, eps, antialias, seed) -> None:
    rng = np.random.default_rng(seed)
    groups = [place_inside(rng, n, shape, 1.5) for n in (1, 4)]
    factors = (
        numbavol.FourierGaussian(2.0, 40.0),
        numbavol.CustomFourierOperator(lambda k: 1 + 0.5 * np.cos(k[..., 0])),
    )
    volume = numbavol.IndependentAtomVolume(tuple(groups), factors)
    integrator = numbavol.FFTAtomProjection(eps=eps, antialias=antialias)
    config = numbavol.ImageConfig(shape, 1.5)
    prepared = integrator.prepare(volume, config)
    rotation = POSE.rotation.as_matrix()
    offset = POSE.offset_in_angstroms
    made = prepared(numbavol.projection.Placement(rotation, offset)).to_image()
    expected = sum(
        sum_directly(
            shape, 1.5, (positions @ rotation.T)[:, :2] + offset, np.ones(len(positions)),
            factor, antialias,
        )
        for positions, factor in zip(groups, factors, strict=True)
    ) / 1.5**2  # fmt: skip
    assert np.linalg.norm(made - expected) <= eps * np.linalg.norm(expected)


@pytest.mark.compiled
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (45.0, 0.0, 0.0)])
def test_voxels_that_pile_up_on_the_same_places_have_the_precision_asked_for(angles) -> None:
    # Thousands of equal numbers meet in a cell of the grid.
    volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(np.ones((128,) * 3, np.float32))
    config, pose = numbavol.ImageConfig((128, 128), 1.0), numbavol.EulerAnglePose(0, 0, *angles)
    made, exact = (
        numbavol.project(
            volume, pose, config, integrator=numbavol.RealVoxelProjection(eps=eps),
            out=np.empty((128, 128)),
        )
        for eps in (1e-6, 1e-11)
    )  # fmt: skip
    assert np.linalg.norm(made - exact) <= 1e-6 * np.linalg.norm(exact)


@pytest.mark.parametrize("shape", [(16, 16), (15, 18), (17, 17)])
@pytest.mark.parametrize("factor", [1, 3, 5])
def test_finer_pixels_are_averaged_around_the_same_origin(shape, factor) -> None:
    # As fine as it gets, it is the average of the Gaussian itself: at 1/5 A nothing is beyond
    # Nyquist's frequency, at 1/3 A and a B-factor of 30, 5e-8.
    volume = numbavol.IndependentAtomVolume(
        [[0.3, -0.4, 1.0]], numbavol.FourierGaussian(2.0, b_factor=30.0)
    )
    gaussian = numbavol.GaussianMixtureVolume([[0.3, -0.4, 1.0]], 2.0, 30.0 / (8 * np.pi**2))
    config = numbavol.ImageConfig(shape, 1.0)
    integrator = numbavol.FFTAtomProjection(upsample_factor=factor, eps=1e-9)
    made = numbavol.project(volume, POSE, config, integrator=integrator)
    exact = numbavol.project(
        gaussian, POSE, config, integrator=numbavol.GaussianMixtureProjection(tolerance=1e-9)
    )
    error = np.linalg.norm(made - exact) / np.linalg.norm(exact)
    assert error <= 1e-6 if factor > 1 else error > 1e-3


def test_atoms_out_of_the_image_are_left_out() -> None:
    factor = numbavol.FourierGaussian(2.0, b_factor=60.0)
    config = numbavol.ImageConfig((16, 16), 1.0)
    one = numbavol.IndependentAtomVolume([[1.0, 2.0, 0.0]], factor)
    both = numbavol.IndependentAtomVolume([[1.0, 2.0, 0.0], [9.0, 0.0, 0.0]], factor)
    np.testing.assert_array_equal(
        numbavol.project(one, numbavol.EulerAnglePose(), config),
        numbavol.project(both, numbavol.EulerAnglePose(), config),
    )


def test_a_part_of_the_image_can_be_computed_alone() -> None:
    volume = numbavol.IndependentAtomVolume([[0.5, 0.2, 0.0]], numbavol.FourierGaussian(1.0, 60.0))
    config = numbavol.ImageConfig((24, 24), 1.0)
    whole = numbavol.project(volume, numbavol.EulerAnglePose(), config)
    part = numbavol.project(
        volume,
        numbavol.EulerAnglePose(),
        config,
        integrator=numbavol.FFTAtomProjection(shape=(20, 19)),
    )
    # Beyond 9 A, the Gaussian of B = 60 has exp(-106) of its peak; its sinc, of 2e-3 at Nyquist's
    # frequency, has ripples.
    assert np.abs(part - whole).max() <= 2e-3 * whole.max()


@given(
    st.tuples(*[st.integers(4, 9)] * 3),
    SHAPES,
    st.sampled_from([1e-3, 1e-6, 1e-11]),
    st.integers(0, 9),
)
def test_a_map_is_the_direct_sum_of_its_turned_voxels(volume_shape, shape, eps, seed) -> None:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, volume_shape)
    values[::2] = 0.0
    volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(values)
    config = numbavol.ImageConfig(shape, 1.5)
    prepared = numbavol.RealVoxelProjection(eps=eps).prepare(volume, config)
    rotation, offset = POSE.rotation.as_matrix(), POSE.offset_in_angstroms
    made = prepared(numbavol.projection.Placement(rotation, offset)).to_image()
    z, y, x = np.indices(volume_shape)
    places = np.stack(
        [axis - n // 2 for axis, n in zip((x, y, z), volume_shape[::-1], strict=True)], axis=-1
    )
    points = (places.reshape(-1, 3) @ rotation.T)[:, :2] + offset / 1.5
    inside = np.all(
        [
            (p >= -(n // 2) - 0.5) & (p <= n - n // 2 - 0.5)
            for p, n in zip(points.T, shape[::-1], strict=True)
        ],
        axis=0,
    )
    strengths = 1.5 * values.ravel()[inside]
    expected = sum_directly(shape, 1.0, points[inside], strengths, lambda _: 1.0, antialias=False)
    assert np.linalg.norm(made - expected) <= eps * np.linalg.norm(expected)


@pytest.mark.parametrize("shape", [(6, 7, 8), (9, 9, 9)])
def test_an_unturned_map_is_summed_along_z(shape) -> None:
    values = np.random.default_rng(0).standard_normal(shape)
    volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(values, voxel_size=2.0)
    config = numbavol.ImageConfig(shape[1:], 2.0)
    made = numbavol.RealVoxelProjection(eps=1e-10).integrate(
        volume, config, outputs_real_space=True
    )
    np.testing.assert_allclose(made, 2.0 * values.sum(axis=0), atol=1e-8)


def test_coordinates_of_a_users_own_are_those_of_the_frame() -> None:
    values = np.random.default_rng(0).standard_normal((6, 7, 8))
    framed = numbavol.RealVoxelGridVolume.from_real_voxel_grid(values)
    own = numbavol.RealVoxelGridVolume(values, np.array(framed.coordinate_grid_in_pixels))
    config = numbavol.ImageConfig((12, 12), 1.0)
    np.testing.assert_allclose(
        numbavol.project(own, POSE, config), numbavol.project(framed, POSE, config), atol=1e-5
    )


@pytest.mark.parametrize("middle", [(0.0, 0.0, 0.0), (1.5, -0.5, 2.0)])
def test_a_turned_map_is_imaged_at_its_turned_coordinates(middle) -> None:
    values = np.random.default_rng(0).standard_normal((6, 7, 8))
    first = numbavol.EulerAnglePose(phi_angle=20.0, theta_angle=-35.0, psi_angle=80.0)
    steps = np.array([[1.0, 0.1, 0.0], [0.0, 0.9, 0.0], [0.0, 0.2, 1.1]])
    kept = AffineCoordinates(values.shape, np.array(middle), steps)
    framed = numbavol.RealVoxelGridVolume(values, kept).rotate_to_pose(first)
    own = numbavol.RealVoxelGridVolume(values, np.array(framed.coordinate_grid_in_pixels))
    config = numbavol.ImageConfig((16, 17), 1.0)
    np.testing.assert_allclose(
        numbavol.project(framed, POSE, config), numbavol.project(own, POSE, config), atol=1e-5
    )


def test_voxels_and_pixels_of_unequal_size_are_an_error() -> None:
    volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)), voxel_size=1.5)
    with pytest.raises(ValueError, match=r"^pixel_size: expected the volume's voxel size, 1.5 A"):
        numbavol.project(volume, POSE, numbavol.ImageConfig((4, 4), 1.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: numbavol.FFTAtomProjection(eps=0.0), "^eps: "),
        (
            lambda: numbavol.FFTAtomProjection(upsample_factor=2),
            "^upsample_factor: ",
        ),
        (lambda: numbavol.FFTAtomProjection(shape=(3,)), "^shape: "),
        (lambda: numbavol.FFTAtomProjection(opts={"modeord": 1}), "^opts: "),
        (lambda: numbavol.RealVoxelProjection(eps=2.0), "^eps: "),
        (lambda: numbavol.RealVoxelProjection(opts=3), "^opts: "),
    ],
)
def test_wrong_arguments_are_named(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("integrator", "expected"),
    [
        (numbavol.FFTAtomProjection(), "an IndependentAtomVolume"),
        (numbavol.RealVoxelProjection(), "a RealVoxelGridVolume"),
    ],
)
def test_another_volume_is_an_error(integrator, expected) -> None:
    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    message = f"^volume_representation: expected {expected}, got GaussianMixtureVolume"
    with pytest.raises(TypeError, match=message):
        numbavol.project(volume, POSE, numbavol.ImageConfig((4, 4), 1.0), integrator=integrator)
