"""`FFTAtomRenderFn`: atoms in groups, by one non-uniform Fourier transform a group."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from numbavol.arguments import (
    allocate_zeros,
    check_finite,
    check_fits_in_memory,
    check_flag,
    check_output,
    read_precision,
    read_shape,
    read_voxel_size,
)
from numbavol.kernels.devices import CudaDevice
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.kernels.tasks import run_tasks
from numbavol.kernels.threads import get_num_threads
from numbavol.ndimage.nonuniform import (
    HalfTransform,
    choose_spreading,
    compute_amplification,
    read_eps,
    read_options,
)
from numbavol.ndimage.nonuniform_cuda import HalfTransformOnCuda, count_bytes_on_cuda
from numbavol.ndimage.open_grids import OpenGrid, make_open_frequency_grid, split_rows
from numbavol.ndimage.parameters import read_grid
from numbavol.rendering.base import (
    AbstractVolumeRenderFn,
    arrange_half_transform,
    check_ways,
    count_outside,
    deliver,
)
from numbavol.rendering.scattering import add_scattered, evaluate_factor
from numbavol.rendering.terms import make_terms
from numbavol.values import ArrayValue, freeze
from numbavol.volumes import IndependentAtomVolume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.ndimage.operators.base import Gaussians
    from numbavol.rendering.terms import Term
    from numbavol.volumes import AbstractVolumeRepresentation


DEFAULT_EPS = 1e-6
# Frequencies along an axis at which the power of a scattering factor is averaged.
N_SAMPLED_FREQUENCIES = 12


@dataclasses.dataclass(frozen=True, eq=False)
class FFTAtomRenderFn(ArrayValue, AbstractVolumeRenderFn):
    r"""Render atoms through the Fourier transform of their positions.

    With frequencies :math:`k` of the voxel grid and voxel sides :math:`\Delta`,

    .. math:: \tilde U(k) = \prod_i \operatorname{sinc}(k_i \Delta_i) \frac{1}{\prod_i \Delta_i}
              \sum_g f_g(k) \sum_{j \in g} \exp(-2 \pi i \, k \cdot r_j) .

    This is the average over each voxel of a potential that has no frequencies beyond Nyquist's,
    where `GaussianMixtureRenderFn` averages the potential itself. They agree where the scattering
    factors are negligible at the Nyquist frequency: carbon at 1 angstrom differs by 3 to 10 % of
    the peak, by where in its voxel it is, for a B-factor of 20, by up to 4e-4 for 100 and by up to
    8e-7 for 200. The Nyquist frequency of an even axis is the mean of both its signs, times, along
    z and y, the factor of the negative one. What an atom has beyond one side is found at the other.

    Parameters
    ----------
    shape
        Shape (z, y, x) of the map. Position 0 is the centre of voxel ``n // 2`` of each axis.
    voxel_size
        Side of a voxel in angstroms, or its three sides (x, y, z).
    frequency_grid
        The frequencies at which scattering factors are evaluated, in inverse angstroms, as
        ``make_frequency_grid(shape, voxel_size)`` returns them for half transforms. They are made
        as they are needed without it, which is faster and takes no memory.
    antialias
        Average over each voxel; without it, sample at its centre.
    eps
        Relative l2 error of the map, from 1e-13 to 1. Double precision is used wherever single
        cannot reach it.
    opts
        Options of finufft's spreading, for example ``{"spread_sort": 0}``; seldom needed.
    periodic
        Take atoms outside of the box for their images inside it, in place of an error.
    dtype
        float32 or float64, of the map; the first rounds it to 6e-8 of each value.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used. On CUDA, `opts`
        are not used.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Barnett, Magland & af Klinteberg (2019), SIAM Journal on Scientific Computing 41, C479-C504.

    Examples
    --------
    >>> from numbavol import FFTAtomRenderFn, FourierGaussian, IndependentAtomVolume
    >>> volume = IndependentAtomVolume([[0.0, 0.0, 0.0]], FourierGaussian(3.0, b_factor=100.0))
    >>> real_voxel_grid = FFTAtomRenderFn((16, 16, 16), voxel_size=1.0)(volume)
    >>> print(f"{real_voxel_grid.sum():.4f}")
    3.0000
    """

    shape: tuple[int, int, int]
    voxel_size: float | tuple[float, float, float]
    _: dataclasses.KW_ONLY
    frequency_grid: NDArray[np.floating[Any]] | None = dataclasses.field(default=None, repr=False)
    antialias: bool = True
    eps: float = DEFAULT_EPS
    opts: Mapping[str, Any] | None = dataclasses.field(default=None, hash=False)
    periodic: bool = False
    dtype: np.dtype[Any] = np.dtype(np.float32)  # noqa: RUF009
    device: str = "cpu"

    if TYPE_CHECKING:

        def __init__(
            self,
            shape: Sequence[int],
            voxel_size: ArrayLike,
            *,
            frequency_grid: ArrayLike | None = None,
            antialias: bool = True,
            eps: float = DEFAULT_EPS,
            opts: Mapping[str, Any] | None = None,
            periodic: bool = False,
            dtype: DTypeLike = np.float32,
            device: str = "cpu",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        check_flag("antialias", self.antialias)
        check_flag("periodic", self.periodic)
        values: dict[str, Any] = {
            "shape": read_shape("shape", self.shape, 3),
            "voxel_size": read_voxel_size("voxel_size", self.voxel_size),
            "eps": read_eps("eps", self.eps),
            "opts": None if self.opts is None else read_options("opts", self.opts),
            "dtype": read_precision("dtype", self.dtype),
            "device": check_device(self.device),
        }
        if self.frequency_grid is not None:
            grid = read_grid("frequency_grid", self.frequency_grid, (3,))
            check_finite("frequency_grid", grid.astype(np.float64, copy=False))
            z, y, x = values["shape"]
            if grid.shape != (expected := (z, y, x // 2 + 1, 3)):
                msg = f"frequency_grid: expected shape {expected}, got {grid.shape}"
                raise ValueError(msg)
            values["frequency_grid"] = freeze(grid)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __call__(
        self,
        volume_representation: AbstractVolumeRepresentation,
        *,
        outputs_real_space: bool = True,
        outputs_rfft: bool = False,
        fftshifted: bool = False,
        output: str = "host",
    ) -> NDArray[Any]:
        """Render a volume.

        Parameters
        ----------
        volume_representation
            The atoms.
        outputs_real_space, outputs_rfft, fftshifted, output
            As in `AbstractVolumeRenderFn.__call__`.

        Returns
        -------
        ndarray
            In real space of shape ``shape``, indexed [z, y, x], in inverse square angstroms.

        Raises
        ------
        TypeError
            If the volume is of another kind, or a flag neither True nor False.
        ValueError
            If atoms lie outside of the box and ``periodic`` is not set.
        MemoryError
            If the work does not fit into the free memory.
        """
        check_output(output)
        check_ways(
            outputs_real_space=outputs_real_space, outputs_rfft=outputs_rfft, fftshifted=fftshifted
        )
        if outputs_real_space:
            return deliver(_render(self, volume_representation), self.device, output)
        half = _compute_half_transform(self, volume_representation, origin=(0, 0, 0), report=None)
        arranged = arrange_half_transform(
            half, self.shape, outputs_rfft=outputs_rfft, fftshifted=fftshifted
        )
        arranged = arranged.astype(np.result_type(self.dtype, np.complex64), copy=False)
        return deliver(arranged, self.device, output)


def render_fft_atoms(
    render_fn: FFTAtomRenderFn,
    volume: AbstractVolumeRepresentation,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[np.floating[Any]]:
    """Render groups of atoms, and tell how far the work is.

    Parameters
    ----------
    render_fn
        What to render.
    volume
        The atoms.
    report
        Called as the work goes on, with the number of parts done and of all.

    Returns
    -------
    ndarray
        The map, (z, y, x).

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `FFTAtomRenderFn` does.

    Examples
    --------
    >>> from numbavol import FFTAtomRenderFn, FourierGaussian, IndependentAtomVolume
    >>> from numbavol import render_fft_atoms
    >>> volume = IndependentAtomVolume([[0.0, 0.0, 0.0]], FourierGaussian(3.0, b_factor=100.0))
    >>> render_fn = FFTAtomRenderFn((16, 16, 16), voxel_size=1.0)
    >>> render_fft_atoms(render_fn, volume, lambda n, n_all: print(n, "of", n_all)).shape
    1 of 1
    (16, 16, 16)
    """
    return deliver(_render(render_fn, volume, report), render_fn.device, "host")


def _render(
    render_fn: FFTAtomRenderFn,
    volume: AbstractVolumeRepresentation,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[np.floating[Any]]:
    """Render groups of atoms to a map on its device."""
    z, y, x = render_fn.shape
    # Positions count from the first voxel, so that the map needs no rearranging.
    half = _compute_half_transform(render_fn, volume, (x // 2, y // 2, z // 2), report)
    device = find_device(render_fn.device)
    real_voxel_grid: NDArray[np.floating[Any]]
    if device.name != "cpu":
        real_voxel_grid = device.fft.irfftn(half, render_fn.shape, overwrite_x=True)
        return real_voxel_grid.astype(render_fn.dtype, copy=False)
    real_voxel_grid = allocate_zeros("shape", render_fn.shape, render_fn.dtype)
    # In place as far as it goes: scipy.fft.irfftn takes as much memory again as the half does.
    half = scipy.fft.ifft2(half, axes=(0, 1), workers=get_num_threads(), overwrite_x=True)

    def transform_planes(planes: slice) -> None:
        real_voxel_grid[planes] = scipy.fft.irfft(half[planes], n=x, axis=2)

    run_tasks(transform_planes, split_rows(half.shape))
    return real_voxel_grid


def terms_of(render_fn: FFTAtomRenderFn, volume: IndependentAtomVolume) -> list[Term]:
    """Return the transforms that a rendering makes: no more than there are groups of atoms."""
    grid = make_open_frequency_grid(render_fn.shape, render_fn.voxel_size, np.float64)
    highest = math.sqrt(sum(float(np.max(np.abs(axis))) ** 2 for axis in grid.axes))
    return make_terms(volume.groups(), highest, render_fn.eps / 8)


def _compute_half_transform(
    render_fn: FFTAtomRenderFn,
    volume: AbstractVolumeRepresentation,
    origin: tuple[int, int, int],
    report: Callable[[int, int], object] | None,
) -> NDArray[np.complexfloating[Any]]:
    """Compute the half transform of a map whose position 0 is at the voxel `origin` (x, y, z)."""
    if not isinstance(volume, IndependentAtomVolume):
        msg = (
            f"volume_representation: expected an IndependentAtomVolume, got {type(volume).__name__}"
        )
        raise TypeError(msg)
    groups = volume.groups()
    voxel_size = np.broadcast_to(np.asarray(render_fn.voxel_size, np.float64), (3,))
    if not render_fn.periodic:
        _check_inside([positions for positions, _ in groups], render_fn.shape, voxel_size)
    grid = make_open_frequency_grid(render_fn.shape, voxel_size, np.float64)
    terms = terms_of(render_fn, volume)
    of_voxels = [
        (np.sinc(axis * side) if render_fn.antialias else np.ones(len(axis))) / side
        for axis, side in zip(grid.axes, voxel_size[::-1], strict=True)
    ]
    amplification = _measure_amplification(terms, grid, of_voxels)
    spreading = choose_spreading(render_fn.shape, render_fn.eps, render_fn.opts, amplification)
    is_single = spreading.dtype == np.complex64
    device = find_device(render_fn.device)
    z, y, x = render_fn.shape
    half_shape = (z, y, x // 2 + 1)
    # What float32 rounds in the end may be added up in single precision.
    sums_in_single = is_single or (render_fn.dtype == np.float32 and render_fn.eps >= DEFAULT_EPS)
    # What is held at once, measured: the sums, the planes of the finer grid, blocks of it, the map.
    n_bytes = (16 if is_single else 32) * math.prod(render_fn.shape)
    if device.name != "cpu":
        n_bytes = count_bytes_on_cuda(render_fn.shape, spreading.dtype)
    check_fits_in_memory("shape", "the map with its transforms", n_bytes, device.free_bytes)
    total: NDArray[np.complexfloating[Any]] = device.xp.zeros(
        half_shape, np.complex64 if sums_in_single else np.complex128
    )
    transform: HalfTransform | HalfTransformOnCuda
    if isinstance(device, CudaDevice):
        transform = HalfTransformOnCuda(render_fn.shape, spreading, device)
    else:
        transform = HalfTransform(render_fn.shape, spreading)
    for n, term in enumerate(terms):
        transform.transform_planes(term.positions / voxel_size + origin, term.strengths)
        add_scattered(
            total,
            transform,
            term.operator,
            grid,
            of_voxels,
            render_fn.frequency_grid,
        )
        if report is not None:
            report(n + 1, len(terms))
    return total


def _check_inside(
    groups: list[NDArray[np.float64]],
    shape: tuple[int, int, int],
    voxel_size: NDArray[np.float64],
) -> None:
    n_atoms = sum(map(len, groups))
    n_outside = sum(count_outside(positions, shape, voxel_size) for positions in groups)
    if n_outside:
        msg = (
            f"volume_representation: expected atoms inside of the box of {shape} voxels, got "
            f"{n_outside} of {n_atoms} outside; periodic=True folds them back into it"
        )
        raise ValueError(msg)


def _measure_amplification(
    terms: list[Term], grid: OpenGrid, of_voxels: list[NDArray[np.float64]]
) -> float:
    # Some of the frequencies. 0, the first, is none of them: it would count for too much.
    chosen = [
        np.linspace(min(1, len(axis) - 1), len(axis) - 1, N_SAMPLED_FREQUENCIES).astype(int)
        for axis in grid.axes
    ]
    z, y, x = np.meshgrid(
        *(axis[at] for axis, at in zip(grid.axes, chosen, strict=True)), indexing="ij"
    )
    vectors = np.stack([x, y, z], axis=-1)
    along_z, along_y, along_x = (factor[at] for factor, at in zip(of_voxels, chosen, strict=True))
    damping = along_z[:, np.newaxis, np.newaxis] * along_y[:, np.newaxis] * along_x
    zero = math.prod(float(factor[0]) for factor in of_voxels)
    largest, mean = [], []
    for term in terms:
        power = np.abs(damping * evaluate_factor(term.operator, vectors)) ** 2
        at_zero = abs(zero * evaluate_factor(term.operator, np.zeros((1, 3)))[0]) ** 2
        gaussians = term.operator.get_gaussians()
        largest.append(max(float(power.max()), float(at_zero)))
        mean.append(
            float(power.mean()) if gaussians is None else _average_power(gaussians, grid, of_voxels)
        )
    weights = [term.sum_of_squares for term in terms]
    n_frequencies = math.prod(len(axis) for axis in grid.axes)
    return compute_amplification(largest, mean, weights, n_frequencies)


def _average_power(
    gaussians: Gaussians, grid: OpenGrid, of_voxels: list[NDArray[np.float64]]
) -> float:
    """Average the square of a sum of Gaussians over all frequencies, one axis after another."""
    amplitudes, b_factors = gaussians
    products = np.multiply.outer(amplitudes, amplitudes)
    for axis, factor in zip(grid.axes, of_voxels, strict=True):
        along = np.exp(-np.multiply.outer(b_factors, axis**2) / 4) * factor
        products *= along @ along.T / len(axis)
    return float(products.sum())
