"""`backproject` and `BackProjector`."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from projected import (
    CONFIG,
    PIXEL_SIZE,
    SIDE,
    correlate,
    draw_poses,
    make_volume,
    project,
    relative_error,
    render,
    transfer,
)
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.reconstruction.transform_bricks import TransformBricks


class StubTransfer(numbavol.CTF):
    """A complex transfer function, evaluated at a half transform's frequencies."""

    def __init__(self, function):
        super().__init__(1e4)
        object.__setattr__(self, "function", function)

    def evaluate(self, shape, pixel_size, *, dtype):
        del pixel_size
        kx = np.arange(shape[1] // 2 + 1)
        ky = np.fft.fftfreq(shape[0], 1 / shape[0])
        return np.vectorize(self.function)(kx, ky[:, None]).astype(
            np.result_type(dtype, np.complex64)
        )


@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("symmetry", ["C1", "D2"])
def test_a_map_is_the_naive_sum_over_cells(side, symmetry):
    rng = np.random.default_rng(side)
    n, pixel_size = 3, 1.25
    images = rng.standard_normal((n, side, side))
    poses = numbavol.QuaternionPose.from_rotation_and_translation(
        Rotation.random(n, rng=0), rng.normal(size=(n, 2))
    )

    def transfer(kx, ky):
        return complex(np.cos(0.3 * (kx * kx + ky * ky)), 0.2 * kx - 0.1 * ky)

    powers = 1 + rng.random((n, side // 2 + 1))
    grid = numbavol.backproject(
        images, poses, pixel_size, ctf=StubTransfer(transfer), noise_spectrum=powers,
        signal_to_noise=2.0, symmetry=symmetry, dtype=np.float64,
    )  # fmt: skip

    operations = numbavol.make_symmetry_rotations(symmetry).as_matrix()
    m = len(operations)
    weights = [lambda k, p=p: np.interp(k, range(len(p)), 1 / p) for p in powers]
    expected = naive.back_project(
        np.repeat(images, m, axis=0),
        (poses.rotation.as_matrix()[:, None] @ operations).reshape(-1, 3, 3),
        np.repeat(poses.offset_in_angstroms / pixel_size, m, axis=0),
        [transfer] * (n * m),
        np.repeat(np.array(weights, object), m),
        2.0,
        # Twice the side, or the next length that is quick to transform.
        {6: 12, 7: 16}[side],
        side / 2,
    )
    np.testing.assert_allclose(grid, expected / pixel_size, atol=1e-12 * np.abs(expected).max())


@pytest.mark.compiled
def test_projections_come_back_as_the_map():
    expected = render(make_volume())
    grid = numbavol.backproject(*project(2000), PIXEL_SIZE)
    assert grid.dtype == np.float32
    assert correlate(grid, expected) > 0.9995
    # What a linear interpolation of slices leaves, mostly at the lowest frequencies.
    assert np.vdot(grid, expected) / np.vdot(expected, expected) == pytest.approx(1, abs=0.015)
    assert grid.sum() == pytest.approx(expected.sum(), rel=1e-4)
    curve = numbavol.compute_fourier_shell_correlation(grid, expected).correlation
    assert curve[:-2].min() > 0.99


@pytest.mark.compiled
def test_the_only_gaussian_is_a_closed_form():
    volume = numbavol.GaussianMixtureVolume([[4.0, -3.0, 6.0]], amplitudes=5.0, variances=9.0)
    poses = draw_poses(1500)
    grid = numbavol.backproject(numbavol.project(volume, poses, CONFIG), poses, PIXEL_SIZE)
    coordinates = (np.arange(SIDE) - SIDE // 2) * PIXEL_SIZE
    squared = (
        (coordinates - 4.0) ** 2
        + (coordinates[:, None] + 3.0) ** 2
        + (coordinates[:, None, None] - 6.0) ** 2
    )
    # Of pixel averages: the variance has that of a pixel in it.
    variance = 9.0 + PIXEL_SIZE**2 / 12
    expected = 5.0 / (2 * np.pi * variance) ** 1.5 * np.exp(-squared / (2 * variance))
    assert relative_error(grid, expected) < 0.03


@pytest.mark.compiled
def test_the_scale_does_not_depend_on_the_number_of_images_or_the_padding():
    images, poses = project(600)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE)
    assert relative_error(numbavol.backproject(images[:300], poses[:300], PIXEL_SIZE), grid) < 0.1
    padded = numbavol.backproject(images, poses, PIXEL_SIZE, pad_scale=2.5)
    assert relative_error(padded, grid) < 0.05


@pytest.mark.compiled
def test_a_symmetric_map_is_that_of_all_symmetric_poses():
    images, poses = project(20)
    operations = numbavol.make_symmetry_rotations("D3")
    all_rotations = Rotation.concatenate([poses.rotation * operation for operation in operations])
    offsets = np.tile(poses.offset_in_angstroms, (len(operations), 1))
    all_poses = numbavol.QuaternionPose.from_rotation_and_translation(all_rotations, offsets)
    expected = numbavol.backproject(np.tile(images, (6, 1, 1)), all_poses, PIXEL_SIZE)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE, symmetry="D3")
    # The order of additions is another one.
    assert relative_error(grid, expected) < 1e-4


@pytest.mark.compiled
def test_the_order_of_images_does_not_matter():
    images, poses = project(60)
    order = np.random.default_rng(0).permutation(60)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE)
    # But for rounding.
    assert (
        relative_error(numbavol.backproject(images[order], poses[order], PIXEL_SIZE), grid) < 1e-4
    )


def test_one_image_and_one_pose_are_a_batch():
    images, poses = project(1)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE)
    np.testing.assert_array_equal(numbavol.backproject(images[0], poses[0], PIXEL_SIZE), grid)


