"""The Ewald sphere: the curved surface through a transform, and its complex images."""

from __future__ import annotations

import dataclasses

import naive
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slices import (
    KINDS,
    POSE,
    SHAPES,
    assert_close,
    given_as_an_array,
    kinds,
    plane_of_frequencies,
    random_grid,
    random_map,
    sample,
    shapes,
    square_config,
    volume_of_grid,
)

import numbavol
from numbavol import (
    EulerAnglePose,
    EwaldSphereExtraction,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    ImageConfig,
    QuaternionPose,
)

OPTIONS = pytest.mark.parametrize(
    "options",
    [{"mode": "fill"}, {"mode": "fill", "fill_value": 1 - 2j}, {"mode": "wrap"}, {"mode": "clip"}],
    ids=str,
)
# Electrons so slow that a surface of a few voxels is bent by a voxel or two.
SLOW = 0.05
# Of a pixel, in angstroms: beside it electrons of 300 kV have no wavelength, and a surface is flat
# to 1e-11.
HUGE = 1e9


def integrate(volume, config, *, outputs_real_space=True, **options):
    return EwaldSphereExtraction(**options).integrate(volume, config, outputs_real_space)


def integrate_as(options, volume, config, **others):
    """Beyond the frequencies of the volume, as `sample` is asked to."""
    mode, fill_value = options["mode"], options.get("fill_value", 0.0)
    integrator = EwaldSphereExtraction(
        outputs_integral=False, out_of_bounds_mode=mode, fill_value=fill_value, **others
    )
    return integrator.integrate(volume, config)


def list_indices(n, nyquist):
    """As NumPy orders frequencies; the Nyquist frequency of an even axis has a sign of its own."""
    return [nyquist if 2 * i == n else i if 2 * i < n else i - n for i in range(n)]


