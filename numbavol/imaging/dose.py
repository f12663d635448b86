"""How the dose fades the signal of frames, and how frames are weighted for it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import read_above_0, read_count, read_reals
from numbavol.imaging.curves import compute_on_plane
from numbavol.ndimage.parameters import read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# Of a k^b + c, in electrons a square angstrom with k in inverse angstroms. Grant & Grigorieff print
# 0.245, -1.665 and 2.81; their programs have these.
A, B, C = 0.24499, -1.6649, 2.8141
# How much of that dose does the same at another voltage, by the voltage in kilovolts.
SHARE_AT_VOLTAGE = {300.0: 1.0, 200.0: 0.8, 100.0: 0.64}
VOLTAGES = tuple(SHARE_AT_VOLTAGE)
# Doses are known, and printed, to a hundredth.
DOSE_TOLERANCE = 0.01


def compute_critical_exposure(
    frequency: ArrayLike, voltage_in_kilovolts: float = 300.0
) -> NDArray[np.float64]:
    r"""Compute the exposure that leaves a signal :math:`1/e` of its power.

    At 300 kV it is :math:`N_e(k) = 0.24499 \, k^{-1.6649} + 2.8141`; at 200 kV 0.8 times, and at
    100 kV 0.64 times that.

    Parameters
    ----------
    frequency
        Of any shape ``(...)``, in inverse angstroms, of at least 0.
    voltage_in_kilovolts
        Acceleration voltage of the electrons: 300, 200 or 100.

    Returns
    -------
    NDArray
        ``(...)``, in electrons a square angstrom; infinite at the zero frequency.

    Raises
    ------
    ValueError
        If a frequency is below 0, or the voltage is another.

    References
    ----------
    Grant & Grigorieff (2015), eLife 4, e06980.

    Examples
    --------
    >>> from numbavol import compute_critical_exposure
    >>> compute_critical_exposure([0.1, 0.25, 0.5]).round(2)
    array([14.14,  5.28,  3.59])
    """
    k = read_reals("frequency", frequency)
    if not np.all(k >= 0):
        msg = f"frequency: expected numbers of at least 0, got {np.min(k):g}"
        raise ValueError(msg)
    share = SHARE_AT_VOLTAGE[_read_voltage(voltage_in_kilovolts)]
    with np.errstate(divide="ignore"):
        return np.asarray(share * (A * k**B + C))


def _read_voltage(value: float) -> float:
    voltage = read_number("voltage_in_kilovolts", value)
    if voltage not in SHARE_AT_VOLTAGE:
        msg = (
            "voltage_in_kilovolts: the damage of a dose was measured at 300, 200 and 100 kV, got "
            f"{voltage:g}"
        )
        raise ValueError(msg)
    return voltage


def compute_dose_filter(
    dose: float,
    shape: Sequence[int],
    pixel_size: ArrayLike,
    voltage_in_kilovolts: float = 300.0,
) -> NDArray[np.float64]:
    r"""Compute what a dose leaves of the amplitude of a signal.

    It is :math:`q(k, N) = e^{-N / 2 N_e(k)}` with the dose N and the exposure of
    `compute_critical_exposure`; 1 at the zero frequency.

    Parameters
    ----------
    dose
        That the specimen has had, in electrons a square angstrom, of at least 0.
    shape
        Pixels (y, x) of an image.
    pixel_size
        Side of a pixel, or its two sides (x, y), in angstroms.
    voltage_in_kilovolts
        Acceleration voltage of the electrons: 300, 200 or 100.

    Returns
    -------
    NDArray
        ``(y, x // 2 + 1)``: what half transforms are multiplied by.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Grant & Grigorieff (2015), eLife 4, e06980.

    Examples
    --------
    >>> from numbavol import compute_dose_filter
    >>> compute_dose_filter(10.0, (1, 4), pixel_size=1.0).round(3)
    array([[1.   , 0.388, 0.248]])
    """
    exposure = read_number("dose", dose, minimum=0.0)

    def compute(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        critical = compute_critical_exposure(frequencies, voltage_in_kilovolts)
        return np.exp(-exposure / (2.0 * critical))

    return compute_on_plane(compute, shape, pixel_size)


@dataclasses.dataclass(frozen=True)
class DoseWeighting:
    r"""Frames of one dose each, and sums of them.

    Frame i ends at the dose :math:`N_i`. In sums its transform :math:`F_i` is weighted by the
    filter :math:`q_i = q(k, N_i)` of `compute_dose_filter`, and the noise is given back the power
    that it had: :math:`\sum q_i F_i / \sqrt{\sum q_i^2}`.

    Parameters
    ----------
    dose_per_frame
        In electrons a square angstrom, above 0.
    n_frames
        How many frames there are.
    voltage_in_kilovolts
        Acceleration voltage of the electrons: 300, 200 or 100.
    pre_exposure
        The dose that the specimen had before the first frame, in electrons a square angstrom.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Grant & Grigorieff (2015), eLife 4, e06980.

    Examples
    --------
    >>> from numbavol import DoseWeighting
    >>> weighting = DoseWeighting(dose_per_frame=1.25, n_frames=40)
    >>> weighting.evaluate_weights((1, 4), pixel_size=1.0)[39].round(3)
    array([[0.158, 0.005, 0.001]])
    >>> weighting.evaluate_envelope((1, 4), pixel_size=1.0).round(3)
    array([[1.   , 0.325, 0.268]])
    >>> weighting.evaluate_envelope((1, 4), pixel_size=1.0, is_weighted=False).round(3)
    array([[1.   , 0.209, 0.144]])
    """

    dose_per_frame: float
    n_frames: int
    voltage_in_kilovolts: float = 300.0
    pre_exposure: float = 0.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        values = {
            "dose_per_frame": read_above_0("dose_per_frame", self.dose_per_frame),
            "n_frames": read_count("n_frames", self.n_frames),
            "voltage_in_kilovolts": _read_voltage(self.voltage_in_kilovolts),
            "pre_exposure": read_number("pre_exposure", self.pre_exposure, minimum=0.0),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def evaluate_weights(self, shape: Sequence[int], pixel_size: ArrayLike) -> NDArray[np.float64]:
        r"""Evaluate the weights of frames in a sum, :math:`q_i / \sqrt{\sum q_j^2}`.

        Parameters
        ----------
        shape
            Pixels (y, x) of an image.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.

        Returns
        -------
        NDArray
            ``(n_frames, y, x // 2 + 1)``: what half transforms of frames are multiplied by. Their
            squares sum to 1: a sum has the noise of one frame.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        decay = self._evaluate_half_rates(shape, pixel_size) * self.dose_per_frame
        # Relative to the first frame's: where nothing is left of all, the weights are still known.
        relative, power = np.empty((self.n_frames, *decay.shape)), np.zeros(decay.shape)
        for frame, of_frame in enumerate(relative):
            np.multiply(decay, -frame, out=of_frame)
            np.exp(of_frame, out=of_frame)
            power += of_frame**2
        relative /= np.sqrt(power)
        return relative

    def evaluate_envelope(
        self, shape: Sequence[int], pixel_size: ArrayLike, *, is_weighted: bool = True
    ) -> NDArray[np.float64]:
        r"""Evaluate what sums of frames have of the signal, relative to a specimen without damage.

        The signal of a frame is the mean of :math:`e^{-N / 2 N_e}` over the doses N of its
        exposure. Both sums are of the same noise, that of the sum of all frames.

        Parameters
        ----------
        shape
            Pixels (y, x) of an image.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.
        is_weighted
            Whether frames have the weights of `evaluate_weights`, or are all alike.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``: what the half transform of a projection is multiplied by.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        half_rates = self._evaluate_half_rates(shape, pixel_size)
        decay = half_rates * self.dose_per_frame
        n = self.n_frames
        # The mean over a frame, relative to its beginning.
        first = np.exp(-half_rates * self.pre_exposure)
        first *= np.divide(-np.expm1(-decay), decay, out=np.ones_like(decay), where=decay > 0)
        # Frame i has e^(-decay i) of the first one's signal, and of its weight.
        if is_weighted:
            return first * np.sqrt(_average_powers(2.0 * decay, n))
        return first * _average_powers(decay, n)

    def _evaluate_half_rates(
        self, shape: Sequence[int], pixel_size: ArrayLike
    ) -> NDArray[np.float64]:
        return compute_on_plane(
            lambda k: 0.5 / compute_critical_exposure(k, self.voltage_in_kilovolts),
            shape,
            pixel_size,
        )


def check_dose_of_frames(name: str, dose: float, dose_per_frame: float, n_frames: int) -> None:
    """Refuse another dose of an image than that of the frames which it is the sum of.

    Parameters
    ----------
    name
        Of the dose.
    dose
        In electrons a square angstrom.
    dose_per_frame, n_frames
        As in `DoseWeighting`.

    Raises
    ------
    ValueError
        If they differ by more than a hundredth. The message has `name` in it.
    """
    of_frames = n_frames * dose_per_frame
    if not math.isclose(dose, of_frames, rel_tol=DOSE_TOLERANCE):
        msg = (
            f"{name}: expected that of {n_frames} frames of dose_per_frame {dose_per_frame:g}, "
            f"{of_frames:g}, got {dose:g}"
        )
        raise ValueError(msg)


def _average_powers(decay: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Compute the mean of ``exp(-decay * i)`` for i from 0 to n - 1: a geometric series."""
    mean: NDArray[np.float64] = np.divide(
        np.expm1(-n * decay), n * np.expm1(-decay), out=np.ones_like(decay), where=decay > 0
    )
    return mean
