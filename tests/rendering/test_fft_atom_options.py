"""What `FFTAtomRenderFn` takes, returns and refuses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import warnings

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import (
    CustomFourierOperator,
    FFTAtomRenderFn,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    GaussianMixtureVolume,
    IndependentAtomVolume,
    make_frequency_grid,
)

SHAPE = (6, 7, 8)
RNG = np.random.default_rng(4)
POSITIONS = RNG.uniform(-2.5, 2.5, (6, 3))


def make_volume(operator=None):
    wave = CustomFourierOperator(lambda k: np.exp(-3 * (k**2).sum(-1)) * (1 + 1j * k[..., 2]))
    return IndependentAtomVolume(
        (POSITIONS, -POSITIONS), (FourierGaussian(2.0, 20.0), operator or wave)
    )


# Outputs.


@pytest.mark.parametrize("shape", [(6, 7, 8), (7, 6, 5), (8, 8, 8), (1, 6, 9), (6, 6, 1)], ids=str)
@pytest.mark.parametrize("fftshifted", [False, True])
@pytest.mark.parametrize("outputs_rfft", [False, True])
@pytest.mark.parametrize("eps", [1e-3, 1e-9])
def test_the_transform_is_that_of_the_real_map(shape, fftshifted, outputs_rfft, eps):
    positions = RNG.uniform(-0.4, 0.4, (6, 3)) * np.array(shape[::-1])
    volume = IndependentAtomVolume(positions, FourierGaussian(2.0, 5.0))
    render_fn = FFTAtomRenderFn(shape, 1.0, eps=eps, dtype=np.float64)
    transform = render_fn(
        volume, outputs_real_space=False, outputs_rfft=outputs_rfft, fftshifted=fftshifted
    )
    expected = (numbavol.rfftn if outputs_rfft else numbavol.fftn)(render_fn(volume))
    if fftshifted:
        expected = np.fft.fftshift(expected, axes=(0, 1) if outputs_rfft else None)
    assert transform.shape == expected.shape
    # The two have other origins, and so other errors.
    assert np.linalg.norm(transform - expected) <= 2 * eps * np.linalg.norm(expected)


def test_the_transform_of_a_complex_factor_is_that_of_the_real_map():
    render_fn = FFTAtomRenderFn(SHAPE, 1.0, eps=1e-9, dtype=np.float64)
    full = render_fn(make_volume(), outputs_real_space=False)
    expected = numbavol.fftn(render_fn(make_volume()))
    assert np.linalg.norm(full - expected) <= 2e-9 * np.linalg.norm(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eps", [1e-3, 1e-6, 1e-9])
def test_the_map_has_the_dtype_asked_for(dtype, eps):
    rendered = FFTAtomRenderFn(SHAPE, 1.0, dtype=dtype, eps=eps)(make_volume())
    assert (rendered.dtype, rendered.shape) == (dtype, SHAPE)
    assert rendered.flags.c_contiguous
    assert rendered.flags.writeable


@pytest.mark.parametrize(
    ("dtype", "eps"),
    [
        (np.float32, 1e-6),
        (np.float64, 1e-9),
        (np.float32, 1e-9),
        (np.float64, 1e-3),
    ],
)
@pytest.mark.parametrize("outputs_rfft", [False, True])
def test_the_transform_has_the_precision_of_the_map(dtype, eps, outputs_rfft):
    render_fn = FFTAtomRenderFn(SHAPE, 1.0, dtype=dtype, eps=eps)
    transform = render_fn(make_volume(), outputs_real_space=False, outputs_rfft=outputs_rfft)
    assert transform.dtype == (np.complex64 if dtype == np.float32 else np.complex128)


# The box.


@pytest.mark.parametrize(
    "side", [(-4.5, 0, 0), (3.5, 0, 0), (0, -3.5, 0), (0, 3.5, 0), (0, 0, -3.5), (0, 0, 2.5)]
)
def test_an_atom_on_the_edge_is_inside_and_beyond_it_outside(side):
    at, operator = np.array([side, (0, 0, 0)], float), FourierGaussian(1.0, 20.0)
    rendered = FFTAtomRenderFn(SHAPE, 1.0, eps=1e-9, dtype=np.float64)(
        IndependentAtomVolume(at, operator)
    )
    expected = naive.render_atoms(SHAPE, 1.0, [(at, operator)])
    assert np.linalg.norm(rendered - expected) <= 1e-9 * np.linalg.norm(expected)
    beyond = IndependentAtomVolume((at * (1 + 1e-9), POSITIONS), (operator, operator))
    message = r"^volume_representation: .* box of \(6, 7, 8\) voxels, got 1 of 8 outside; periodic"
    with pytest.raises(ValueError, match=message):
        FFTAtomRenderFn(SHAPE, 1.0)(beyond)


def test_an_atom_on_the_edge_is_inside_for_any_voxel_size():
    for n in (3, 5, 6):
        for voxel_size in np.arange(0.3, 3.0, 0.01).round(2).tolist():
            at = [[0.0, 0.0, edge * voxel_size] for edge in (-(n // 2) - 0.5, n - n // 2 - 0.5)]
            FFTAtomRenderFn((n, 1, 1), voxel_size)(IndependentAtomVolume(at, FourierGaussian()))


@given(st.lists(st.tuples(*[st.integers(-5, 5)] * 3), min_size=6, max_size=6), st.booleans())
def test_a_periodic_box_folds_atoms_back(boxes, outputs_real_space):
    voxel_size = np.array([0.5, 1.0, 2.0])
    inside = POSITIONS * voxel_size
    sides = np.array(SHAPE[::-1]) * voxel_size
    render_fn = FFTAtomRenderFn(SHAPE, voxel_size, eps=1e-9, dtype=np.float64, periodic=True)
    one, other = (
        render_fn(
            IndependentAtomVolume(at, FourierSinc(1.0)), outputs_real_space=outputs_real_space
        )
        for at in (inside, inside + boxes * sides)
    )
    # Positions up to 80 A are rounded by 1e-14.
    assert np.linalg.norm(one - other) <= 1e-11 * np.linalg.norm(one)


# Frequencies.


@pytest.mark.parametrize("voxel_size", [1.0, (0.5, 1.0, 2.0)])
def test_frequencies_given_are_those_that_are_made(voxel_size):
    at = POSITIONS * voxel_size
    volume = IndependentAtomVolume((at, at), (FourierGaussian(2.0, 5.0), FourierSinc(1.0)))
    grid = make_frequency_grid(SHAPE, voxel_size)
    options = {"eps": 1e-11, "dtype": np.float64}
    given_grid = FFTAtomRenderFn(SHAPE, voxel_size, frequency_grid=grid, **options)(volume)
    made = FFTAtomRenderFn(SHAPE, voxel_size, **options)(volume)
    assert np.linalg.norm(given_grid - made) <= 1e-12 * np.linalg.norm(made)


def test_other_frequencies_are_another_renderer():
    grid = make_frequency_grid(SHAPE, 1.0)
    one, same, other = (
        FFTAtomRenderFn(SHAPE, 1.0, frequency_grid=g) for g in (grid, +grid, grid / 2)
    )
    assert one == same
    assert hash(one) == hash(same)
    assert one not in (other, FFTAtomRenderFn(SHAPE, 1.0))


@pytest.mark.parametrize(
    "wrong", [(6, 7, 8, 3), (6, 7, 5, 2), (8, 7, 4, 3), (6, 7, 5), (5, 7, 5, 3)]
)
def test_frequencies_of_another_shape_are_an_error(wrong):
    with pytest.raises(ValueError, match=r"^frequency_grid: expected "):
        FFTAtomRenderFn(SHAPE, 1.0, frequency_grid=np.zeros(wrong))


# Arguments.


@pytest.mark.parametrize(
    "eps", [0, 0.0, 1, 1.0, 2, np.nan, np.inf, -1, 1e-20, [1e-3], np.ones(2), True]
)
def test_a_wrong_eps_is_an_error(eps):
    with pytest.raises(ValueError, match=r"^eps: expected a number from 1e-13 to 1, got "):
        FFTAtomRenderFn(SHAPE, 1.0, eps=eps)


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        ({"modeord": 1}, "expected options among .*, got 'modeord'"),
        ({"spreadinterponly": 1}, "expected options among .*, got 'spreadinterponly'"),
        ({"no such": 1}, "expected options among .*, got 'no such'"),
        ({1: 1}, "expected options among .*, got 1"),
        ({"debug": "1"}, "expected a whole number for debug, got '1'"),
        ({"debug": None}, "expected a whole number for debug, got None"),
        ({"debug": True}, "expected a whole number for debug, got True"),
        ({"debug": 1.5}, "expected a whole number for debug, got 1.5"),
        # These are chosen: by the precision, and by the number of threads.
        ({"upsampfac": 2.0}, "expected options among .*, got 'upsampfac'"),
        ({"nthreads": 1}, "expected options among .*, got 'nthreads'"),
        (3, "expected a mapping of finufft's options, got 3"),
        ("opts", "expected a mapping of finufft's options, got 'opts'"),
    ],
)
def test_wrong_options_are_an_error(opts, message):
    with pytest.raises(ValueError, match=f"^opts: {message}"):
        FFTAtomRenderFn(SHAPE, 1.0, opts=opts)


def test_what_finufft_refuses_is_an_error_that_names_the_options():
    render_fn = FFTAtomRenderFn(SHAPE, 1.0, opts={"spread_kerformula": 99})
    with pytest.raises(ValueError, match=r"^opts: finufft refuses \{'spread_kerformula': 99\}"):
        render_fn(make_volume())


@pytest.mark.parametrize(
    "opts",
    [
        {},
        {"spread_sort": 0},
        {"spread_kerevalmeth": 0},
        {"spread_max_sp_size": 3},
    ],
    ids=str,
)
def test_options_change_how_and_not_what(opts):
    options = {"eps": 1e-6, "dtype": np.float64}
    rendered = FFTAtomRenderFn(SHAPE, 1.0, opts=opts, **options)(make_volume())
    expected = naive.render_atoms(SHAPE, 1.0, make_volume().groups())
    assert np.linalg.norm(rendered - expected) <= 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eps", [0.5, 1e-2, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 1e-13])
@pytest.mark.parametrize("shape", [(1, 1, 1), (6, 7, 8), (1, 2, 600)], ids=str)
def test_nothing_is_printed_and_no_one_warned(shape, eps, dtype, capfd):
    at = np.array([[0.0, 0.0, 0.0], [0.2, 0.3, -0.4]])
    # Factors that fall off fast ask for a transform far more precise than eps.
    factors = [FourierConstant(1.0), FourierGaussian(1.0, 300.0), FourierGaussian(1.0, 2e4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for factor in factors if len(set(shape)) > 1 else factors[:1]:
            rendered = FFTAtomRenderFn(shape, 1.0, eps=eps, dtype=dtype, periodic=True)(
                IndependentAtomVolume(at, factor)
            )
            assert np.all(np.isfinite(rendered))
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize(("side", "eps", "b_factor"), [(0.5, 1e-4, 900.0), (1.0, 1e-5, 1600.0)])
def test_no_one_is_warned_of_wide_gaussians(side, eps, b_factor):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FFTAtomRenderFn((15, 15, 15), side, eps=eps, antialias=False)(
            IndependentAtomVolume([[0.0, 0.0, 0.0]], FourierGaussian(3.0, b_factor))
        )


@pytest.mark.same_bits
@pytest.mark.usefixtures("_number_of_threads_is_restored")
@pytest.mark.parametrize("eps", [1e-3, 1e-9])
@pytest.mark.parametrize("shape", [(6, 7, 8), (40, 20, 17)], ids=str)
def test_the_number_of_threads_changes_no_bit(shape, eps, is_compiled):
    if not is_compiled:
        shape = (6, 7, 8)
    made = []
    for n_threads in (1, 2, 3):
        numbavol.set_num_threads(n_threads)
        render_fn = FFTAtomRenderFn(shape, 1.0, eps=eps)
        made.append((render_fn(make_volume()), render_fn(make_volume(), outputs_real_space=False)))
    for real, transform in made[1:]:
        np.testing.assert_array_equal(real, made[0][0])
        np.testing.assert_array_equal(transform, made[0][1])


@pytest.mark.parametrize(
    "other", [GaussianMixtureVolume(POSITIONS, 1.0, 1.0), np.zeros(SHAPE), None]
)
def test_another_volume_is_an_error(other):
    with pytest.raises(TypeError, match=r"^volume_representation: expected an IndependentAtomVol"):
        FFTAtomRenderFn(SHAPE, 1.0)(other)


def test_a_map_that_does_not_fit_into_memory_is_an_error():
    with pytest.raises(MemoryError, match=r"^shape: .* takes .* GiB, and .* free"):
        FFTAtomRenderFn((10**6,) * 3, 1.0)(make_volume())


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda fn: pickle.loads(pickle.dumps(fn))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_a_duplicate_is_equal_and_renders_the_same(duplicate):
    render_fn = FFTAtomRenderFn(SHAPE, (1, 1, 1), opts={"spread_sort": 1}, eps=1e-4, periodic=True)
    other = duplicate(render_fn)
    assert other == render_fn
    assert hash(other) == hash(render_fn)
    np.testing.assert_array_equal(other(make_volume()), render_fn(make_volume()))


@pytest.mark.parametrize("frequency", ["zero", "another"])
@pytest.mark.parametrize("make", ["map", "image"])
def test_a_scattering_factor_that_is_not_finite_is_named(make, frequency):
    def factor(vectors):
        squared = np.sum(vectors**2, axis=-1)
        is_wrong = squared == 0 if frequency == "zero" else squared > 0.2
        return np.where(is_wrong, np.nan, np.exp(-10 * squared))

    volume = numbavol.IndependentAtomVolume(
        np.zeros((1, 3)), numbavol.CustomFourierOperator(factor)
    )
    message = "scattering_factor_pytree: expected finite values of CustomFourierOperator, got nan"
    config, pose = numbavol.ImageConfig((8, 8), 1.0), numbavol.EulerAnglePose()
    works = {
        "map": lambda: numbavol.render(volume, (8, 8, 8), 1.0),
        "image": lambda: numbavol.project(volume, pose, config),
    }
    with pytest.raises(ValueError, match=message):
        works[make]()