@pytest.mark.compiled
@pytest.mark.parametrize("tilt", [0.0, 2.0], ids=["real", "complex"])
def test_the_ctf_is_undone(tilt):
    images, poses = project(1500)
    defocus = np.random.default_rng(1).uniform(3000, 9000, 1500)
    ctf = numbavol.CTF(defocus, beam_tilt_in_milliradians=(tilt, 0.0))
    expected = numbavol.backproject(images, poses, PIXEL_SIZE)
    blurred = transfer(images, ctf)
    assert correlate(numbavol.backproject(blurred, poses, PIXEL_SIZE), expected) < 0.9
    grid = numbavol.backproject(blurred, poses, PIXEL_SIZE, ctf=ctf)
    # The mean has the little weight of the amplitude contrast, and is as good as any.
    assert correlate(grid, expected) > 0.999
    assert grid.sum() == pytest.approx(expected.sum(), rel=1e-3)


@pytest.mark.parametrize(
    "antisymmetric",
    [
        {},
        {"beam_tilt_in_milliradians": (2.0, 0.0)},
        {"trefoil": (300.0, 100.0)},
        {"odd_zernike": (0.0, 0.0, 200.0, -300.0)},
    ],
    ids=["real", "tilt", "trefoil", "odd"],
)
@pytest.mark.parametrize("scale", [1.0, -0.5])
@pytest.mark.parametrize("correction", ["phase_flipped", "premultiplied"])
def test_what_was_done_about_the_ctf_is_not_done_again(antisymmetric, scale, correction):
    images, poses = project(20)
    defocus = np.random.default_rng(1).uniform(3000, 9000, 20)
    # Antisymmetric aberrations are not corrected, and the CTF is real without them.
    symmetric = numbavol.CTF(defocus).evaluate((SIDE, SIDE), PIXEL_SIZE, dtype=np.float64)
    ctf = numbavol.CTF(defocus, scale=scale, **antisymmetric)
    blurred = np.fft.rfft2(transfer(images, ctf))
    # To flip phases leaves the sign of the scale.
    factor = np.sign(symmetric) if correction == "phase_flipped" else scale * symmetric
    corrected = np.fft.irfft2(factor * blurred, s=(SIDE, SIDE))
    options = {"noise_spectrum": numbavol.NoiseSpectrum.white(0.5), "dtype": np.float64}
    expected = numbavol.backproject(
        np.fft.irfft2(blurred, s=(SIDE, SIDE)), poses, PIXEL_SIZE, ctf=ctf, **options
    )
    found = numbavol.backproject(
        corrected, poses, PIXEL_SIZE, ctf=ctf, ctf_correction=correction, **options
    )
    # The same numerators and weights, but where the way back to real space takes what no real
    # image has: the ends of even axes.
    assert correlate(found, expected) > 1 - 1e-6
    assert relative_error(found, expected) < 2e-3


