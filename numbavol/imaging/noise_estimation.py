"""Noise and signal, as stacks of images have them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import scipy.fft

from numbavol.arguments import check_finite, check_is_on_host
from numbavol.imaging.curves import make_plane_of_frequencies
from numbavol.imaging.noise import NoiseSpectrum
from numbavol.kernels.rounding import HALF_A_SHELL
from numbavol.kernels.tasks import run_tasks
from numbavol.ndimage import make_radial_coordinate_grid
from numbavol.ndimage.parameters import (
    REAL,
    get_working_dtype,
    read_array,
    read_grid_spacing,
    read_number,
)
from numbavol.ndimage.shells import sum_fourier_shells
from numbavol.ndimage.soft_edges import compute_cosine_edge
from numbavol.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

BYTES_A_TASK = 2**22
# Of half the shorter side of an image: RELION's background is outside of the same circle.
DEFAULT_MASK_RADIUS = 0.75
# The width of the circle's edge, of the shorter side.
EDGE_WIDTH = 1 / 16
# Of an image: what lies outside of less than this says little about long waves.
LEAST_SHARE = 0.05
# Of the expected averages from those measured, of many images. To follow what they vary by further
# makes errors of what the mask has mixed.
TOLERANCE = 0.01
MOST_CORRECTIONS = 100
# Along an axis: of fewer, a plane takes most away.
LEAST_PIXELS = 4


class SlicedImages(Protocol):
    """What gives images ``(m, y, x)`` for a slice: an array, a memory map, a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, y, x)``."""

    def __getitem__(self, numbers: slice, /) -> Any:
        """Return the images of a slice."""


def estimate_noise_spectrum(
    images: ArrayLike | SlicedImages,
    pixel_size: ArrayLike,
    *,
    mask_radius: float | None = None,
    progress: bool = False,
) -> NoiseSpectrum:
    r"""Measure the power spectrum of noise around the particles of a stack.

    Of each image, the plane that fits best outside of a circle is taken off, the circle is masked
    with a soft edge, and the image fades out at its borders. The squared transform is averaged over
    rings of equal frequency, one frequency step wide, up to the corner of the plane. The spectrum
    returned is one from which periodic noise, after the same steps, is expected to have the
    averages that were measured, to 1 %, or to what they vary by if that is more, or as near as a
    hundred corrections come: it is right about the masked area, what the mask mixes, and the plane
    that is taken off. The zero frequency cannot be measured, and has the power of the next one.

    Particles that are cut from a micrograph have waves longer than the box. After the plane is
    taken off, what is left of them is small. In square images with the default circle, where the
    power falls as the inverse frequency, the first ring is measured 10 to 25 % too low, and others
    are right; where it falls as the square, the first ring has 0.7 of its power, the next two have
    1.25 times theirs, and those up to the tenth are within 11 %. The first ring of oblong images
    has less, down to half. With a circle as wide as the image, of which the corners are left,
    little is known of the first ring at all.

    Parameters
    ----------
    images
        Real, (n, y, x): an array, a memory map, or what gives arrays of images when it is sliced,
        by any number of threads. It is read in blocks.
    pixel_size
        Side of a pixel, or its two sides (x, y), in angstroms.
    mask_radius
        Of the circle around pixel ``n // 2`` that holds the particles, in angstroms; its edge
        begins there and is, as are the image's borders, 1/16 of the shorter side wide. 0 for images
        of nothing but noise; by default 3/4 of half the shorter side.
    progress
        Show how far the work is, where errors go to a terminal.

    Returns
    -------
    NoiseSpectrum
        In the unit of the images squared.

    Raises
    ------
    ValueError
        If the images are not real and finite, or of fewer than 4 pixels along an axis, or the mask
        leaves less than 5 % of an image.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import estimate_noise_spectrum
    >>> images = np.random.default_rng(0).normal(10.0, 3.0, size=(200, 32, 32))
    >>> spectrum = estimate_noise_spectrum(images, pixel_size=1.5)
    >>> round(spectrum.variance((32, 32), pixel_size=1.5), 1)
    9.0
    """
    stack, (n_images, n_y, n_x) = _read_stack(images)
    shape, spacing = (n_y, n_x), read_grid_spacing("pixel_size", pixel_size, 2)
    if min(shape) < LEAST_PIXELS:
        msg = f"images: expected {LEAST_PIXELS} pixels or more along y and x, got shape {shape}"
        raise ValueError(msg)
    background = _make_background(shape, spacing, mask_radius)
    width = 1.0 / max(n * side for n, side in zip(shape, spacing, strict=True))
    highest = math.hypot(*(n // 2 / (n * side) for n, side in zip(shape, spacing, strict=True)))
    n_rings = int(highest / width + HALF_A_SHELL) + 1

    def sum_over_rings(power: NDArray[np.float64]) -> NDArray[np.float64]:
        half = np.sqrt(power).astype(np.complex128)
        return sum_fourier_shells(half, half, shape, spacing, n_rings)

    def sum_block(block: NDArray[Any]) -> NDArray[np.float64]:
        half = background.transform(block)
        # The rings of the block's sum, not of each image: it takes a fraction of the time.
        parts = half.view(half.real.dtype).astype(np.float64)
        power = np.einsum("nyx,nyx->yx", parts, parts)
        power = power[:, 0::2] + power[:, 1::2]
        return sum_over_rings(power)[:, 2]

    with progress_bar("measuring", is_wanted=progress) as report:
        total = _sum_in_blocks(stack, n_images, sum_block, report)
    check_finite("images", total)
    n_samples = sum_over_rings(np.zeros((n_y, n_x // 2 + 1)))[:, 0]
    # Some may have no sample; the zero frequency is the mean, which was taken off.
    rings = 1 + np.flatnonzero(n_samples[1:])
    frequencies = np.concatenate([[0.0], width * rings])
    plane_of_frequencies = make_plane_of_frequencies(shape, spacing[::-1])

    def predict(power: NDArray[np.float64]) -> NDArray[np.float64]:
        plane = np.interp(plane_of_frequencies, frequencies, _begin_at_zero(power))
        return np.asarray(sum_over_rings(background.predict(plane))[rings, 2] / n_samples[rings])

    measured = total[rings] / n_images / n_samples[rings]
    # A power of n samples varies by 1 / sqrt(n) of itself.
    tolerance = np.maximum(TOLERANCE, 1.0 / np.sqrt(n_images * n_samples[rings]))
    return NoiseSpectrum(frequencies, _begin_at_zero(_correct(measured, predict, tolerance)))


def _correct(
    measured: NDArray[np.float64],
    predict: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    tolerance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find the power of which those averages are expected that were measured."""
    power = np.full_like(measured, measured.mean())
    for _ in range(MOST_CORRECTIONS):
        expected = predict(power)
        if np.all(np.abs(expected - measured) <= tolerance * measured):
            break
        power *= np.divide(measured, expected, out=np.zeros_like(power), where=expected > 0)
    return power


