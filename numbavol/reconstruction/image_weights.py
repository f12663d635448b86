"""What images weigh, as curves over the distance from the zero frequency."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.imaging import NoiseSpectrum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.imaging import CTF

# What may have been done to images about their transfer functions.
CTF_CORRECTIONS = ("none", "phase_flipped", "premultiplied")
# Parameters of a CTF without which it is real.
ANTISYMMETRIC: dict[str, Any] = {
    "beam_tilt_in_milliradians": (0.0, 0.0),
    "trefoil": (0.0, 0.0),
    "odd_zernike": (),
}
# RELION's: a cell that only the flank of one sample reaches is not to become large.
LOWEST_OF_MEAN = 1e-3
# Its inverse is far from where float32 ends.
LEAST_POWER = 1e-30


def evaluate_transfer(
    ctf: CTF | None, side: int, pixel_size: float, dtype: np.dtype[Any], correction: str
) -> NDArray[Any]:
    """Evaluate what images were multiplied by: ``(n or 1, y, x // 2 + 1)``; 1 for None.

    Of what was corrected, the absolute, with the phases of antisymmetric aberrations. To flip
    phases leaves the sign of the scale, as in RELION.
    """
    if ctf is None:
        return np.ones((1, side, side // 2 + 1), dtype)
    values = ctf.evaluate((side, side), pixel_size, dtype=dtype)
    if correction != "none":
        symmetric = values
        if values.dtype.kind == "c":
            real = dataclasses.replace(ctf, **ANTISYMMETRIC)
            symmetric = real.evaluate((side, side), pixel_size, dtype=dtype)
        is_negative = symmetric < 0
        if correction == "phase_flipped":
            is_negative ^= np.expand_dims(ctf.scale < 0, (-2, -1))
        values = np.where(is_negative, -values, values)
    return values.reshape(-1, *values.shape[-2:])


def read_ctf_correction(ctf_correction: str, ctf: CTF | None) -> str:
    """Read what was done to images about their transfer functions: one of `CTF_CORRECTIONS`.

    Raises
    ------
    ValueError
        If it is another, or there is one without a CTF.
    """
    if ctf_correction not in CTF_CORRECTIONS:
        msg = f"ctf_correction: expected one of {CTF_CORRECTIONS}, got {ctf_correction!r}"
        raise ValueError(msg)
    if ctf is None and ctf_correction != "none":
        msg = f"ctf: expected that of images whose CTF is {ctf_correction}, got None"
        raise ValueError(msg)
    return ctf_correction


def read_image_weights(
    noise_spectrum: NoiseSpectrum | ArrayLike | None, n_images: int, n_shells: int, box: float
) -> NDArray[np.float64]:
    """Read the weights 1 / P(k) of images at whole frequencies.

    Parameters
    ----------
    noise_spectrum
        As in `BackProjector.add`.
    n_images, n_shells
        How many there are.
    box
        Side of an image in angstroms.

    Returns
    -------
    NDArray
        ``(1, n_shells)``, or ``(n_images, n_shells)``.

    Raises
    ------
    ValueError
        If it is not as described, or not of at least 1e-30.
    """
    if noise_spectrum is None:
        return np.ones((1, n_shells))
    if isinstance(noise_spectrum, NoiseSpectrum):
        frequencies = np.arange(n_shells) / box
        noise_spectrum = np.interp(frequencies, noise_spectrum.frequencies, noise_spectrum.power)
    powers = read_reals("noise_spectrum", noise_spectrum)
    if powers.shape not in [(n_shells,), (n_images, n_shells)]:
        msg = (
            f"noise_spectrum: expected a spectrum, or its values of shape {(n_shells,)} or "
            f"{(n_images, n_shells)}, got shape {powers.shape}"
        )
        raise ValueError(msg)
    check_finite("noise_spectrum", powers)
    if np.any(powers < LEAST_POWER):
        msg = f"noise_spectrum: expected powers of at least {LEAST_POWER:g}, got {powers.min():g}"
        raise ValueError(msg)
    return np.ascontiguousarray(1 / powers.reshape(-1, n_shells))


def read_signal_to_noise(signal_to_noise: ArrayLike | None, n_shells: int) -> NDArray[np.float64]:
    """Read a ratio, or one at each whole frequency: ``(n_shells,)``, infinite for None.

    Raises
    ------
    ValueError
        If it has another shape, or is not above 0.
    """
    if signal_to_noise is None:
        return np.full(n_shells, np.inf)
    ratios = read_reals("signal_to_noise", signal_to_noise)
    if ratios.shape not in [(), (n_shells,)]:
        msg = f"signal_to_noise: expected a number or shape {(n_shells,)}, got shape {ratios.shape}"
        raise ValueError(msg)
    if not np.all(ratios > 0):
        msg = f"signal_to_noise: expected numbers above 0, got {np.min(ratios):g}"
        raise ValueError(msg)
    return np.broadcast_to(ratios, n_shells)


def describe_lowest_weights(
    shell_weights: NDArray[np.float64], step: float, n_cells: int
) -> NDArray[np.float64]:
    """Compute the least weights that cells may have, as a curve over their distance from 0.

    Parameters
    ----------
    shell_weights
        Sums over half transforms of images by the nearest whole frequency.
    step
        Cells from one whole frequency to the next.
    n_cells
        Length of the curve.
    """
    frequencies = np.arange(1, len(shell_weights))
    # What both halves have, shared by the cells of a sphere.
    means = 2 * shell_weights[1:] / (4 * np.pi * (step * frequencies) ** 2 * step)
    lowest: NDArray[np.float64] = LOWEST_OF_MEAN * np.interp(
        np.arange(n_cells) / step, np.arange(len(shell_weights)), [0.0, *means]
    )
    return lowest