def compute_surface(grid, shape, rotation, config, sign, kind, *, scale=1.0, **options):
    """The transform of an image of a shape, zero in the corner, by SciPy.

    In the half q_x >= 0 of a slice, Nyquist frequencies are at q_x = 1/2 and q_y = -1/2. The other
    half has their negatives, and what is in both is their mean.
    """
    order = 1 if kind is FourierVoxelGridVolume else 3
    n_y, n_x = shape
    halves = []
    for end in (1, -1):
        plane = np.zeros((n_y, n_x, 3))
        plane[..., 0] = scale * np.array(list_indices(n_x, end * n_x // 2)) / n_x
        plane[..., 1] = scale * np.array(list_indices(n_y, -end * n_y // 2))[:, None] / n_y
        bend = sign * config.wavelength_in_angstroms / (2 * config.pixel_size)
        plane[..., 2] = bend * (plane**2).sum(axis=-1)
        halves.append(sample(grid, plane @ rotation, order, **options))
    expected = (halves[0] + halves[1]) / 2
    for x in range(1, n_x):
        if 2 * x != n_x:
            expected[:, x] = halves[0 if 2 * x < n_x else 1][:, x]
    return expected


# The surface


@KINDS
@SHAPES
@OPTIONS
@pytest.mark.parametrize("sign", [1, -1])
def test_a_surface_is_the_interpolated_transform(kind, shape, options, sign) -> None:
    values = random_map(shape)
    volume = kind.from_real_voxel_grid(values).rotate_to_pose(POSE)
    config = square_config(volume, 1.5, voltage_in_kilovolts=SLOW)
    made = integrate_as(options, volume, config, curvature_sign=sign)
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    rotation = POSE.rotation.as_matrix()
    assert_close(made, compute_surface(grid, config.shape, rotation, config, sign, kind, **options))


def test_integrals_are_sums_times_the_pixel_size() -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((8, 8, 8)))
    config = ImageConfig((8, 8), 1.5, SLOW)
    sums = integrate(volume, config, outputs_integral=False)
    assert_close(integrate(volume, config), 1.5 * sums)


@given(shapes, kinds, st.integers(0, 99))
@example((8, 8, 8), FourierVoxelGridVolume, 0)
@example((7, 6, 8), numbavol.FourierVoxelSplineVolume, 0)
def test_without_curvature_it_is_the_slice(shape, kind, seed) -> None:
    pose = numbavol.draw_random_poses(1, rng=seed)[0]
    volume = kind.from_real_voxel_grid(random_map(shape)).rotate_to_pose(pose)
    config = square_config(volume, HUGE)
    image = FourierSliceExtraction().integrate(volume, config, outputs_real_space=True)
    # The curvature that is left is 1e-11 voxels, where values differ by up to 1e3 from one voxel to
    # the next, but for frequencies that it moves beyond the last one: at the identity.
    assert_close(integrate(volume, config) / HUGE, image / HUGE, atol=1e-8)


@given(shapes, kinds, st.integers(0, 99))
@example((8, 8, 8), FourierVoxelGridVolume, 0)
@example((7, 6, 8), numbavol.FourierVoxelSplineVolume, 0)
def test_images_of_both_signs_are_conjugates(shape, kind, seed) -> None:
    pose = numbavol.draw_random_poses(1, rng=seed)[0]
    volume = kind.from_real_voxel_grid(random_map(shape)).rotate_to_pose(pose)
    config = square_config(volume, voltage_in_kilovolts=SLOW)
    one, other = (integrate(volume, config, curvature_sign=sign) for sign in (1, -1))
    assert_close(other, one.conj())


# In closed form


@KINDS
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("depth", [4.0, -4.0])
def test_a_gaussian_out_of_focus_has_its_closed_form(kind, sign, depth) -> None:
    side, pixel_size, variance = 24, 1.25, 3.0
    pose = EulerAnglePose(phi_angle=30.0, theta_angle=20.0, psi_angle=-40.0)
    position = pose.rotation.apply([2.0, -3.0, depth], inverse=True)
    render_fn = numbavol.GaussianMixtureRenderFn(
        (side,) * 3, pixel_size, tolerance=0, dtype=np.float64
    )
    values = render_fn(numbavol.GaussianMixtureVolume([position], 3.0, variance))
    volume = kind.from_real_voxel_grid(values, pad_scale=4).rotate_to_pose(pose)
    config = square_config(volume, pixel_size, voltage_in_kilovolts=0.002)
    made = integrate(volume, config, outputs_real_space=False, curvature_sign=sign)

    k = np.fft.fftfreq(4 * side, pixel_size)
    squared = k**2 + k[:, None] ** 2
    k_z = sign * config.wavelength_in_angstroms * squared / 2
    envelope = np.exp(-2 * np.pi**2 * variance * (squared + k_z**2))
    # Voxels are averages, along the axes of the map.
    surface = np.stack(np.broadcast_arrays(k, k[:, None], k_z), axis=-1)
    averages = np.sinc(surface @ pose.rotation.as_matrix() * pixel_size).prod(axis=-1)
    height = 3.0 / pixel_size**2
    expected = height * envelope * averages * np.exp(-2j * np.pi * (2 * k - 3 * k[:, None]))
    # What a Gaussian in focus has not: a phase, of lambda |k|^2 z / 2 turns.
    out_of_focus = np.exp(-2j * np.pi * k_z * depth)
    # From one cell to the next a wave turns by t = 2 pi r / 96, with r in voxels. Half way, linear
    # interpolation errs by t^2 / 8, 1.3e-2 for the three axes together; the spline by t^4 / 384.
    tolerance = 1.3e-2 if kind is FourierVoxelGridVolume else 3e-5
    assert_close(made, expected * out_of_focus, atol=tolerance * height)
    assert np.abs(made - expected).max() > 0.4 * height
    assert np.abs(made - expected * out_of_focus.conj()).max() > 0.8 * height


# Frequencies of a user's own, and beyond those of the volume


@given(shapes.filter(lambda shape: max(shape) > 1), kinds, st.sampled_from([1, -1]))
@example((2, 2, 2), FourierVoxelGridVolume, 1)
def test_frequencies_given_as_an_array_are_those_of_the_frame(shape, kind, sign) -> None:
    volume = kind.from_real_voxel_grid(random_map(shape)).rotate_to_pose(POSE)
    config = square_config(volume, voltage_in_kilovolts=SLOW)
    images = [
        integrate(v, config, curvature_sign=sign) for v in (volume, given_as_an_array(volume))
    ]
    assert_close(*images)


@KINDS
@OPTIONS
@pytest.mark.parametrize("plane_shape", [(5, 7), (6, 5), (8, 3), (7, 8), (6, 8), (2, 5), (5, 2)])
@pytest.mark.parametrize("scale", [0.5, 1.9])
def test_a_plane_of_any_shape_is_sampled_in_grids_of_no_symmetry(
    kind, options, plane_shape, scale
) -> None:
    grid, rotation = random_grid((6, 7, 8)), naive.rotation_zyz(20, 50, 70)
    volume = volume_of_grid(kind, grid, plane_of_frequencies(plane_shape, scale) @ rotation)
    config = ImageConfig(plane_shape, 1.0, SLOW)
    made = integrate_as(options, volume, config)
    expected = compute_surface(grid, plane_shape, rotation, config, 1, kind, scale=scale, **options)
    assert_close(made, expected)


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        (np.zeros((1, 4, 4, 3)), r"expected the frequencies of a plane, got steps of \[0"),
        ((np.indices((4, 5))[[0, 0, 0]].T[None] - 2) / 9, r"expected the frequencies of a plane"),
        (plane_of_frequencies((1, 4)), r"expected a plane of two .* along each axis, got 1 x 4"),
        (plane_of_frequencies((2, 1)), r"expected a plane of two .* along each axis, got 2 x 1"),
    ],
)
def test_frequencies_that_have_no_normal_are_refused(frequencies, message) -> None:
    volume = FourierVoxelGridVolume(random_grid((4, 5, 6)), frequencies)
    with pytest.raises(ValueError, match=f"^frequency_slice_in_pixels: {message}"):
        integrate(volume, ImageConfig((4, 4), 1.0))


# Images


@KINDS
@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("image_shape", [(9, 9), (8, 8), (7, 6), (12, 11), (8, 12)])
def test_an_offset_by_whole_pixels_is_a_roll_of_the_larger_box(kind, side, image_shape) -> None:
    volume = kind.from_real_voxel_grid(random_map((side,) * 3))
    largest = tuple(max(n, side) for n in image_shape)
    integrator = EwaldSphereExtraction()
    image, made = (
        numbavol.project(
            volume, pose, ImageConfig(shape, 1.5, SLOW), integrator=integrator,
            out=np.empty(shape, complex),
        )
        for shape, pose in (
            (largest, POSE),
            (image_shape, dataclasses.replace(
                POSE, offset_x_in_angstroms=3.0, offset_y_in_angstroms=-4.5)),
        )
    )  # fmt: skip
    assert_close(
        made, numbavol.resize_with_crop_or_pad(np.roll(image, (-3, 2), axis=(0, 1)), image_shape)
    )


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 9, 9)])
def test_an_offset_by_parts_of_pixels_is_a_phase(shape) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map(shape))
    config = square_config(volume, 1.5, voltage_in_kilovolts=SLOW)
    x, y = 0.3, -1.7
    pose = EulerAnglePose(1.5 * x, 1.5 * y, 20, 50, 70)
    made = numbavol.project(
        volume, pose, config, integrator=EwaldSphereExtraction(), outputs_real_space=False,
        out=np.empty(config.shape, complex),
    )  # fmt: skip
    factors = []
    for n, offset in zip(config.shape, (y, x), strict=True):
        factor = np.exp(-2j * np.pi * np.fft.fftfreq(n) * offset)
        if n % 2 == 0:
            factor[n // 2] = factor[n // 2].real
        factors.append(factor)
    still = integrate(volume.rotate_to_pose(pose), config, outputs_real_space=False)
    assert_close(made, still * factors[0][:, None] * factors[1])


@given(
    shapes,
    kinds,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 99),
    st.booleans(),
)
def test_many_poses_are_each_a_turned_volume(
    shape, kind, image_shape, seed, outputs_real_space
) -> None:
    volume = kind.from_real_voxel_grid(random_map(shape))
    poses = numbavol.draw_random_poses(3, rng=seed)
    config = ImageConfig(image_shape, 1.0, SLOW)
    options = {"outputs_real_space": outputs_real_space}
    integrator = EwaldSphereExtraction(curvature_sign=-1)
    images = numbavol.project(volume, poses, config, integrator=integrator, **options)
    assert images.dtype == np.complex64
    assert images.shape == (3, *image_shape)
    # The images are rounded to single precision.
    for image, pose in zip(images, poses, strict=True):
        turned = integrator.integrate(volume.rotate_to_pose(pose), config, **options)
        assert_close(image, turned, atol=1e-6 * max(np.abs(turned).max(), 1.0))


