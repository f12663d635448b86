"""Projections of groups of atoms: non-uniform transforms in the plane."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_flag, find_whole_number, read_shape
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.kernels.tasks import count_threads_for_tasks, map_tasks
from numbavol.ndimage import make_frequency_grid
from numbavol.ndimage.nonuniform import read_eps
from numbavol.ndimage.nonuniform_images import (
    HalfTransformOfImage,
    choose_plane_spreading,
    read_plane_options,
)
from numbavol.ndimage.operators import FourierSinc
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.batches import prepare_on
from numbavol.projection.neighbours import find_neighbours
from numbavol.projection.projections import Projection
from numbavol.rendering.fft_atoms import DEFAULT_EPS
from numbavol.rendering.scattering import evaluate_factor
from numbavol.rendering.terms import make_terms
from numbavol.volumes import IndependentAtomVolume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.rendering.terms import Term
    from numbavol.volumes import AbstractVolumeRepresentation

# Of all terms, with their positions: so many take some milliseconds (scripts/bench project).
CELLS_THAT_TAKE_LONG = 2**18
# Their grids and transforms, where threads make the transforms of all terms at once.
BYTES_OF_TERMS_AT_ONCE = 2**26


@dataclasses.dataclass(frozen=True)
class FFTAtomProjection(AbstractVolumeIntegrator):
    r"""Project groups of atoms through the Fourier transform of their positions.

    With frequencies :math:`k` of the image and pixel side :math:`\Delta`,

    .. math:: \tilde I(k) = \prod_j \operatorname{sinc}(k_j \Delta) \frac{1}{\Delta^2}
              \sum_g f_g(k) \sum_{j \in g} \exp(-2 \pi i \, k \cdot r_j) .

    As in `FFTAtomRenderFn`, this averages a potential without frequencies beyond Nyquist's. Atoms
    that a pose takes out of the image are left out; what an atom near its edge has beyond it comes
    in at the other side.

    Parameters
    ----------
    antialias
        Average over each pixel; without it, sample at its centre.
    upsample_factor
        An odd number: compute pixels that many times finer along each axis, and average them. What
        lies beyond the Nyquist frequency is then folded back, as in `GaussianMixtureProjection`.
    shape
        Pixels (y, x) that are computed, if they are not those of the image.
    eps
        Relative l2 error, from 1e-13 to 1, if positions are taken for random. Double precision is
        used wherever single cannot reach it.
    opts
        ``upsampfac``, of finufft's options: how much finer the grid is that points are spread over.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Beatty, Nishimura & Pauly (2005), IEEE Transactions on Medical Imaging 24, 799-808: the window
    by which positions are spread over a grid.

    Examples
    --------
    >>> import numbavol
    >>> factor = numbavol.FourierGaussian(3.0, b_factor=100.0)
    >>> volume = numbavol.IndependentAtomVolume([[0.0, 0.0, 0.0]], factor)
    >>> image_config = numbavol.ImageConfig((16, 16), pixel_size=1.0)
    >>> image = numbavol.FFTAtomProjection().integrate(volume, image_config, True)
    >>> print(f"{image.sum():.4f}")
    3.0000
    """

    _: dataclasses.KW_ONLY
    antialias: bool = True
    upsample_factor: int | None = None
    shape: tuple[int, int] | None = None
    eps: float = DEFAULT_EPS
    opts: Mapping[str, Any] | None = dataclasses.field(default=None, hash=False)
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Read the arguments."""
        check_flag("antialias", self.antialias)
        object.__setattr__(self, "device", check_device(self.device))
        if self.shape is not None:
            object.__setattr__(self, "shape", read_shape("shape", self.shape, 2))
        if self.upsample_factor is not None:
            object.__setattr__(self, "upsample_factor", _read_odd(self.upsample_factor))
        object.__setattr__(self, "eps", read_eps("eps", self.eps))
        if self.opts is not None:
            object.__setattr__(self, "opts", read_plane_options("opts", self.opts))

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume = volume_representation
        if not isinstance(volume, IndependentAtomVolume):
            msg = (
                "volume_representation: expected an IndependentAtomVolume, got "
                f"{type(volume).__name__}"
            )
            raise TypeError(msg)
        padded = image_config.padded_shape
        shape = padded if self.shape is None else self.shape
        finer = self.upsample_factor or 1
        fine_shape = (finer * shape[0], finer * shape[1])
        pixel_size = image_config.pixel_size / finer
        frequencies = make_frequency_grid(fine_shape, pixel_size)
        terms = make_terms(volume.groups(), math.sqrt(0.5) / pixel_size, self.eps / 8)
        scale = 1.0 / pixel_size**2
        factors = [evaluate_factor(term.operator, frequencies) * scale for term in terms]
        if self.antialias:
            sinc = FourierSinc(pixel_size)(frequencies)
            factors = [factor * sinc for factor in factors]
        power = sum(
            (term.sum_of_squares * np.abs(factor) ** 2)
            for term, factor in zip(terms, factors, strict=True)
        )
        spreading = choose_plane_spreading(
            fine_shape, self.eps, self.opts, np.asarray(power, np.float64)
        )
        transform = HalfTransformOfImage(fine_shape, spreading, self.device)
        complex_dtype = np.result_type(transform.dtype, np.complex64)
        device = find_device(self.device)
        weights = [
            device.send(
                (factor * transform.deconvolution).astype(
                    complex_dtype if np.iscomplexobj(factor) else transform.dtype
                )
            )
            for factor in factors
        ]
        n_positions = sum(len(term.positions) for term in terms)
        takes_long = len(terms) * math.prod(fine_shape) + n_positions >= CELLS_THAT_TAKE_LONG
        arrange = functools.partial(_arrange, pixel_size=pixel_size, dtype=transform.dtype)
        arranged = map_tasks(arrange, terms) if takes_long else map(arrange, terms)
        points = [tuple(map(device.send, arrays)) for arrays in arranged]
        most = max(len(term.positions) for term in terms)
        are_small = len(terms) * transform.bytes_a_grid <= BYTES_OF_TERMS_AT_ONCE
        # From the first pixel to the middle of the one that position 0 is in, in finer pixels.
        origin = finer * (np.array(shape[::-1]) // 2) + (finer - 1) // 2

        def project(rotations: NDArray[np.float64], offsets: NDArray[np.float64]) -> Projection:
            places = offsets / pixel_size + origin

            def transform_term(number: int) -> NDArray[Any]:
                grids = transform.make_grids(len(rotations))
                positions, strengths, groups = points[number]
                transform.spread(grids, positions, strengths, groups, rotations[:, :2], places)
                half: NDArray[Any] = transform.transform(grids) * weights[number]
                return half

            numbers = range(len(points))
            # Threads that are free share the terms, or the spreading of each.
            if are_small and len(points) > 1 and count_threads_for_tasks() > 1:
                halves = iter(map_tasks(transform_term, numbers))
            else:
                halves = map(transform_term, numbers)
            total = next(halves)
            for half in halves:
                total += half
            # Places count from the first pixel, so that the image needs no rearranging.
            images = device.fft.irfft2(total, fine_shape, overwrite_x=True)
            if finer > 1:
                images = images.reshape(-1, shape[0], finer, shape[1], finer).mean(axis=(2, 4))
            return Projection(images, shape, is_image=True).resize(padded)

        return prepare_on(
            device, project, 16 * most + 2 * transform.bytes_a_grid, takes_long=takes_long
        )  # fmt: skip


def _read_odd(value: int) -> int:
    number = find_whole_number(value)
    if number is None or number < 1 or number % 2 == 0:
        msg = f"upsample_factor: expected an odd number above 0, got {value!r}"
        raise ValueError(msg)
    return number


def _arrange(
    term: Term, pixel_size: float, dtype: np.dtype[Any]
) -> tuple[NDArray[np.float64], NDArray[np.floating[Any]], NDArray[np.int64]]:
    """Put positions in pixels, and what they carry, in an order of neighbours."""
    found = find_neighbours(term.positions, pixel_size)
    carried = np.ones(len(term.positions)) if term.strengths is None else term.strengths
    return (
        term.positions[found.order] / pixel_size,
        carried[found.order].astype(dtype),
        found.groups,
    )