def test_premultiplied_images_without_transfer_are_nothing():
    images, poses = project(3)
    some = np.array([0, 2])
    found, expected = (
        numbavol.backproject(
            images[chosen], poses[chosen], PIXEL_SIZE, ctf_correction="premultiplied",
            ctf=numbavol.CTF(9000.0, scale=np.array([1.0, 0.0, 1.0])[chosen]),
        )
        for chosen in (np.arange(3), some)
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_a_wiener_filter_damps_the_mean_by_its_weight():
    images, poses = project(10)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE)
    damped = numbavol.backproject(images, poses, PIXEL_SIZE, signal_to_noise=0.05)
    # Ten images, and an inverse ratio of 20.
    assert damped.mean() / grid.mean() == pytest.approx(10 / (10 + 20), rel=1e-4)
    ratios = np.full(SIDE // 2 + 1, 0.05)
    of_curve = numbavol.backproject(images, poses, PIXEL_SIZE, signal_to_noise=ratios)
    np.testing.assert_array_equal(of_curve, damped)


def test_the_unit_of_noise_does_not_matter_to_a_wiener_filter():
    images, poses = project(10)
    grids = [
        numbavol.backproject(
            images, poses, PIXEL_SIZE, signal_to_noise=0.1,
            noise_spectrum=np.full(SIDE // 2 + 1, power),
        )
        for power in (1.0, 64.0)
    ]  # fmt: skip
    assert relative_error(grids[0], grids[1]) < 1e-5


@pytest.mark.compiled
def test_noisy_images_have_little_weight():
    images, poses = project(200)
    expected = numbavol.backproject(images[:100], poses[:100], PIXEL_SIZE)
    noisy = images.copy()
    noisy[100:] += np.random.default_rng(0).normal(size=(100, SIDE, SIDE), scale=images.std())
    powers = np.ones((200, SIDE // 2 + 1))
    powers[100:] = 1e6
    grid = numbavol.backproject(noisy, poses, PIXEL_SIZE, noise_spectrum=powers)
    assert correlate(grid, expected) > 0.999
    assert correlate(numbavol.backproject(noisy, poses, PIXEL_SIZE), expected) < 0.99


def test_a_spectrum_is_read_at_its_own_frequencies():
    spectrum = numbavol.NoiseSpectrum([0.0, 1 / 3], [1.0, 3.0])
    images, poses = project(10)
    shells = np.linspace(1.0, 3.0, SIDE // 2 + 1)
    grids = [
        numbavol.backproject(images, poses, PIXEL_SIZE, noise_spectrum=powers, signal_to_noise=1)
        for powers in (spectrum, shells)
    ]
    np.testing.assert_allclose(grids[0], grids[1], atol=1e-9)


@pytest.mark.compiled
def test_half_maps_correlate_as_the_signal_to_noise_ratio_says():
    n, variance = 2000, 1.0
    images, poses = project(n)
    rng = np.random.default_rng(2)
    halves = [
        numbavol.backproject(
            images[start::2] + rng.normal(scale=variance**0.5, size=(n // 2, SIDE, SIDE)),
            poses[start::2],
            PIXEL_SIZE,
        )
        for start in (0, 1)
    ]
    curve = numbavol.compute_fourier_shell_correlation(*halves).correlation
    power = numbavol.compute_power_spectrum(render(make_volume()).astype(np.float64))
    power = np.interp(np.arange(SIDE // 2 + 1) / SIDE, power.distances, power.values)
    k = np.arange(4, SIDE // 2 - 2)
    # A plane's circle shares its samples among a sphere, 2 pi k among 4 pi k^2.
    ratio = PIXEL_SIZE**2 * power[k] * (n / 2) / (2 * k) / (SIDE**2 * variance)
    expected = ratio / (1 + ratio)
    assert expected.max() > 0.9
    assert expected.min() < 0.4
    # The samples around a cell are those of more than one voxel, which correlates more.
    assert np.abs(curve[k] - expected).max() < 0.15


@pytest.mark.compiled
def test_nothing_is_left_beyond_the_resolution():
    images, poses = project(300)
    grid = numbavol.backproject(images, poses, PIXEL_SIZE, max_resolution=6.0)
    expected = numbavol.backproject(images, poses, PIXEL_SIZE)
    power = numbavol.compute_power_spectrum(grid)
    of_all = numbavol.compute_power_spectrum(expected)
    assert np.interp(0.3, power.distances, power.values) < 1e-3 * np.interp(
        0.1, of_all.distances, of_all.values
    )
    curve = numbavol.compute_fourier_shell_correlation(grid, expected).correlation
    assert curve[:6].min() > 0.99


def test_images_may_be_of_any_kind(tmp_path):
    images, poses = project(12)
    expected = numbavol.backproject(images, poses, PIXEL_SIZE)
    mapped = np.memmap(tmp_path / "images", ">f4", "w+", shape=images.shape)
    mapped[:] = images
    np.testing.assert_array_equal(numbavol.backproject(mapped, poses, PIXEL_SIZE), expected)
    grid = numbavol.backproject(images.tolist(), poses, PIXEL_SIZE, dtype=np.float64)
    assert grid.dtype == np.float64
    assert relative_error(expected, grid) < 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": draw_poses(3)}, "images: expected shape .3, 32, 32. for 3 poses, got .2, 32"),
        ({"images": np.zeros((2, 8, 9))}, "images: expected square images, got shape .2, 8, 9."),
        ({"images": np.zeros(3)}, "images: expected shape .n, y, x., got .3,."),
        ({"images": np.full((2, SIDE, SIDE), np.nan)}, "images: image 0 is not finite"),
        ({"pixel_size": 0.0}, "pixel_size: expected a finite number above 0, got 0.0"),
        ({"pad_scale": 0.5}, "pad_scale: expected a number of at least 1"),
        ({"max_resolution": -1.0}, "max_resolution: expected a finite number above 0"),
        ({"symmetry": "X"}, "symmetry: expected"),
        ({"signal_to_noise": 0.0}, "signal_to_noise: expected numbers above 0, got 0"),
        ({"signal_to_noise": [1.0]}, "signal_to_noise: expected a number or shape .17,."),
        ({"noise_spectrum": np.ones(3)}, "noise_spectrum: expected a spectrum"),
        ({"noise_spectrum": np.zeros(17)}, "noise_spectrum: .* of at least 1e-30, got 0"),
        ({"ctf": numbavol.CTF([1e4] * 3)}, "ctf: expected that of one image or of 2, got one of 3"),
        ({"ctf_correction": "flipped"}, "ctf_correction: expected one of .*, got 'flipped'"),
        ({"ctf_correction": "phase_flipped"}, "ctf: expected that of images whose CTF is phase_fl"),
        ({"dtype": np.int32}, "dtype: expected float32 or float64"),
        ({"images": np.zeros((2, SIDE, SIDE), complex)}, "images: expected real numbers"),
        ({"max_resolution": 48.1}, "max_resolution: expected at most .* 48 A, got 48.1 A"),
        ({"images": np.zeros((0, SIDE, SIDE)), "poses": draw_poses(2)[:0]}, "got none"),
        ({"noise_spectrum": np.full(17, 1e-42)}, "noise_spectrum: expected powers of at least"),
    ],
    ids=[
        "poses", "not square", "one axis", "nan", "pixel size", "pad", "resolution", "symmetry",
        "snr", "snr shape", "noise shape", "noise", "ctf", "correction", "no ctf", "dtype",
        "complex", "too coarse", "none", "powers",
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(change, message):
    images, poses = project(2)
    arguments = {"images": images, "poses": poses, "pixel_size": PIXEL_SIZE} | change
    with pytest.raises(ValueError, match=message):
        numbavol.backproject(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": None}, "poses: expected a pose, got NoneType"),
        ({"ctf": np.ones((2, SIDE, SIDE // 2 + 1))}, "ctf: expected a CTF or None, got ndarray"),
    ],
    ids=["poses", "ctf"],
)
def test_what_is_of_another_kind_is_named(change, message):
    images, poses = project(2)
    arguments = {"images": images, "poses": poses, "pixel_size": PIXEL_SIZE} | change
    with pytest.raises(TypeError, match=message):
        numbavol.backproject(**arguments)


def test_a_map_of_nothing_is_refused():
    with pytest.raises(ValueError, match="images: expected some to be added"):
        numbavol.BackProjector(SIDE, PIXEL_SIZE).finish()


def test_sums_that_an_interrupt_cut_short_are_refused(monkeypatch):
    images, poses = project(2)
    projector = numbavol.BackProjector(SIDE, PIXEL_SIZE)
    projector.add(images, poses)
    insert = TransformBricks.insert

    def interrupt(*arguments):
        insert(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TransformBricks, "insert", interrupt)
        with pytest.raises(KeyboardInterrupt):
            projector.add(images, poses)
    for call in (projector.finish, lambda: projector.add(images, poses)):
        with pytest.raises(RuntimeError, match="images: adding them was interrupted"):
            call()