@given(shapes, kinds, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_the_transform_is_that_of_the_image(shape, kind, image_shape) -> None:
    volume = kind.from_real_voxel_grid(random_map(shape)).rotate_to_pose(POSE)
    config = ImageConfig(image_shape, 1.0, SLOW)
    image = integrate(volume, config)
    assert_close(integrate(volume, config, outputs_real_space=False), numbavol.fftn(image))


def test_padded_images_are_cut() -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((8, 8, 8)))
    config = ImageConfig((6, 7), 1.0, SLOW, pad_scale=1.5)
    padded = integrate(volume.rotate_to_pose(POSE), config)
    assert padded.shape == (9, 10)
    image = numbavol.project(volume, POSE, config, integrator=EwaldSphereExtraction())
    assert_close(image, config.crop_to_shape(padded), atol=1e-6 * np.abs(padded).max())


@KINDS
@pytest.mark.parametrize("outputs_real_space", [True, False])
def test_single_precision_stays_single(kind, outputs_real_space) -> None:
    values = random_map((8, 8, 8))
    config = ImageConfig((8, 8), 1.5, SLOW)
    single, double = (
        integrate(
            kind.from_real_voxel_grid(values.astype(dtype)).rotate_to_pose(POSE),
            config,
            outputs_real_space=outputs_real_space,
        )
        for dtype in (np.float32, np.float64)
    )
    assert (single.dtype, double.dtype) == (np.complex64, np.complex128)
    assert_close(single, double, atol=1e-6 * np.abs(double).max())


