"""`CTF`: the contrast transfer function of one image, or of each of many."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import operator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.arguments import read_above_0, read_precision, read_shape
from numbavol.imaging.aberrations import ANGSTROMS_A_MILLIMETRE, expand_phases, join_odd_terms
from numbavol.imaging.ctf_parameters import (
    NUMBERS,
    PAIRS,
    SERIES,
    read_ctf_parameters,
    take_ctf_parameters,
)
from numbavol.kernels.dispatch import find_device, find_device_of, find_kernel
from numbavol.values import ArrayValue, FrozenArrays, have_equal_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.io import ParticleTable


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CTF(FrozenArrays, ArrayValue):
    r"""The contrast transfer function of a microscope, as RELION defines it.

    .. math::
        CTF(k) = s \, e^{-B k^2 / 4} \sin\!\Big(\pi \lambda Z(\alpha) k^2
        - \tfrac{\pi}{2} C_s \lambda^3 k^4 + \arcsin Q_0 + \phi
        - \sum_i e_i Z_i(k)\Big) \, e^{i \sum_j o_j Z_j(k)}

    with :math:`Z(\alpha) = \tfrac{U + V}{2} + \tfrac{U - V}{2} \cos 2(\alpha - \alpha_0)`. It is
    positive at low frequencies in underfocus, where images of projections are therefore white
    particles: a micrograph is dark there, see `ImageFormation`.

    Every parameter is one number, or one for each of n images; pairs and series have an axis more.

    Parameters
    ----------
    defocus_u_in_angstroms, defocus_v_in_angstroms
        ``()`` or ``(n,)``: U and V, positive in underfocus (rlnDefocusU, rlnDefocusV); V is U by
        default.
    astigmatism_angle
        ``()`` or ``(n,)``, from the x axis to the direction of U, in degrees (rlnDefocusAngle).
    voltage_in_kilovolts
        ``()`` or ``(n,)``: the acceleration voltage (rlnVoltage).
    spherical_aberration_in_millimetres
        ``()`` or ``(n,)``: :math:`C_s` (rlnSphericalAberration).
    amplitude_contrast
        ``()`` or ``(n,)``: :math:`Q_0`, from 0 to 1, without a unit (rlnAmplitudeContrast).
    phase_shift
        ``()`` or ``(n,)``: :math:`\phi` of a phase plate, in degrees (rlnPhaseShift).
    b_factor
        ``()`` or ``(n,)``: :math:`B` of the envelope, in square angstroms (rlnCtfBfactor).
    scale
        ``()`` or ``(n,)``: :math:`s`, a factor (rlnCtfScalefactor).
    beam_tilt_in_milliradians
        ``(x, y)`` (rlnBeamTiltX, rlnBeamTiltY), which turns phases by
        :math:`-2 \pi C_s \lambda^2 k^2 (k \cdot t)`.
    trefoil
        ``(sine, cosine)``: added to the Zernike coefficients of :math:`k^3 \sin 3 \alpha` and
        :math:`k^3 \cos 3 \alpha`, in cubic angstroms.
    odd_zernike, even_zernike
        Coefficients of the antisymmetric and the symmetric Zernike polynomials in RELION's order
        (rlnOddZernike, rlnEvenZernike), in radians times angstroms to the power of each.

    Raises
    ------
    ValueError
        If a parameter has another shape, is not finite, or is out of its range, or there are
        unequal numbers of images.

    References
    ----------
    Rohou & Grigorieff (2015), Journal of Structural Biology 192, 216-221, equations 2 to 6.
    Zivanov, Nakane & Scheres (2020), IUCrJ 7, 253-267, equations 3 to 8: the aberrations. RELION,
    ``src/ctf.h`` and ``src/jaz/single_particle/obs_model.cpp``, whose wavelength is used.

    Examples
    --------
    >>> from numbavol import CTF
    >>> ctf = CTF(12000.0, 10000.0, astigmatism_angle=30.0)
    >>> ctf
    CTF(defocus 12000, 10000 A)
    >>> values = ctf.evaluate((4, 6), pixel_size=1.5)
    >>> values.shape, values.dtype, round(float(values[0, 0]), 4)
    ((4, 4), dtype('float32'), 0.1)
    >>> len(CTF([10000.0, 15000.0]))
    2
    """

    defocus_u_in_angstroms: NDArray[np.float64]
    defocus_v_in_angstroms: NDArray[np.float64] = None  # type: ignore[assignment]
    astigmatism_angle: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    _: dataclasses.KW_ONLY
    voltage_in_kilovolts: NDArray[np.float64] = 300.0  # type: ignore[assignment]
    spherical_aberration_in_millimetres: NDArray[np.float64] = 2.7  # type: ignore[assignment]
    amplitude_contrast: NDArray[np.float64] = 0.1  # type: ignore[assignment]
    phase_shift: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    b_factor: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    scale: NDArray[np.float64] = 1.0  # type: ignore[assignment]
    beam_tilt_in_milliradians: NDArray[np.float64] = (0.0, 0.0)  # type: ignore[assignment]
    trefoil: NDArray[np.float64] = (0.0, 0.0)  # type: ignore[assignment]
    odd_zernike: NDArray[np.float64] = ()  # type: ignore[assignment]
    even_zernike: NDArray[np.float64] = ()  # type: ignore[assignment]

    if TYPE_CHECKING:

        def __init__(
            self,
            defocus_u_in_angstroms: ArrayLike,
            defocus_v_in_angstroms: ArrayLike | None = None,
            astigmatism_angle: ArrayLike = 0.0,
            *,
            voltage_in_kilovolts: ArrayLike = 300.0,
            spherical_aberration_in_millimetres: ArrayLike = 2.7,
            amplitude_contrast: ArrayLike = 0.1,
            phase_shift: ArrayLike = 0.0,
            b_factor: ArrayLike = 0.0,
            scale: ArrayLike = 1.0,
            beam_tilt_in_milliradians: ArrayLike = (0.0, 0.0),
            trefoil: ArrayLike = (0.0, 0.0),
            odd_zernike: ArrayLike = (),
            even_zernike: ArrayLike = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments into read-only arrays, of one number or n of them."""
        given = {name: getattr(self, name) for name in (*NUMBERS, *PAIRS, *SERIES)}
        if given["defocus_v_in_angstroms"] is None:
            given["defocus_v_in_angstroms"] = given["defocus_u_in_angstroms"]
        for name, array in read_ctf_parameters(given).items():
            object.__setattr__(self, name, array)

    @classmethod
    def from_particles(cls, particles: ParticleTable) -> Self:
        """Make those of particles, as `read_particles` reads them.

        Parameters
        ----------
        particles
            n of them, with a defocus. RELION's values stand for what they do not say: an amplitude
            contrast of 0, no spherical aberration, 200 kV. A beam tilt adds to the antisymmetric
            Zernike polynomials, as in RELION 5; in RELION 3.1 it takes the place of the two comas
            among them, which are 0 in the files of its own programs.

        Returns
        -------
        CTF
            Of n images.

        Raises
        ------
        TypeError
            If they are no `ParticleTable`.
        ValueError
            If they have no defocus.

        Examples
        --------
        >>> from numbavol import CTF, ParticleTable
        >>> CTF.from_particles(ParticleTable(0, 0, [10, 20], defocus_u_in_angstroms=[9e3, 1e4]))
        CTF(2 images, defocus 9000 to 10000 A)
        """
        return cls(**take_ctf_parameters(particles))

    @property
    def n_images(self) -> int | None:
        """How many images it is of, or None of one, which has no length or index."""
        return self.scale.size if self.scale.ndim else None

    def __len__(self) -> int:
        """Return how many images it is of, as of an array: one alone has no length."""
        if self.n_images is None:
            msg = "one CTF has no length"
            raise TypeError(msg)
        return self.n_images

    def __bool__(self) -> bool:
        """Tell a CTF from None: Python would ask for the length, which one alone has not."""
        return True

    def __getitem__(
        self, index: int | slice | Sequence[int] | NDArray[np.integer] | NDArray[np.bool]
    ) -> Self:
        """Take that of one image by its number, or of many by a slice, numbers or a mask."""
        if self.n_images is None:
            msg = "one CTF cannot be indexed"
            raise TypeError(msg)
        chosen: Any = index
        with contextlib.suppress(TypeError):
            chosen = operator.index(index)  # type: ignore[arg-type]
        # Images are taken a few at a time: what was read once, and follows, serves all of them.
        state = {name: np.array(array[chosen]) for name, array in self._arrays.items()}
        if state["scale"].ndim > 1 or state["scale"].size == 0:
            msg = f"index: expected one image or more along one axis, got {index!r}"
            raise IndexError(msg)
        state["phase_polynomials"] = self.phase_polynomials[
            [chosen] if isinstance(chosen, int) else chosen
        ]
        taken = type(self).__new__(type(self))
        taken.__setstate__(state)
        return taken

    def __repr__(self) -> str:
        """Say the defocus, and of how many images."""
        u, v = self.defocus_u_in_angstroms, self.defocus_v_in_angstroms
        if self.n_images is None:
            both = f"{float(u):g}" if u == v else f"{float(u):g}, {float(v):g}"
            return f"CTF(defocus {both} A)"
        lowest, highest = min(u.min(), v.min()), max(u.max(), v.max())
        images = "1 image" if self.n_images == 1 else f"{self.n_images} images"
        return f"CTF({images}, defocus {lowest:g} to {highest:g} A)"

    @property
    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        return {name: getattr(self, name) for name in (*NUMBERS, *PAIRS, *SERIES)}

    @property
    def wavelength_in_angstroms(self) -> NDArray[np.float64]:
        """Wavelength of the electrons, with RELION's constants: float64 of shape ``()`` or (n,)."""
        volts = 1e3 * self.voltage_in_kilovolts
        wavelength: NDArray[np.float64] = 12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6))
        return wavelength

    @property
    def has_odd_aberrations(self) -> bool:
        """Whether it is complex: a beam tilt, trefoil or another antisymmetric aberration."""
        odd = (self.beam_tilt_in_milliradians, self.trefoil, self.odd_zernike)
        return any(np.any(array) for array in odd)

    @property
    def odd_aberrations(self) -> NDArray[np.float64]:
        """Beam tilt, trefoil and `odd_zernike` as one list of Zernike coefficients.

        Float64 of shape (terms,) or (n, terms), in the order and unit of `odd_zernike`.
        """
        aberration = ANGSTROMS_A_MILLIMETRE * self.spherical_aberration_in_millimetres
        coma = -2e-3 * math.pi * aberration * self.wavelength_in_angstroms**2
        tilt = coma[..., np.newaxis] * self.beam_tilt_in_milliradians
        return join_odd_terms(self.odd_zernike, self.trefoil, tilt)

    @cached_property
    def phase_polynomials(self) -> NDArray[np.float64]:
        """Phases in turns by the powers of the frequencies: (n, powers, powers), [of y, of x].

        Terms of even order are the argument of the sine, those of odd order turn its phase.
        """
        n = self.n_images or 1
        one = {
            name: array.reshape(n, *array.shape[self.scale.ndim :])
            for name, array in self._arrays.items()
        }
        one["odd_zernike"] = self.odd_aberrations.reshape(n, -1)
        polynomials = expand_phases(one, self.wavelength_in_angstroms.reshape(n))
        polynomials.setflags(write=False)
        return polynomials

    def __getstate__(self) -> dict[str, NDArray[np.float64]]:
        """Return the parameters alone: what is cached follows from them."""
        return self._arrays

    def __eq__(self, other: object) -> bool:
        """Compare the parameters."""
        return type(other) is type(self) and have_equal_values(
            self.__getstate__(), other.__getstate__()
        )

    def __hash__(self) -> int:
        """Hash the shapes alone, as `ArrayValue` does."""
        return hash((type(self), *(array.shape for array in self._arrays.values())))

    def evaluate(
        self, shape: Sequence[int], pixel_size: float, *, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """Evaluate it at the frequencies of a half transform.

        Parameters
        ----------
        shape
            Of the image, (y, x).
        pixel_size
            In angstroms.
        dtype
            float32 or float64: its precision.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``, or ``(n, y, x // 2 + 1)`` of n images, the zero frequency in the
            corner: real, or complex where there are antisymmetric aberrations. At a Nyquist
            frequency, which has both signs, it is the mean of both.

        Raises
        ------
        ValueError
            If an argument is not as described.

        Examples
        --------
        >>> from numbavol import CTF
        >>> CTF(8000.0, beam_tilt_in_milliradians=(1.0, 0.0)).evaluate((4, 4), 2.0).dtype
        dtype('complex64')
        """
        lengths = read_shape("shape", shape, 2)
        precision = read_precision("dtype", dtype)
        half = (self.n_images or 1, lengths[0], lengths[1] // 2 + 1)
        values = np.ones(half, np.result_type(precision, np.complex64))
        transfer_contrast(values, self, (lengths[0], lengths[1]), pixel_size)
        values = values.reshape(half[1:]) if self.n_images is None else values
        return values if self.has_odd_aberrations else np.ascontiguousarray(values.real)


def transfer_contrast(
    halves: NDArray[np.complexfloating[Any]],
    ctf: CTF,
    shape: tuple[int, int],
    pixel_size: float,
    factors: ArrayLike = 1.0,
    weights: NDArray[np.floating[Any]] | None = None,
) -> None:
    """Multiply half transforms by a contrast transfer function, in place.

    Parameters
    ----------
    halves
        ``(n, y, x // 2 + 1)`` complex and contiguous, on any device.
    ctf
        Of one image, which serves for all, or of n.
    shape
        Of an image, (y, x).
    pixel_size
        In angstroms.
    factors
        One number, or one for each image: what each is multiplied by besides.
    weights
        ``(y, x // 2 + 1)`` on the same device: what all are multiplied by besides.
    """
    device = find_device_of(halves)
    n = len(halves)
    size = read_above_0("pixel_size", pixel_size)
    if ctf.n_images not in (None, n):
        msg = f"ctf: expected that of one image or of {n}, got {ctf.n_images}"
        raise ValueError(msg)
    real = halves.real.dtype
    if weights is None:
        weights = device.xp.ones(halves.shape[1:], real)
    polynomials = ctf.phase_polynomials
    arrays = (
        np.array([1 / (size * shape[1]), 1 / (size * shape[0])]),
        np.ascontiguousarray(np.broadcast_to(polynomials, (n, *polynomials.shape[1:]))),
        np.broadcast_to(ctf.b_factor, n).copy(),
        np.broadcast_to(ctf.scale * np.asarray(factors), n).copy(),
    )
    steps, polynomials, b_factors, scales = map(find_device(device.name).send, arrays)
    kernel = find_kernel("transfer_contrast", device.name)
    device.run(
        lambda: kernel(halves, halves, shape[1], steps, polynomials, b_factors, scales, weights)
    )
