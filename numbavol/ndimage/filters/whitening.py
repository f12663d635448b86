"""The filter that makes the power of an image the same at all frequencies."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from numbavol.arguments import check_flag, check_is_on_host
from numbavol.kernels.rounding import HALF_A_SHELL
from numbavol.ndimage.filters.base import AbstractFilter
from numbavol.ndimage.grids import compute_lengths
from numbavol.ndimage.open_grids import (
    compute_on_grid,
    make_open_frequency_grid,
    read_image_shape,
)
from numbavol.ndimage.parameters import REAL, check_n_axes, get_working_dtype, read_host_array
from numbavol.ndimage.shells import sum_fourier_shells
from numbavol.ndimage.transforms import rfftn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from numbavol.ndimage.open_grids import Components

InterpolationMode = Literal["nearest", "linear"]

# The rounding errors of a transform, in units of the precision and of its mean amplitude.
ROUNDING = 8.0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class WhiteningFilter(AbstractFilter):
    r"""A filter that makes the power of an image the same at all frequencies.

    .. math:: F(\mathbf k) = 1 / \sqrt{P(|\mathbf k|)}, \qquad
              P(k) = \langle |\hat f(\mathbf k')|^2 \rangle_{|\mathbf k'| = k} / N

    with N the number of pixels: an image is filtered to a power of 1 a pixel, that is a standard
    deviation of about 1. The zero frequency, the mean of the image, is filtered out. So are
    frequencies at which there is nothing but rounding errors to amplify.

    Parameters
    ----------
    image_or_image_stack
        In real space: an image ``(y, x)``, or images ``(n, y, x)`` whose powers are averaged. (Of
        a map, see `WhiteningFilter.from_volume`; maps ``(n, z, y, x)`` are averaged too.)
    shape
        Shape in real space of what is to be filtered, if it is another one, with the same pixel
        size. The power is the same function of frequency.
    interpolation_mode
        The average is over rings, or shells, as far apart and as wide as the samples of the
        longest axis. Between their middles the power is interpolated, ``"linear"``; or that of the
        ``"nearest"`` ring is taken, which makes each ring of this very image have a power of 1.
    outputs_squared
        Whether the filter is :math:`1 / P` instead.

    Attributes
    ----------
    array
        Of the half transform, which filters full ones too. Read-only, float32 if the image is of
        single precision, else float64.
    shape, interpolation_mode, outputs_squared
        As given, or as the image has it. The image itself is not kept: `dataclasses.replace` needs
        it again.

    Raises
    ------
    TypeError
        If `outputs_squared` is neither True nor False.
    ValueError
        If there is no image, its values are not real and finite, or another argument is not as
        described.

    Notes
    -----
    T. Grant, A. Rohou and N. Grigorieff, eLife 7, e35383 (2018), filter images so in cisTEM.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.ndimage import irfftn, rfftn
    >>> from numbavol.ndimage.filters import WhiteningFilter
    >>> noise = np.random.default_rng(1).normal(10.0, 5.0, size=(64, 64))
    >>> white = WhiteningFilter(noise)
    >>> white
    WhiteningFilter(shape=(64, 64), interpolation_mode='linear', outputs_squared=False)
    >>> float(irfftn(white(rfftn(noise)), noise.shape).std().round(2))
    1.0
    """

    image_or_image_stack: dataclasses.InitVar[ArrayLike]
    shape: tuple[int, ...] | None = None
    _: dataclasses.KW_ONLY
    interpolation_mode: InterpolationMode = "linear"
    outputs_squared: bool = False
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    def __post_init__(self, image_or_image_stack: ArrayLike) -> None:
        """Read the arguments, and compute the array."""
        images = _read_images("image_or_image_stack", image_or_image_stack)
        shape = images.shape[1:] if self.shape is None else self.shape
        shape = read_image_shape("shape", shape)
        if len(shape) != images.ndim - 1:
            msg = f"shape: expected {images.ndim - 1} axes, as the image has, got {shape}"
            raise ValueError(msg)
        if self.interpolation_mode not in get_args(InterpolationMode):
            expected = " or ".join(map(repr, get_args(InterpolationMode)))
            msg = f"interpolation_mode: expected {expected}, got {self.interpolation_mode!r}"
            raise ValueError(msg)
        check_flag("outputs_squared", self.outputs_squared)
        array = _compute_filter(images, shape, self.interpolation_mode, self.outputs_squared)
        vars(self).update(shape=shape, array=array)

    @classmethod
    def from_volume(
        cls,
        volume: ArrayLike,
        shape: Sequence[int] | None = None,
        *,
        interpolation_mode: InterpolationMode = "linear",
        outputs_squared: bool = False,
    ) -> Self:
        """Make the filter of a map.

        Parameters
        ----------
        volume
            In real space, ``(z, y, x)``.
        shape
            Shape in real space of what is to be filtered, if it is another one, with the same
            voxel size.
        interpolation_mode, outputs_squared
            As for images.

        Returns
        -------
        Self
            With the array of the half transform, which filters full ones too.

        Raises
        ------
        ValueError
            If `volume` is no map, or another argument is not as described.
        """
        check_is_on_host("volume", volume)
        check_n_axes("volume", np.shape(volume), (3,))
        return cls(
            np.asarray(volume)[None],
            None if shape is None else tuple(shape),
            interpolation_mode=interpolation_mode,
            outputs_squared=outputs_squared,
        )

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array


def _read_images(name: str, image_or_stack: ArrayLike) -> NDArray[Any]:
    images = read_host_array(name, image_or_stack, (2, 3, 4), kinds=REAL)
    return images[None] if images.ndim == 2 else images


def _compute_filter(
    images: NDArray[Any],
    shape: tuple[int, ...],
    interpolation_mode: InterpolationMode,
    outputs_squared: bool,
) -> NDArray[np.floating[Any]]:
    dtype = get_working_dtype(images.dtype)
    profile = _compute_profile(images, float(ROUNDING * np.finfo(dtype).eps))
    shells = np.arange(len(profile))
    rings_a_cycle = max(images.shape[1:])

    def compute(components: Components) -> NDArray[np.float64]:
        shell = rings_a_cycle * compute_lengths(components)
        at = np.floor(shell + HALF_A_SHELL) if interpolation_mode == "nearest" else shell
        power: NDArray[np.float64] = np.interp(at, shells, profile)
        if not outputs_squared:
            np.sqrt(power, out=power)
        is_kept = (power > 0) & (shell > 0)
        inverse = np.zeros_like(power)
        np.divide(1.0, power, out=inverse, where=is_kept)
        return inverse

    grid = make_open_frequency_grid(shape, 1.0, dtype)
    return compute_on_grid("shape", grid, compute, scale="image_or_image_stack")


def _compute_profile(images: NDArray[Any], rounding: float) -> NDArray[np.float64]:
    """Average the power over rings or shells: number i is ``i / max(shape)`` cycles a pixel."""
    shape = images.shape[1:]
    farthest = math.hypot(*(n // 2 / n for n in shape))
    n_samples, power = _sum_power(images, n_shells=2 + int(max(shape) * farthest))
    # By Parseval's theorem, the mean square of the images.
    mean = power.sum() / (len(images) * math.prod(shape) ** 2)
    filled = np.flatnonzero(n_samples)
    averages = power[filled] / (n_samples[filled] * math.prod(shape))
    averages[averages <= rounding**2 * mean] = 0.0
    # The first is the mean of the image alone, which says nothing of the frequencies beside it.
    averages[0] = averages[min(1, len(averages) - 1)]
    profile: NDArray[np.float64] = np.interp(np.arange(len(power)), filled, averages)
    return profile


def _sum_power(
    images: NDArray[Any], n_shells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the samples of all transforms in each shell, and sum their squares."""
    sums = np.zeros((n_shells, 4))
    for image in images:
        if not np.all(np.isfinite(image)):
            msg = "image_or_image_stack: expected finite values, got some that are not"
            raise ValueError(msg)
        transform = rfftn(image.astype(get_working_dtype(image.dtype), copy=False))
        sums += sum_fourier_shells(transform, transform, image.shape, (1.0,) * image.ndim, n_shells)
    return sums[:, 0], sums[:, 2]
