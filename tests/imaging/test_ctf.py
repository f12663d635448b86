"""The contrast transfer function: its formula, RELION's images, Zernike polynomials, values."""

from __future__ import annotations

import copy
import math
import pickle
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import CTF
from numbavol.imaging.aberrations import count_orders, expand_zernike, list_zernike


def frequencies(shape, pixel_size):
    """Along x and y, of a half transform; Nyquist frequencies are positive."""
    x = np.arange(shape[1] // 2 + 1) / (shape[1] * pixel_size)
    y = np.arange(shape[0])
    y = np.where(2 * y <= shape[0], y, y - shape[0]) / (shape[0] * pixel_size)
    return np.meshgrid(x, y)


def zernike(m, n, x, y):
    rho, phi = np.hypot(x, y), np.arctan2(y, x)
    radial = sum(
        (-1) ** k
        * math.factorial(n - k)
        / (
            math.factorial(k)
            * math.factorial((n + abs(m)) // 2 - k)
            * math.factorial((n - abs(m)) // 2 - k)
        )
        * rho ** (n - 2 * k)
        for k in range((n - abs(m)) // 2 + 1)
    )
    return radial * (np.cos(m * phi) if m >= 0 else np.sin(-m * phi))


def naive(ctf, x, y):
    """RELION's formula, term by term."""
    volts = 1e3 * ctf.voltage_in_kilovolts
    wavelength = 12.2643247 / math.sqrt(volts * (1 + volts * 0.978466e-6))
    k2 = x**2 + y**2
    u, v = ctf.defocus_u_in_angstroms, ctf.defocus_v_in_angstroms
    angle = np.arctan2(y, x) - np.deg2rad(ctf.astigmatism_angle)
    defocus = (u + v) / 2 + (u - v) / 2 * np.cos(2 * angle)
    aberration = 1e7 * ctf.spherical_aberration_in_millimetres
    gamma = -np.pi * wavelength * defocus * k2 + np.pi / 2 * aberration * wavelength**3 * k2**2
    gamma -= np.deg2rad(ctf.phase_shift)
    q = ctf.amplitude_contrast
    gamma -= np.pi / 2 if q == 1 else math.atan(q / math.sqrt(1 - q**2))
    for i, coefficient in enumerate(ctf.even_zernike):
        gamma = gamma + coefficient * zernike(*list_zernike(i, is_odd=False), x, y)
    value = -np.sin(gamma) * np.exp(-ctf.b_factor / 4 * k2) * ctf.scale
    tilt_x, tilt_y = 1e-3 * ctf.beam_tilt_in_milliradians
    phase = -2 * np.pi * aberration * wavelength**2 * k2 * (x * tilt_x + y * tilt_y)
    odd = np.zeros(6)
    odd[[2, 5]] = ctf.trefoil
    for series in (odd, ctf.odd_zernike):
        for i, coefficient in enumerate(series):
            phase = phase + coefficient * zernike(*list_zernike(i, is_odd=True), x, y)
    return value * np.exp(1j * phase)


def naive_plane(ctf, shape, pixel_size):
    """With the mean of both signs of Nyquist frequencies."""
    x, y = frequencies(shape, pixel_size)
    signs_x = np.where((shape[1] % 2 == 0) & (np.arange(x.shape[1]) == shape[1] // 2), -1, 1)
    signs_y = np.where((shape[0] % 2 == 0) & (np.arange(x.shape[0]) == shape[0] // 2), -1, 1)[
        :, None
    ]
    both = [naive(ctf, a * x, b * y) for a in (1, signs_x) for b in (1, signs_y)]
    return np.mean(both, axis=0)


NUMBERS = {
    "astigmatism_angle": st.floats(-180, 180),
    "voltage_in_kilovolts": st.floats(80, 400),
    "spherical_aberration_in_millimetres": st.floats(0, 5),
    "amplitude_contrast": st.floats(0, 1),
    "phase_shift": st.floats(-180, 180),
    "b_factor": st.floats(0, 100),
    "scale": st.floats(0.1, 2),
    "beam_tilt_in_milliradians": st.tuples(*[st.floats(-2, 2)] * 2),
    "trefoil": st.tuples(*[st.floats(-30, 30)] * 2),
    "odd_zernike": st.lists(st.floats(-3, 3), max_size=12),
    "even_zernike": st.lists(st.floats(-3, 3), max_size=9),
}
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
DEFOCUS = st.floats(-2000, 30000)


@given(st.fixed_dictionaries({}, optional=NUMBERS), DEFOCUS, DEFOCUS, SHAPES)
def test_it_is_relions_formula(parameters, u, v, shape):
    ctf = CTF(u, v, **parameters)
    expected = naive_plane(ctf, shape, 1.3)
    double = ctf.evaluate(shape, 1.3, dtype=np.float64)
    # Phases are up to a few hundred radians, of which each rounds.
    np.testing.assert_allclose(double, expected, rtol=0, atol=1e-11)
    # Four roundings of float32 and the sine's 2e-7, of a modulus up to 2.
    np.testing.assert_allclose(ctf.evaluate(shape, 1.3), expected, rtol=0, atol=1e-6)
    assert np.iscomplexobj(double) == ctf.has_odd_aberrations


def test_it_is_positive_in_underfocus_and_begins_with_the_amplitude_contrast():
    values = CTF(10000.0, amplitude_contrast=0.07).evaluate((256, 256), 4.0)
    assert values[0, 0] == pytest.approx(0.07, abs=1e-6)
    assert np.all(values[0, :8] > 0)


@given(st.fixed_dictionaries({}, optional=NUMBERS), SHAPES)
def test_real_images_stay_real(parameters, shape):
    """The half transform that it makes is that of a real image, at every frequency."""
    ctf = CTF(9000.0, 5000.0, **parameters)
    values = ctf.evaluate(shape, 1.1, dtype=np.float64)
    image = np.fft.irfft2(values, shape)
    np.testing.assert_allclose(np.fft.rfft2(image), values, rtol=0, atol=1e-9)


@pytest.mark.parametrize("is_odd", [False, True])
@pytest.mark.parametrize("number", range(12))
def test_zernike_polynomials_are_expanded_by_powers(number, is_odd):
    m, n = list_zernike(number, is_odd=is_odd)
    assert n % 2 == is_odd
    x, y = np.random.default_rng(number).uniform(-1, 1, (2, 20))
    powers = expand_zernike(m, n, n + 1)
    expanded = np.einsum("ij,in,jn->n", powers, *(z ** np.arange(n + 1)[:, None] for z in (y, x)))
    np.testing.assert_allclose(expanded, zernike(m, n, x, y), rtol=0, atol=1e-12)
    assert count_orders(number + 1, is_odd=is_odd) == n


def test_zernike_polynomials_are_in_relions_order():
    assert [list_zernike(i, is_odd=False) for i in range(4)] == [(0, 0), (-2, 2), (0, 2), (2, 2)]
    even = [(-4, 4), (-2, 4), (0, 4), (2, 4), (4, 4)]
    assert [list_zernike(i, is_odd=False) for i in range(4, 9)] == even
    odd = [(-1, 1), (1, 1), (-3, 3), (-1, 3), (1, 3), (3, 3)]
    odd += [(-5, 5), (-3, 5), (-1, 5), (1, 5), (3, 5), (5, 5)]
    assert [list_zernike(i, is_odd=True) for i in range(12)] == odd


@given(st.tuples(*[st.floats(-2, 2)] * 2), st.tuples(*[st.floats(-30, 30)] * 2))
def test_all_antisymmetric_aberrations_are_one_list(tilt, trefoil):
    options = {"beam_tilt_in_milliradians": tilt, "trefoil": trefoil, "odd_zernike": [1.0] * 5}
    ctf = CTF([9000.0, 8000.0], voltage_in_kilovolts=[300.0, 200.0], **options)
    joined = CTF(
        [9000.0, 8000.0], voltage_in_kilovolts=[300.0, 200.0], odd_zernike=ctf.odd_aberrations
    )
    values, expected = (each.evaluate((6, 7), 1.5, dtype=np.float64) for each in (joined, ctf))
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def make_many(n=3):
    return CTF(np.linspace(8000, 12000, n), 9000.0, phase_shift=np.arange(n), trefoil=(1.0, 2.0))


def test_many_are_each_of_them():
    many = make_many()
    together = many.evaluate((6, 5), 1.5)
    one_by_one = [many[i].evaluate((6, 5), 1.5) for i in range(3)]
    np.testing.assert_array_equal(together, one_by_one)
    assert len(many) == 3
    assert many[[2, 0]][1] == many[0]
    assert len(many[1:]) == 2
    # Evaluated before or not, each is what it is.
    assert many[-1].phase_polynomials.shape == (1, 5, 5)
    np.testing.assert_array_equal(make_many()[-1].evaluate((6, 5), 1.5), one_by_one[2])
    assert len(many[np.array([True, False, True])]) == 2


def test_values_compare_copy_and_pickle():
    many = make_many()
    many.evaluate((2, 2), 1.0)
    for same in (copy.deepcopy(many), pickle.loads(pickle.dumps(many))):
        assert same == many
        assert hash(same) == hash(many)
        assert not same.scale.flags.writeable
    assert many != many[:2]
    assert many != "a string"
    assert bool(CTF(1.0))


def test_it_says_what_it_is():
    assert repr(CTF(12000.0)) == "CTF(defocus 12000 A)"
    assert repr(CTF(12000.0, 9000.0)) == "CTF(defocus 12000, 9000 A)"
    assert repr(make_many(1)) == "CTF(1 image, defocus 8000 to 9000 A)"
    with pytest.raises(TypeError, match="one CTF has no length"):
        len(CTF(1.0))
    with pytest.raises(TypeError, match="one CTF cannot be indexed"):
        CTF(1.0)[0]
    # Python would take an IndexError for the end.
    with pytest.raises(TypeError, match="one CTF cannot be indexed"):
        list(CTF(1.0))


@pytest.mark.parametrize(
    "index",
    [slice(0, 0), np.zeros(0, int), np.zeros(3, bool), None, np.array([[0, 1], [1, 2]])],
    ids=["no slice", "no numbers", "no mask", "None", "two axes"],
)
def test_an_index_takes_images_along_one_axis(index):
    with pytest.raises(IndexError, match="index: expected one image or more along one axis, got"):
        make_many()[index]


def test_many_are_iterated_one_by_one():
    assert [one.phase_shift for one in make_many()] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"defocus_u_in_angstroms": [[1.0]]}, "defocus_u_in_angstroms: expected a number or shape"),
        ({"defocus_u_in_angstroms": np.nan}, "defocus_u_in_angstroms: expected finite"),
        ({"beam_tilt_in_milliradians": [1.0]}, r"beam_tilt_in_milliradians: expected shape \(2,\)"),
        ({"odd_zernike": 3.0}, r"odd_zernike: expected shape \(terms,\)"),
        ({"amplitude_contrast": 1.5}, "amplitude_contrast: expected numbers from 0 to 1, got 1.5"),
        ({"voltage_in_kilovolts": 0.0}, "voltage_in_kilovolts: expected numbers above 0, .* got 0"),
        ({"voltage_in_kilovolts": 3e5}, "voltage_in_kilovolts: .* and at most 3000, got 300000"),
        (
            {"spherical_aberration_in_millimetres": 2.7e7},
            "spherical_aberration_in_millimetres: expected numbers from -100 to 100, got 27000000",
        ),
        ({"scale": [1.0, 2.0], "b_factor": [0.0] * 3}, "equally many images.*b_factor 3, scale 2"),
        ({"scale": []}, "at least one, got scale 0"),
    ],
)
def test_what_is_wrong_is_named(arguments, what):
    with pytest.raises(ValueError, match=what):
        CTF(**{"defocus_u_in_angstroms": 1e4, **arguments})


@pytest.mark.parametrize(
    ("shape", "pixel_size", "dtype", "what"),
    [
        ((0, 4), 1.0, np.float32, "shape"),
        ((4, 4), 0.0, np.float32, "pixel_size"),
        ((4, 4), 1.0, np.int32, "dtype: expected float32 or float64"),
    ],
)
def test_what_it_cannot_be_evaluated_at_is_named(shape, pixel_size, dtype, what):
    with pytest.raises(ValueError, match=what):
        CTF(1e4).evaluate(shape, pixel_size, dtype=dtype)


@pytest.mark.skipif(shutil.which("relion_project") is None, reason="RELION is not installed")
@pytest.mark.compiled
def test_images_are_those_of_relion(tmp_path):
    """relion_project --ctf, against its own images without, at every frequency but Nyquist."""
    side, pixel_size = 48, 1.5
    rng = np.random.default_rng(4)
    map_file = tmp_path / "map.mrc"
    numbavol.write_map(map_file, rng.standard_normal((side,) * 3).astype(np.float32), pixel_size)
    header = (
        "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnOpticsGroupName #2\n_rlnVoltage #3\n"
        "_rlnSphericalAberration #4\n_rlnAmplitudeContrast #5\n_rlnImagePixelSize #6\n"
        "_rlnImageSize #7\n_rlnImageDimensionality #8\n"
        f"1 all 300 2.7 0.1 {pixel_size} {side} 2\n\n"
        "data_particles\n\nloop_\n_rlnAngleRot #1\n_rlnAngleTilt #2\n_rlnAnglePsi #3\n"
        "_rlnOriginXAngst #4\n_rlnOriginYAngst #5\n_rlnOpticsGroup #6\n_rlnDefocusU #7\n"
        "_rlnDefocusV #8\n_rlnDefocusAngle #9\n_rlnPhaseShift #10\n_rlnCtfBfactor #11\n"
        "_rlnCtfScalefactor #12\n"
        "10 20 30 0 0 1 12000 9000 30 15 20 0.8\n40 50 60 0 0 1 8000 8500 -70 0 0 1\n"
    )
    (tmp_path / "poses.star").write_text(header)
    made = {}
    for name, options in (("plain", []), ("ctf", ["--ctf"])):
        arguments = ["--i", "map.mrc", "--ang", "poses.star", "--o", name, *options]
        subprocess.run(
            ["relion_project", *arguments], cwd=tmp_path, check=True, capture_output=True
        )
        made[name] = np.fft.rfft2(numbavol.read_map(tmp_path / f"{name}.mrcs").data)
    ctf = CTF(
        [12000.0, 8000.0], [9000.0, 8500.0], [30.0, -70.0],
        phase_shift=[15.0, 0.0], b_factor=[20.0, 0.0], scale=[0.8, 1.0],
    )  # fmt: skip
    expected = made["plain"] * ctf.evaluate((side, side), pixel_size)
    inner = np.s_[:, np.arange(side) != side // 2, : side // 2]
    largest = np.abs(expected).max()
    # Both are float32.
    np.testing.assert_allclose(made["ctf"][inner], expected[inner], rtol=0, atol=1e-5 * largest)