def test_images_are_the_same_bits_for_any_number_of_threads() -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((9, 9, 9)))
    poses = numbavol.draw_random_poses(40, rng=0)
    results = []
    for n_threads in (1, 3):
        numbavol.set_num_threads(n_threads)
        results.append(
            numbavol.project(
                volume, poses, ImageConfig((9, 9), 1.0), integrator=EwaldSphereExtraction()
            )
        )
    np.testing.assert_array_equal(*results)


# What is refused


def test_complex_images_have_no_stack(tmp_path) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((8, 8, 8)))
    poses = QuaternionPose.from_pose(numbavol.draw_random_poses(2, rng=0))
    with (
        pytest.raises(TypeError, match=r"^out: "),
        numbavol.write_image_stack(tmp_path / "a.mrcs", (2, 8, 8), 1.0) as stack,
    ):
        numbavol.project(
            volume, poses, ImageConfig((8, 8), 1.0), integrator=EwaldSphereExtraction(), out=stack
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_do_not_fit_into_real_arrays(dtype) -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((8, 8, 8)))
    with pytest.raises(ValueError, match=r"^out: expected a complex array"):
        numbavol.project(
            volume, POSE, ImageConfig((8, 8), 1.0), integrator=EwaldSphereExtraction(),
            out=np.empty((8, 8), dtype),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"curvature_sign": 0}, r"^curvature_sign: expected 1 or -1, got 0"),
        ({"curvature_sign": 2}, r"^curvature_sign: "),
        ({"curvature_sign": "+"}, r"^curvature_sign: "),
        ({"curvature_sign": np.array([1, -1])}, r"^curvature_sign: "),
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
        integrate(volume, ImageConfig((8, 8), 1.0))


def test_pixels_are_the_voxels_of_the_volume() -> None:
    volume = FourierVoxelGridVolume.from_real_voxel_grid(random_map((8, 8, 8)), voxel_size=2.0)
    with pytest.raises(ValueError, match=r"^pixel_size: "):
        integrate(volume, ImageConfig((8, 8), 1.0))
