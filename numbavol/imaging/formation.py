"""`ImageFormation`: what a microscope makes of projections, and `form_images`, which does it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_kind, read_above_0, read_word, read_words
from numbavol.imaging.ctf import CTF, transfer_contrast
from numbavol.imaging.detector import Detector
from numbavol.imaging.dose import DoseWeighting, check_dose_of_frames
from numbavol.imaging.ice import VitreousIce
from numbavol.imaging.noise import NoiseSpectrum
from numbavol.imaging.purposes import Purpose
from numbavol.kernels.dispatch import find_device, find_device_of, find_kernel
from numbavol.kernels.tasks import even_size_of_tasks
from numbavol.ndimage import resize_with_crop_or_pad
from numbavol.ndimage.half_transforms import find_not_finite
from numbavol.ndimage.parameters import REAL, read_array, read_number
from numbavol.projection.batches import count_images_at_a_time
from numbavol.projection.image_config import REST_ENERGY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


CONTRASTS = ("linear", "weak_phase")
PARTS = {
    "ice": VitreousIce,
    "dose_weighting": DoseWeighting,
    "noise": NoiseSpectrum,
    "detector": Detector,
}
IMAGES_A_TASK = 8
# Of noise whose transforms are far from where float32 ends.
LARGEST_POWER = 1e30


@dataclasses.dataclass(frozen=True)
class ImageFormation:
    r"""What a microscope makes of projections, besides its contrast transfer function.

    With the transform :math:`P` of a projection :math:`\int U \, dz`, that of the image is

    .. math:: F = (P + i) \, CTF \, e \, c + n

    with the ice :math:`i`, what a dose leaves of the signal :math:`e`, the contrast :math:`c`, and
    the noise :math:`n`. In linear contrast c is 1: images have the unit of projections, inverse
    angstroms, and particles are white in underfocus, as RELION wants them. In weak-phase contrast

    .. math:: c = -\frac{2 \lambda \gamma}{\sqrt{1 - Q_0^2}}

    with the wavelength, the Lorentz factor and the amplitude contrast: images are the relative
    change of the intensity, and particles are dark in underfocus.

    Parameters
    ----------
    contrast
        ``"linear"`` or ``"weak_phase"``.
    ice
        A layer of vitreous ice around the particle.
    dose_weighting
        Frames, and how the dose fades them.
    noise
        Noise that is added, in the unit of the images squared: at most 1e30.
    detector
        What counts electrons: images are then electrons a pixel, which have their own noise, and
        no other. It takes weak-phase contrast.
    dose
        Electrons a square angstrom that it counts: with `dose_weighting`, those of all frames.

    Raises
    ------
    TypeError
        If a part is something else.
    ValueError
        If the contrast is another, a detector has no dose, another contrast or noise beside it, or
        the dose is not that of the frames, to a hundredth.

    References
    ----------
    Reimer & Kohl (2008), Transmission Electron Microscopy, 5th edition, section 6.4: the phase
    contrast of weak objects.

    Examples
    --------
    >>> from numbavol import ImageFormation, NoiseSpectrum
    >>> ImageFormation(noise=NoiseSpectrum.white(4.0)).contrast
    'linear'
    """

    contrast: str = "linear"
    _: dataclasses.KW_ONLY
    ice: VitreousIce | None = None
    dose_weighting: DoseWeighting | None = None
    noise: NoiseSpectrum | None = None
    detector: Detector | None = None
    dose: float | None = None

    def __post_init__(self) -> None:
        """Check what goes together."""
        for name, kind in PARTS.items():
            check_kind(name, getattr(self, name), kind)
        if self.contrast not in CONTRASTS:
            expected = " or ".join(map(repr, CONTRASTS))
            msg = f"contrast: expected {expected}, got {self.contrast!r}"
            raise ValueError(msg)
        if (self.detector is None) != (self.dose is None):
            msg = "dose: expected together with a detector, and a detector with it"
            raise ValueError(msg)
        if self.detector is not None and self.contrast != "weak_phase":
            msg = f"contrast: expected 'weak_phase' with a detector, got {self.contrast!r}"
            raise ValueError(msg)
        if self.dose is not None and read_number("dose", self.dose) <= 0:
            msg = f"dose: expected a number above 0, got {self.dose!r}"
            raise ValueError(msg)
        if self.detector is not None and self.noise is not None:
            msg = "noise: expected None with a detector, whose counts have their own noise"
            raise ValueError(msg)
        if self.dose is not None and self.dose_weighting is not None:
            frames = self.dose_weighting
            check_dose_of_frames("dose", self.dose, frames.dose_per_frame, frames.n_frames)


class PreparedFormation:
    """An `ImageFormation` for images of one shape and pixel size, on one device.

    Parameters
    ----------
    formation
        What is made of projections.
    shape
        Of what it is made of, (y, x).
    pixel_size
        In angstroms.
    device
        Where that is.

    Raises
    ------
    ValueError
        If the power of noise or ice is above 1e30.
    """

    def __init__(
        self,
        formation: ImageFormation,
        shape: tuple[int, int],
        pixel_size: float,
        device: str = "cpu",
    ) -> None:
        self._formation, self._shape, self._pixel_size = formation, shape, pixel_size
        self._device = find_device(device)
        self._add_noise = find_kernel("add_noise", device)
        self._ice = self._prepare_noise("ice", formation.ice)
        self._noise = self._prepare_noise("noise", formation.noise)
        self._weights: NDArray[np.float32] | None = None
        if formation.dose_weighting is not None:
            envelope = formation.dose_weighting.evaluate_envelope(shape, pixel_size)
            self._weights = self._device.send(np.asarray(envelope, np.float32))

    def _prepare_noise(self, name: str, spectrum: Any) -> NDArray[np.float32] | None:
        """Make the deviations of the modulus at each frequency, of whatever has a power."""
        if spectrum is None:
            return None
        power = spectrum.evaluate(self._shape, self._pixel_size)
        if power.max() > LARGEST_POWER:
            msg = f"{name}: expected powers of at most {LARGEST_POWER:g}, got {power.max():g}"
            raise ValueError(msg)
        amplitudes = np.sqrt(np.asarray(power) * math.prod(self._shape))
        return self._device.send(amplitudes.astype(np.float32))

    def develop(
        self,
        halves: NDArray[np.complexfloating[Any]],
        ctf: CTF | None,
        seed: int,
        numbers: NDArray[np.integer],
        shape: tuple[int, int],
    ) -> NDArray[np.floating[Any]]:
        """Make images of half transforms of projections.

        Parameters
        ----------
        halves
            ``(n, y, x // 2 + 1)``, complex64, of this device, as
            `Projection.to_transform_from_first_pixel` returns them. They are written to.
        ctf
            Of one image or of n.
        seed
            Of what is random.
        numbers
            ``(n,)``: of the particles, which what is random belongs to.
        shape
            Of the images, which are cut or padded to it.

        Returns
        -------
        ndarray
            ``(n, *shape)``, on the device.
        """
        formation, device = self._formation, self._device
        self._draw(halves, self._ice, seed, Purpose.ICE, numbers)
        if ctf is not None:
            factors = (
                compute_weak_phase_contrast(ctf) if formation.contrast == "weak_phase" else 1.0
            )
            transfer_contrast(halves, ctf, self._shape, self._pixel_size, factors, self._weights)
        elif self._weights is not None:
            halves *= self._weights
        self._draw(halves, self._noise, seed, Purpose.NOISE, numbers)
        images = device.fft.irfft2(halves, self._shape, overwrite_x=True)
        if shape != self._shape:
            images = resize_with_crop_or_pad(images, (len(images), *shape))
        if formation.detector is None or formation.dose is None:
            return images  # type: ignore[no-any-return]
        return formation.detector.expose(
            images, self._pixel_size, formation.dose, seed=seed, numbers=numbers
        )

    def _draw(
        self,
        halves: NDArray[np.complexfloating[Any]],
        amplitudes: NDArray[np.float32] | None,
        seed: int,
        purpose: Purpose,
        numbers: NDArray[np.integer],
    ) -> None:
        if amplitudes is None:
            return
        parts = halves.view(halves.real.dtype).reshape(*halves.shape, 2)
        own = self._device.send(np.asarray(numbers, np.uint64))
        self._device.run(
            lambda: self._add_noise(
                parts, amplitudes, self._shape[1], np.uint64(seed), np.uint64(purpose), own
            )
        )


def compute_weak_phase_contrast(ctf: CTF) -> NDArray[np.float64]:
    r"""Compute what takes a projection times its transfer function to the change of intensity.

    Parameters
    ----------
    ctf
        Has the voltage and the amplitude contrast.

    Returns
    -------
    NDArray
        :math:`-2 \lambda \gamma / \sqrt{1 - Q_0^2}`, in angstroms: ``()`` or ``(n,)``.

    Raises
    ------
    ValueError
        If the amplitude contrast is 1, which no weak phase has.

    References
    ----------
    Reimer & Kohl (2008), Transmission Electron Microscopy, 5th edition, section 6.4.

    Examples
    --------
    >>> from numbavol import CTF, compute_weak_phase_contrast
    >>> round(float(compute_weak_phase_contrast(CTF(1e4, amplitude_contrast=0.0))), 5)
    -0.06249
    """
    if np.any(ctf.amplitude_contrast == 1):
        msg = "ctf: expected an amplitude contrast below 1 for weak-phase contrast, got 1"
        raise ValueError(msg)
    lorentz_factor = 1.0 + ctf.voltage_in_kilovolts / REST_ENERGY
    factor: NDArray[np.float64] = (
        -2.0
        * ctf.wavelength_in_angstroms
        * lorentz_factor
        / np.sqrt(1.0 - ctf.amplitude_contrast**2)
    )
    return factor


def form_images(
    projections: ArrayLike,
    pixel_size: float,
    ctf: CTF | None = None,
    formation: ImageFormation | None = None,
    *,
    seed: int = 0,
    numbers: Sequence[int] | NDArray[np.integer] | None = None,
) -> NDArray[np.floating[Any]]:
    """Make of projections the images that a microscope makes.

    Parameters
    ----------
    projections
        ``(y, x)`` or ``(n, y, x)``: integrals of the rescaled potential along z, in inverse
        angstroms, as `project` returns them, of the host or of a CUDA device. They are taken to be
        periodic.
    pixel_size
        In angstroms.
    ctf
        The contrast transfer function, of all images or of each; none leaves contrast as it is.
    formation
        All else; nothing else by default.
    seed
        Of what is random, from 0 to 2^64 - 1.
    numbers
        ``(n,)``: a number for each image, from 0 to 2^64 - 1, by default in their order. What is
        random of an image belongs to the seed and its number alone.

    Returns
    -------
    NDArray
        Images of the shape and on the device of the projections, float32: in inverse angstroms,
        without a unit, or electrons a pixel, see `ImageFormation`.

    Raises
    ------
    TypeError
        If the CTF or the formation is something else.
    ValueError
        If another argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import CTF, ImageFormation, NoiseSpectrum, form_images
    >>> noise = ImageFormation(noise=NoiseSpectrum.white(1.0))
    >>> images = form_images(np.zeros((2, 64, 64)), 1.5, CTF([9000.0, 12000.0]), noise, seed=1)
    >>> images.shape, images.dtype, bool(abs(images.var() - 1) < 0.05)
    ((2, 64, 64), dtype('float32'), True)
    """
    read = read_array("projections", projections, (2, 3), kinds=REAL)
    one_by_one = read.reshape(-1, *read.shape[-2:])
    n = len(one_by_one)
    own = read_words("numbers", range(n) if numbers is None else numbers, n)
    word = read_word("seed", seed)
    size = read_above_0("pixel_size", pixel_size)
    for name, value, kind in (("ctf", ctf, CTF), ("formation", formation, ImageFormation)):
        check_kind(name, value, kind)
    if ctf is not None and ctf.n_images not in (None, n):
        msg = f"ctf: expected that of one image or of {n}, got {ctf.n_images}"
        raise ValueError(msg)
    formation = formation or ImageFormation()
    if ctf is None and formation.contrast == "weak_phase":
        msg = "ctf: expected one for weak-phase contrast, got None"
        raise ValueError(msg)
    shape = (read.shape[-2], read.shape[-1])
    device = find_device_of(read)
    prepared = PreparedFormation(formation, shape, size, device.name)
    images: NDArray[np.floating[Any]] = device.xp.empty(one_by_one.shape, np.float32)

    def form(start: int, stop: int) -> None:
        chosen = slice(start, stop)
        # The origin is the first pixel here.
        halves = device.fft.rfft2(one_by_one[chosen].astype(np.float32, copy=False))
        if (wrong := find_not_finite(halves)) is not None:
            msg = f"projections: image {start + wrong} is not finite"
            raise ValueError(msg)
        own_ctf = ctf if ctf is None or ctf.n_images is None else ctf[chosen]
        images[chosen] = prepared.develop(halves, own_ctf, word, own[chosen], shape)

    def form_batch(first: int, end: int) -> None:
        for start in range(first, end, n_at_a_time):
            form(start, min(start + n_at_a_time, end))

    # A device is given all at once.
    n_at_a_time = count_images_at_a_time(device, images.itemsize * math.prod(shape))
    device.run_parts(form_batch, n, even_size_of_tasks(n, IMAGES_A_TASK))
    return images.reshape(read.shape)
