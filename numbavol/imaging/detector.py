"""`Detector`: how electrons become the pixels of an image."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_kind, read_word, read_words
from numbavol.imaging.curves import evaluate_curve, read_curve
from numbavol.imaging.purposes import Purpose
from numbavol.io.star_blocks import explain_star_errors, read_star_columns
from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.kernels.tasks import even_size_of_tasks
from numbavol.ndimage.parameters import (
    REAL,
    get_working_dtype,
    read_array,
    read_grid_spacing,
    read_number,
)
from numbavol.values import ArrayValue, FrozenArrays

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.devices import Device

MTF_TAGS = ("_rlnResolutionInversePixel", "_rlnMtfValue")
# Of the corner of the plane, in cycles a pixel: what lies beyond is in another unit.
HIGHEST_FREQUENCY = 0.75
# Of the modulation transfer function, which files have to a few hundredths; one in per cent is 100.
TOLERANCE_AT_ZERO, LARGEST_MTF = 0.05, 1.1
# Electrons expected in a pixel: from 1e16 on a count is no longer known to one, and from 9.2e18 on
# it is no 64-bit number.
MOST_EXPECTED = 1e12
# On CUDA, where an image alone leaves most of a card idle, and all of a batch fill its memory.
PIXELS_AT_A_TIME_ON_CUDA = 2**23
# On the CPU, where handing out a task takes a tenth of an image of 128^2 (scripts/bench imaging).
PIXELS_A_TASK = 2**17


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DetectorCurve(FrozenArrays, ArrayValue):
    """A property of a detector at each spatial frequency, the same in all directions.

    Parameters
    ----------
    frequencies
        ``(n,)``, in cycles a pixel, increasing from 0; the Nyquist frequency is 0.5.
    values
        ``(n,)``, of at least 0. They are linear between the frequencies, and constant beyond the
        last.

    Raises
    ------
    ValueError
        If they are not as described.

    See Also
    --------
    read_mtf : Read one from a file of RELION.

    Examples
    --------
    >>> from numbavol import DetectorCurve
    >>> mtf = DetectorCurve(frequencies=[0.0, 0.5], values=[1.0, 0.4])
    >>> mtf.evaluate((2, 4))
    array([[1. , 0.7, 0.4],
           [0.4, 0.4, 0.4]])
    """

    frequencies: NDArray[np.float64]
    values: NDArray[np.float64]

    if TYPE_CHECKING:

        def __init__(self, frequencies: ArrayLike, values: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        frequencies, values = read_curve("values", self.frequencies, self.values)
        if frequencies[-1] > HIGHEST_FREQUENCY:
            msg = (
                "frequencies: expected cycles a pixel, of which 0.5 is the Nyquist frequency, got "
                f"{frequencies[-1]:g}"
            )
            raise ValueError(msg)
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        """Say how many frequencies there are, and where the curve begins and ends."""
        return (
            f"{type(self).__name__}({len(self.frequencies)} frequencies up to "
            f"{self.frequencies[-1]:.4g} cycles a pixel, {self.values[0]:.4g} to "
            f"{self.values[-1]:.4g})"
        )

    def evaluate(self, shape: Sequence[int]) -> NDArray[np.float64]:
        """Evaluate the curve at the samples of half transforms.

        Parameters
        ----------
        shape
            Pixels (y, x) of an image.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``, the zero frequency in the corner.

        Raises
        ------
        ValueError
            If the shape is none.
        """
        return evaluate_curve(self.frequencies, self.values, shape, 1.0)


def read_mtf(filename: str | os.PathLike[str]) -> DetectorCurve:
    """Read the modulation transfer function of a detector from a STAR file of RELION.

    There is no other form for the detective quantum efficiency: one that is written in this form is
    read alike.

    Parameters
    ----------
    filename
        A STAR file of one block with ``_rlnResolutionInversePixel``, in cycles a pixel of the
        detector, and ``_rlnMtfValue``.

    Returns
    -------
    DetectorCurve
        What it holds. Of images with larger pixels than the detector's, frequencies are to be
        divided by how many of those a pixel's side has.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no such function; names the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from numbavol import read_mtf
    >>> text = "data_ loop_ _rlnResolutionInversePixel _rlnMtfValue 0 1 0.25 0.7 0.5 0.4"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "mtf.star"
    ...     _ = path.write_text(text)
    ...     mtf = read_mtf(path)
    >>> mtf.values
    array([1. , 0.7, 0.4])
    """
    columns = read_star_columns(filename, "modulation transfer function", MTF_TAGS)
    with explain_star_errors(filename, "modulation transfer function"):
        return DetectorCurve(*columns)


@dataclasses.dataclass(frozen=True, repr=False)
class Detector:
    r"""A detector that counts electrons, and what it does to signal and to noise.

    Signal is transferred by the modulation transfer function (MTF), and the noise of a dose of D
    electrons a pixel has the power :math:`D \, \mathrm{MTF}^2 / \mathrm{DQE}`, so that the
    signal-to-noise ratio of counted electrons is multiplied by the detective quantum efficiency
    (DQE) at each frequency. For that, contrast is filtered by :math:`\sqrt{\mathrm{DQE}}` before
    electrons are counted, and what was counted by :math:`\mathrm{MTF} / \sqrt{\mathrm{DQE}}`
    afterwards; both leave the mean dose as it is.

    Parameters
    ----------
    mtf
        At most about 1, which is 1.1, and 1 at the zero frequency, to 0.05; None for 1 everywhere.
    dqe
        Above 0, up to 1; None for 1 everywhere.

    Raises
    ------
    TypeError
        If one is no `DetectorCurve`.
    ValueError
        If the DQE is not above 0, or above 1, or the MTF is not as described.

    References
    ----------
    Vulović et al. (2013), Journal of Structural Biology 183, 19-32.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import Detector, DetectorCurve
    >>> detector = Detector(dqe=DetectorCurve([0.0, 0.5], [0.9, 0.4]))
    >>> contrast = np.zeros((3, 32, 32))
    >>> images = detector.expose(contrast, 1.5, dose=20.0, seed=0, numbers=range(3))
    >>> bool(abs(images.mean() / (20.0 * 1.5**2) - 1.0) < 0.02)
    True
    """

    mtf: DetectorCurve | None = None
    dqe: DetectorCurve | None = None

    def __post_init__(self) -> None:
        """Check the curves."""
        for name in ("mtf", "dqe"):
            check_kind(name, getattr(self, name), DetectorCurve)
        if self.dqe is not None and not np.all((self.dqe.values > 0) & (self.dqe.values <= 1)):
            wrong = self.dqe.values[(self.dqe.values <= 0) | (self.dqe.values > 1)]
            msg = f"dqe: expected values above 0, up to 1, got {wrong[0]:g}"
            raise ValueError(msg)
        if self.mtf is None:
            return
        if abs(self.mtf.values[0] - 1.0) > TOLERANCE_AT_ZERO:
            msg = f"mtf: expected 1 at the zero frequency, got {self.mtf.values[0]:g}"
            raise ValueError(msg)
        if self.mtf.values.max() > LARGEST_MTF:
            msg = f"mtf: expected at most {LARGEST_MTF:g}, got {self.mtf.values.max():g}"
            raise ValueError(msg)

    def __repr__(self) -> str:
        """Say what the curves are."""
        return f"{type(self).__name__}(mtf={self.mtf!r}, dqe={self.dqe!r})"

    def expose(
        self,
        contrast_images: ArrayLike,
        pixel_size: ArrayLike,
        dose: float,
        *,
        seed: int,
        numbers: Sequence[int] | NDArray[np.integer[Any]],
    ) -> NDArray[np.floating[Any]]:
        r"""Count the electrons of images.

        A pixel of area A and contrast C expects :math:`D A (1 + C)` electrons of a dose D, and
        counts a number of them that is Poisson. Where contrast, filtered by the DQE, is below -1,
        no electron is expected.

        Parameters
        ----------
        contrast_images
            ``(n, y, x)``: the relative change of the intensity by the specimen, without unit; 0
            where there is none, below 0 where it is dark. Images are taken to be periodic. They
            are exposed on the device that they are on.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.
        dose
            Electrons a square angstrom.
        seed
            Of the random numbers, from 0 to 2^64 - 1.
        numbers
            ``(n,)``: the number of each image, from 0 to 2^64 - 1. What an image counts depends on
            itself, the seed and its number alone.

        Returns
        -------
        NDArray
            ``(n, y, x)``, in electrons a pixel, float32 if the contrast is.

        Raises
        ------
        ValueError
            If an argument is not as described, or more than 1e12 electrons are expected in a pixel.
        """
        read = read_array("contrast_images", contrast_images, (3,), kinds=REAL)
        device = find_device_of(read)
        contrast = read.astype(get_working_dtype(read.dtype), copy=False)
        area = float(np.prod(read_grid_spacing("pixel_size", pixel_size, 2)))
        electrons = area * read_number("dose", dose, minimum=0.0)
        if electrons > MOST_EXPECTED:
            msg = f"dose: expected at most {MOST_EXPECTED:g} electrons a pixel, got {electrons:g}"
            raise ValueError(msg)
        word = np.uint64(read_word("seed", seed))
        words = read_words("numbers", numbers, len(contrast))
        before, after = (
            None if transfer is None else device.send(transfer)
            for transfer in self._make_filters(contrast.shape[1:])
        )
        words = device.send(words)
        exposed: NDArray[np.floating[Any]] = device.xp.empty_like(contrast)
        draw_counts = find_kernel("draw_counts", device.name)
        # One by one on the CPU, and in double precision: how many are exposed together is not to
        # change the rounding of what is expected, and with it what is counted.
        n_together = 1
        if device.name == "cuda":
            n_together = max(1, PIXELS_AT_A_TIME_ON_CUDA // math.prod(contrast.shape[1:]))

        def expose(start: int, stop: int) -> None:
            for first in range(start, stop, n_together):
                chosen = slice(first, min(first + n_together, stop))
                filtered = _filter(contrast[chosen].astype(np.float64), before, device)
                lowest, highest = (
                    device.fetch(extreme(filtered, axis=(1, 2)))
                    for extreme in (device.xp.min, device.xp.max)
                )
                finite = np.isfinite(lowest) & np.isfinite(highest)
                if not finite.all():
                    wrong = first + int(np.argmin(finite))
                    msg = f"contrast_images: expected finite values, image {wrong} has others"
                    raise ValueError(msg)
                most = electrons * (1.0 + highest)
                if most.max() > MOST_EXPECTED:
                    wrong = first + int(np.argmax(most))
                    msg = (
                        f"contrast_images: expected at most {MOST_EXPECTED:g} electrons a pixel, "
                        f"image {wrong} has up to {most.max():g}"
                    )
                    raise ValueError(msg)
                counts = filtered
                counts += 1.0
                device.xp.maximum(counts, 0.0, out=counts)
                counts *= electrons
                draw_counts(counts, word, np.uint64(Purpose.ELECTRONS), words[chosen])
                if after is not None:
                    counts = _filter(counts - electrons, after, device) + electrons
                exposed[chosen] = counts

        n_a_task = even_size_of_tasks(len(contrast), PIXELS_A_TASK // math.prod(contrast.shape[1:]))
        device.run_parts(expose, len(contrast), n_a_task)
        return exposed

    def _make_filters(
        self, shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
        """Make what contrast and counts are multiplied by; None for nothing."""
        mtf = None if self.mtf is None else self.mtf.evaluate(shape)
        if self.dqe is None:
            return None, mtf
        before = np.sqrt(self.dqe.evaluate(shape))
        return before, (1.0 if mtf is None else mtf) / before


def _filter(
    images: NDArray[np.float64], transfer: NDArray[np.float64] | None, device: Device
) -> NDArray[np.float64]:
    if transfer is None:
        return images
    halves = device.fft.rfft2(images)
    halves *= transfer
    filtered: NDArray[np.float64] = device.fft.irfft2(halves, images.shape[1:], overwrite_x=True)
    return filtered
