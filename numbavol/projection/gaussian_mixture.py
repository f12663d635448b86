"""Projections of Gaussian mixtures: sums of Gaussians in the plane."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import read_shape
from numbavol.kernels.dispatch import find_kernel
from numbavol.projection.base import (
    BLOCK_SIDE,
    AbstractVolumeIntegrator,
    Projection,
    order_in_space,
)
from numbavol.rendering.gaussian_mixture import DEFAULT_TOLERANCE, reach_in_deviations
from numbavol.rendering.slabs import BLOCK_NUMBER
from numbavol.volumes import GaussianMixtureVolume

if TYPE_CHECKING:
    from numbavol.projection.base import Placement, Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

# In angstroms: what a depth is made from stays finite.
FARTHEST = 1e300


@dataclasses.dataclass(frozen=True)
class GaussianMixtureProjection(AbstractVolumeIntegrator):
    r"""Project a Gaussian mixture: each pixel is the average of the integral along z over it.

    With pixel centres :math:`r` and side :math:`\Delta`, and :math:`d_j = r_j - r^{atom}_j`,

    .. math:: I = \sum_i a_i \prod_{j \in \{x, y\}} \frac{1}{2 \Delta} \left[
              \operatorname{erf}\frac{d_j + \Delta / 2}{\sqrt{2 \sigma_i^2}} -
              \operatorname{erf}\frac{d_j - \Delta / 2}{\sqrt{2 \sigma_i^2}} \right].

    What lies outside of the image is lost, never wrapped.

    Parameters
    ----------
    tolerance
        The terms that are left out sum to at most ``tolerance * sum(abs(amplitudes))`` over the
        image (divided by the pixel's area).
    shape
        Pixels (y, x) that are computed, if they are fewer than those of the image: for a molecule
        that is small beside it.

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
    tolerance: float = DEFAULT_TOLERANCE
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Read the arguments."""
        reach_in_deviations(self.tolerance)
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
        reach = reach_in_deviations(self.tolerance)
        order = order_in_space(volume.positions, image_config.pixel_size)
        positions = volume.positions[order]
        amplitudes, variances = volume.amplitudes[order], volume.variances[order]
        # A projection is a map of one voxel along z, in which everything lies.
        deviation = math.sqrt(variances.max(initial=0.0))
        farthest = min(math.sqrt(3.0) * float(np.abs(positions).max(initial=0.0)), FARTHEST)
        depth = 4 * (farthest + 10 * deviation + image_config.pixel_size)
        voxel_size = np.array([image_config.pixel_size] * 2 + [depth])
        amplitudes = amplitudes * depth
        locate = find_kernel("locate_gaussians", "cpu")
        render = find_kernel("render_gaussians", "cpu")
        fused = (0,) * amplitudes.shape[1]

        def project(placement: Placement) -> Projection:
            turned = positions @ placement.rotation.T
            turned[:, :2] += placement.offset
            # Hundreds of positions overlap in a projection: float32 would lose their last digits.
            sums = np.zeros((1, *shape))
            centres = np.empty_like(turned)
            planes = np.empty((len(turned), 2), np.int64)
            numbers = np.empty(len(turned), BLOCK_NUMBER)
            map_shape = (1, *shape)
            locate(
                turned,
                variances,
                voxel_size,
                reach,
                map_shape,
                BLOCK_SIDE,
                centres,
                planes,
                numbers,
            )
            inside = np.flatnonzero(numbers != np.iinfo(BLOCK_NUMBER).max)
            render(
                sums, 0, 1, inside, centres, amplitudes, variances, voxel_size, reach,
                np.empty(1, np.float32), fused,
            )  # fmt: skip
            image = sums[0].astype(np.float32)
            return Projection(image, shape, is_real=True).resize(padded)

        return project
