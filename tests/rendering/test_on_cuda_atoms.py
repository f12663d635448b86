"""Maps of atoms in groups made on CUDA, a card or Numba's simulator of one."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing
from numbavol.ndimage.nonuniform import choose_spreading
from numbavol.ndimage.nonuniform_cuda import HalfTransformOnCuda, count_bytes_on_cuda

MISSING = describe_what_is_missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]


def make_atoms(factor):
    positions = np.random.default_rng(3).uniform(-2.0, 2.0, (5, 3))
    return numbavol.IndependentAtomVolume((positions, positions[:2]), (factor, factor))


FACTORS = {
    "gaussian": numbavol.FourierGaussian(3.0, b_factor=60.0),
    "custom": numbavol.CustomFourierOperator(lambda k: 3.0 / (1.0 + 20.0 * np.sum(k**2, axis=-1))),
}


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(
    ("shape", "eps"), [((6, 5, 4), 1e-4), ((5, 6, 7), 1e-9), ((4, 4, 5), 1e-6)]
)
def test_maps_are_those_of_the_cpu(factor, shape, eps):
    expected, made = (
        numbavol.FFTAtomRenderFn(
            shape, 1.1, eps=eps, dtype=np.float64, periodic=True, device=device
        )(make_atoms(FACTORS[factor]))
        for device in ("cpu", "cuda")
    )
    assert type(made) is np.ndarray
    assert made.dtype == expected.dtype
    # Each errs by its eps.
    assert np.linalg.norm(made - expected) <= 2 * eps * np.linalg.norm(expected)


@pytest.mark.parametrize("outputs_rfft", [False, True])
@pytest.mark.parametrize("fftshifted", [False, True])
def test_transforms_are_those_of_the_cpu(outputs_rfft, fftshifted):
    expected, made = (
        numbavol.FFTAtomRenderFn((4, 5, 6), 1.0, device=device)(
            make_atoms(FACTORS["gaussian"]),
            outputs_real_space=False,
            outputs_rfft=outputs_rfft,
            fftshifted=fftshifted,
        )
        for device in ("cpu", "cuda")
    )
    assert made.dtype == expected.dtype
    np.testing.assert_allclose(made, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_a_map_stays_on_the_device_if_it_is_wanted_there():
    render_fn = numbavol.AutoVolumeRenderFn((4, 4, 4), 1.5, device="cuda")
    made = render_fn(make_atoms(FACTORS["gaussian"]), output="device")
    assert hasattr(made, "__cuda_array_interface__")


@pytest.mark.parametrize("shape", [(1200, 900, 900), (2000, 2000, 150)])
def test_maps_beyond_what_cufinufft_counts_are_refused(shape):
    render_fn = numbavol.FFTAtomRenderFn(shape, 1.0, periodic=True, device="cuda")
    with pytest.raises((ValueError, MemoryError), match="shape: "):
        render_fn(make_atoms(FACTORS["gaussian"]))


def test_what_a_map_takes_on_the_device_is_asked_before(monkeypatch):
    card = type(find_device("cuda"))
    needed = count_bytes_on_cuda((256, 256, 128), np.dtype(np.complex64))
    monkeypatch.setattr(card, "free_bytes", needed - 1)
    render_fn = numbavol.FFTAtomRenderFn((256, 256, 128), 1.0, device="cuda")
    with pytest.raises(MemoryError, match="shape: the map with its transforms takes"):
        render_fn(make_atoms(FACTORS["gaussian"]))


@pytest.mark.parametrize(
    "shape", [(810, 810, 810), (1000, 1000, 500), (1024, 1024, 480), (900, 900, 600)]
)
def test_the_largest_map_of_cufinufft_is_known(shape):
    """Its grid is as long as the next product of 2, 3 and 5: 1,728 cells for 811 frequencies."""
    spreading = choose_spreading((4, 4, 4), 1e-4, None)
    with pytest.raises(ValueError, match="cufinufft has at most 2,147,483,647"):
        HalfTransformOnCuda(shape, spreading, find_device("cuda"))


def test_a_grid_of_cufinufft_is_counted_as_it_is():
    # Cells of 2 * 864, 2 * 864 and 2 * 432, beside five arrays of frequencies.
    cells, frequencies = 1728 * 1728 * 864, 811 * 811 * 406
    assert count_bytes_on_cuda((811, 811, 811), np.dtype(np.complex64)) == 8 * (
        cells + 5 * frequencies
    )
