"""Projections of Gaussian mixtures: sums of Gaussians in the plane."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_flag, read_shape
from numbavol.kernels.dispatch import check_device, find_device, find_kernel
from numbavol.ndimage.bands import add_in_bands
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.batches import prepare_on
from numbavol.projection.neighbours import find_neighbours
from numbavol.projection.projections import Projection
from numbavol.rendering.windows import (
    DEFAULT_TOLERANCE,
    reach_in_deviations,
    read_tolerance,
    take_few_gaussians_each,
)
from numbavol.volumes import GaussianMixtureVolume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation


# Pixels in widths of a Gaussian, sqrt(2 variance), beyond which it is a point: an average holds all
# of it in one pixel, and what a sample has elsewhere is below 1e-13 however high it is.
SHARPEST_AVERAGED, SHARPEST_SAMPLED = 1e30, 1e12
# They and what becomes of them stay in a cache.
POSITIONS_AT_A_TIME = 2**12
# So many take half a millisecond (scripts/bench project).
GAUSSIANS_THAT_TAKE_LONG = 2**14
# While images are made: their sums, as they are and as whole numbers, and themselves.
BYTES_A_PIXEL = 8 + 16 + 4


@dataclasses.dataclass(frozen=True)
class GaussianMixtureProjection(AbstractVolumeIntegrator):
    r"""Project a Gaussian mixture: each pixel is the average of the integral along z over it.

    With pixel centres :math:`r` and side :math:`\Delta`, and :math:`d_j = r_j - r^{atom}_j`,

    .. math:: I = \sum_i a_i \prod_{j \in \{x, y\}} \frac{1}{2 \Delta} \left[
              \operatorname{erf}\frac{d_j + \Delta / 2}{\sqrt{2 \sigma_i^2}} -
              \operatorname{erf}\frac{d_j - \Delta / 2}{\sqrt{2 \sigma_i^2}} \right].

    Without `antialias`, each pixel is the integral along z through its centre,

    .. math:: I = \sum_i \frac{a_i}{2 \pi \sigma_i^2}
              \exp\left(-\frac{d_x^2 + d_y^2}{2 \sigma_i^2}\right).

    What lies outside of the image is lost, never wrapped.

    Parameters
    ----------
    antialias
        Average over each pixel; without it, sample at its centre.
    tolerance
        The terms that are left out sum to at most ``tolerance * sum(abs(amplitudes))`` over the
        image (divided by the pixel's area), or to 3e-10 of that where it is less.
    shape
        Pixels (y, x) that are computed, if they are fewer than those of the image: for a molecule
        that is small beside it.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used. On CUDA, images
        are the same to the bit whenever they are made.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numbavol
    >>> volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> image_config = numbavol.ImageConfig((16, 16), pixel_size=1.0)
    >>> integrator = numbavol.GaussianMixtureProjection()
    >>> image = integrator.integrate(volume, image_config, outputs_real_space=True)
    >>> print(f"{image.sum():.4f}")
    3.0000
    """

    _: dataclasses.KW_ONLY
    antialias: bool = True
    tolerance: float = DEFAULT_TOLERANCE
    shape: tuple[int, int] | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Read the arguments."""
        check_flag("antialias", self.antialias)
        object.__setattr__(self, "device", check_device(self.device))
        object.__setattr__(self, "tolerance", read_tolerance(self.tolerance))
        if self.shape is not None:
            object.__setattr__(self, "shape", read_shape("shape", self.shape, 2))

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume = volume_representation
        if not isinstance(volume, GaussianMixtureVolume):
            msg = (
                "volume_representation: expected a GaussianMixtureVolume, got "
                f"{type(volume).__name__}"
            )
            raise TypeError(msg)
        padded = image_config.padded_shape
        shape = padded if self.shape is None else self.shape
        pixel_size = image_config.pixel_size
        device = find_device(self.device)
        xp = device.xp
        positions, amplitudes, variances = map(device.send, take_few_gaussians_each(volume))
        neighbourhood = find_neighbours(positions, pixel_size)
        order, groups = neighbourhood.order, neighbourhood.groups
        reach = reach_in_deviations(self.tolerance, np.float32)
        sharpest = SHARPEST_AVERAGED if self.antialias else SHARPEST_SAMPLED
        in_pixels, radii = xp.empty(positions.shape), xp.empty(variances.shape)
        scaled, widths = (xp.empty(variances.shape, np.float32) for _ in range(2))
        scale = find_kernel("scale_gaussians", self.device)

        def put_in_order(start: int, stop: int) -> None:
            own = slice(start, stop)
            scale(
                order[own], positions, amplitudes, variances, pixel_size, reach, sharpest,
                in_pixels[own], radii[own], scaled[own], widths[own],
            )  # fmt: skip

        device.run_parts(put_in_order, len(order), POSITIONS_AT_A_TIME)
        kernel = find_kernel("project_gaussians", self.device)
        fused = (0,) * amplitudes.shape[1]
        middle = np.array(shape[::-1]) // 2
        taken = (groups, in_pixels, radii, scaled, widths)

        def project(rotations: NDArray[np.float64], offsets: NDArray[np.float64]) -> Projection:
            sums = device.xp.zeros((len(rotations), *shape))
            in_plane = np.ascontiguousarray(rotations[:, :2])
            places = offsets / pixel_size + middle

            def add(rows: slice) -> None:
                kernel(
                    sums[:, rows], rows.start, *taken, self.antialias, in_plane, places, fused
                )  # fmt: skip

            add_in_bands(device, add, shape[0], in_pixels, in_plane, places)
            images = sums.astype(np.float32)
            return Projection(images, shape, is_image=True).resize(padded)

        return prepare_on(
            device, project, BYTES_A_PIXEL * max(map(math.prod, (shape, padded))),
            takes_long=amplitudes.size >= GAUSSIANS_THAT_TAKE_LONG,
        )  # fmt: skip