def _begin_at_zero(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([power[:1], power])


def measure_signal_variance(
    images: ArrayLike | SlicedImages, pixel_size: ArrayLike, radius: float
) -> NDArray[np.float64]:
    r"""Measure the variance of each image inside a circle around its origin.

    With the m pixels of the circle and their mean, it is :math:`\sum (x - \bar x)^2 / m`. The
    signal-to-noise ratio is that of signal without noise, averaged over images, over the variance
    of a pixel of the noise.

    Parameters
    ----------
    images
        As in `estimate_noise_spectrum`.
    pixel_size
        Side of a pixel, or its two sides (x, y), in angstroms.
    radius
        Of the circle around pixel ``n // 2``, in angstroms; pixels whose centre is in it or on it
        count.

    Returns
    -------
    NDArray
        ``(n,)``, in the unit of the images squared.

    Raises
    ------
    ValueError
        If the images are not real and finite, or the radius is below 0.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import measure_signal_variance
    >>> images = np.zeros((1, 4, 4))
    >>> images[0, 2, 2] = 5.0
    >>> measure_signal_variance(images, pixel_size=1.5, radius=1.5)
    array([4.])
    """
    stack, (n_images, *shape) = _read_stack(images)
    spacing = read_grid_spacing("pixel_size", pixel_size, 2)
    distances = make_radial_coordinate_grid(shape, spacing[::-1])
    circle = distances <= read_number("radius", radius, minimum=0.0)
    variances = np.empty(n_images)

    def measure(block: range) -> None:
        read = _read_block(stack, block)
        with np.errstate(invalid="ignore"):  # which image it is is said
            measured = read[:, circle].var(axis=1, dtype=np.float64)
        if not np.isfinite(measured).all():
            _refuse_not_finite(stack, block, read)
        variances[block.start : block.stop] = measured

    run_tasks(measure, _list_blocks(stack, n_images))
    check_finite("images", variances)
    return variances


class _Background(NamedTuple):
    """What is outside of the circle: weights of pixels, and the planes that are taken off."""

    weights: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    """Of the middles of rows and columns, a share of the sides."""
    factors: NDArray[np.float64]
    """``(3, 3)``: of 1, y and x in three planes that are orthonormal under the weights."""

    @property
    def planes(self) -> NDArray[np.float64]:
        """The three planes, ``(3, y, x)``."""
        one, along_y, along_x = self.factors.T[:, :, np.newaxis, np.newaxis]
        planes: NDArray[np.float64] = one + along_y * self.y[:, np.newaxis] + along_x * self.x
        return planes

    def transform(self, images: NDArray[Any]) -> NDArray[np.complexfloating[Any, Any]]:
        """Transform images, without the plane that fits best and what is in the circle."""
        weights = self.weights.astype(images.dtype)
        # Sums of rows and of columns are all that a plane needs of an image. Products of matrices
        # would be made by as many more threads as the library of linear algebra likes.
        rows, columns = (
            np.einsum(f"nyx,yx->n{axis}", images, weights, dtype=np.float64) for axis in "yx"
        )
        moments = np.stack(
            [each.sum(axis=1) for each in (rows, rows * self.y, columns * self.x)], axis=0
        )
        fitted = self.factors.T @ (self.factors @ moments)
        one, along_y, along_x = fitted.astype(images.dtype)[..., np.newaxis]
        centred = images - (one + along_y * self.y.astype(images.dtype))[..., np.newaxis]
        centred -= (along_x * self.x.astype(images.dtype))[:, np.newaxis]
        centred *= weights
        transformed: NDArray[Any] = scipy.fft.rfft2(centred, overwrite_x=True)
        return transformed

    def predict(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Predict the mean of the squared modulus of what `transform` makes of noise.

        With noise x of covariance C, weights w, planes :math:`b_i`, their coefficients
        :math:`c_i = \sum w b_i x`, and the transforms F of w x and :math:`B_i` of :math:`w b_i`,
        it is :math:`\langle |F|^2 \rangle - 2 \Re \sum_i B_i^* \langle F c_i \rangle +
        \sum_{ij} B_i^* \langle c_i c_j \rangle B_j`.
        """
        shape = self.weights.shape
        transforms = scipy.fft.rfft2(self.weights * self.planes)
        pairs = scipy.fft.irfft2(np.abs(scipy.fft.rfft2(self.weights)) ** 2, shape)
        masked = scipy.fft.rfft2(scipy.fft.irfft2(power, shape) * pairs).real
        with_coefficients = self.weights * scipy.fft.irfft2(power * transforms, shape)
        cross = scipy.fft.rfft2(with_coefficients) * transforms.conj()
        products = np.tensordot(self.planes, with_coefficients, axes=((1, 2), (1, 2)))
        fitted = np.tensordot(products, transforms, axes=1) * transforms.conj()
        predicted = masked - 2.0 * cross.real.sum(axis=0) + fitted.real.sum(axis=0)
        # But for rounding, it is.
        return np.asarray(np.maximum(predicted, 0.0))


def _make_background(
    shape: tuple[int, int], spacing: tuple[float, ...], mask_radius: float | None
) -> _Background:
    sides = [n * side for n, side in zip(shape, spacing, strict=True)]
    width = EDGE_WIDTH * min(sides)
    radius = DEFAULT_MASK_RADIUS * min(sides) / 2
    if mask_radius is not None:
        radius = read_number("mask_radius", mask_radius, minimum=0.0)
    weights = np.ones(shape)
    if radius > 0:
        distances = make_radial_coordinate_grid(shape, spacing[::-1])
        weights -= compute_cosine_edge(distances, radius, width)
    y, x = ((np.arange(n) - (n - 1) / 2) * side for n, side in zip(shape, spacing, strict=True))
    # Opposite borders are neighbours to a transform, and not in a micrograph.
    for axis, length in ((y[:, np.newaxis], sides[0]), (x, sides[1])):
        weights *= compute_cosine_edge(np.abs(axis), length / 2 - width, width)
    if weights.mean() < LEAST_SHARE:
        msg = (
            f"mask_radius: expected to leave {LEAST_SHARE:.0%} of an image or more, got "
            f"{radius:g} A, which leaves {weights.mean():.2%}"
        )
        raise ValueError(msg)
    y, x = (np.asarray(each / side, np.float64) for each, side in zip((y, x), sides, strict=True))
    planes = np.stack(np.broadcast_arrays(1.0, y[:, np.newaxis], x))
    products = np.tensordot(weights * planes, planes, axes=((1, 2), (1, 2)))
    factors: NDArray[Any] = np.linalg.inv(np.linalg.cholesky(products))
    return _Background(weights, y, x, factors)


def _read_stack(images: ArrayLike | SlicedImages) -> tuple[Any, tuple[int, int, int]]:
    check_is_on_host("images", images)
    stack: Any = images if hasattr(images, "shape") else np.asarray(images)
    if len(stack.shape) != 3 or 0 in stack.shape:
        msg = f"images: expected shape (n, y, x), of one image or more, got {tuple(stack.shape)}"
        raise ValueError(msg)
    n, y, x = stack.shape
    return stack, (int(n), int(y), int(x))


def _read_block(stack: Any, block: range) -> NDArray[np.floating[Any]]:
    read = read_array("images", stack[block.start : block.stop], (3,), kinds=REAL)
    return read.astype(get_working_dtype(read.dtype), copy=False)


def _refuse_not_finite(stack: Any, block: range, images: NDArray[Any]) -> None:
    """Name the first image of a block that has infinities or NaN, if one has."""
    wrong = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))
    if wrong.size:
        describe = getattr(stack, "describe", "image {}".format)
        msg = f"images: {describe(block.start + int(wrong[0]))} is not finite"
        raise ValueError(msg)


def _list_blocks(stack: Any, n_images: int) -> list[range]:
    _, n_y, n_x = stack.shape
    n_a_task = max(1, BYTES_A_TASK // (8 * n_y * n_x))
    return [range(start, min(start + n_a_task, n_images)) for start in range(0, n_images, n_a_task)]


def _sum_in_blocks(
    stack: Any,
    n_images: int,
    compute: Callable[[NDArray[Any]], NDArray[np.float64]],
    report: Callable[[int, int], object] | None,
) -> NDArray[np.float64]:
    """Sum what is computed of blocks of images, in one order whatever the number of threads."""
    blocks = _list_blocks(stack, n_images)
    parts = [np.empty(0)] * len(blocks)

    def work(number: int) -> None:
        read = _read_block(stack, blocks[number])
        with np.errstate(invalid="ignore"):  # which image it is is said
            parts[number] = compute(read)
        if not np.isfinite(parts[number]).all():
            _refuse_not_finite(stack, blocks[number], read)

    run_tasks(work, range(len(blocks)), report)
    return np.asarray(np.sum(parts, axis=0))
