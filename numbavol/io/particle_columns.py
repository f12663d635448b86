"""What a `ParticleTable` knows of particles besides their poses, and where RELION keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numbavol.arguments import check_finite, read_reals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray


class Rule(NamedTuple):
    """What numbers must be, in words, and which of them are."""

    expected: str
    is_right: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    is_whole: bool = False


_ANY = Rule("finite numbers", np.isfinite)
_ABOVE_0 = Rule("numbers above 0", lambda values: values > 0)
_FRACTION = Rule("fractions from 0 to 1", lambda values: (values >= 0) & (values <= 1))
_SIZE = Rule(
    "whole numbers above 0",
    lambda values: (values > 0) & (values == np.rint(values)),
    is_whole=True,
)
_FLAG = Rule("0 or 1", lambda values: np.isin(values, (0, 1)), is_whole=True)
_HALF = Rule("0, 1 or 2", lambda values: np.isin(values, (0, 1, 2)), is_whole=True)
_COUNTER = Rule(
    "whole numbers, at least 0",
    lambda values: (values >= 0) & (values == np.rint(values)),
    is_whole=True,
)


class Column(NamedTuple):
    """Numbers, one for all particles or one a particle.

    Attributes
    ----------
    name
        The field of `ParticleTable`.
    label
        RELION's, without `rln`.
    rule
        What the numbers must be.
    is_of_optics
        Whether RELION 3.1 keeps it in its table of optics groups.
    is_overridden
        Whether RELION takes what the table of particles says where both tables say it: all that
        its `CTF::readByGroup` reads.
    """

    name: str
    label: str
    rule: Rule = _ANY
    is_of_optics: bool = False
    is_overridden: bool = False


POSE_COLUMNS = (
    Column("rot", "AngleRot"),
    Column("tilt", "AngleTilt"),
    Column("psi", "AnglePsi"),
    Column("origin_x_in_angstroms", "OriginXAngst"),
    Column("origin_y_in_angstroms", "OriginYAngst"),
)
# In the order in which they are written.
COLUMNS = (
    Column("pixel_size", "ImagePixelSize", _ABOVE_0, is_of_optics=True),
    Column("voltage_in_kilovolts", "Voltage", _ABOVE_0, is_of_optics=True, is_overridden=True),
    Column(
        "spherical_aberration_in_millimetres",
        "SphericalAberration",
        is_of_optics=True,
        is_overridden=True,
    ),
    Column(
        "amplitude_contrast",
        "AmplitudeContrast",
        _FRACTION,
        is_of_optics=True,
        is_overridden=True,
    ),
    Column("image_size", "ImageSize", _SIZE, is_of_optics=True),
    Column("beam_tilt_x_in_milliradians", "BeamTiltX", is_of_optics=True),
    Column("beam_tilt_y_in_milliradians", "BeamTiltY", is_of_optics=True),
    Column("original_pixel_size", "MicrographOriginalPixelSize", _ABOVE_0, is_of_optics=True),
    Column("ctf_phase_flipped", "CtfDataArePhaseFlipped", _FLAG, is_of_optics=True),
    Column("ctf_premultiplied", "CtfDataAreCtfPremultiplied", _FLAG, is_of_optics=True),
    Column("defocus_u_in_angstroms", "DefocusU", is_overridden=True),
    Column("defocus_v_in_angstroms", "DefocusV", is_overridden=True),
    Column("astigmatism_angle", "DefocusAngle", is_overridden=True),
    Column("phase_shift", "PhaseShift", is_overridden=True),
    Column("ctf_b_factor", "CtfBfactor", is_overridden=True),
    Column("ctf_scale", "CtfScalefactor", is_overridden=True),
    Column("random_subset", "RandomSubset", _HALF),
    Column("class_number", "ClassNumber", _COUNTER),
)
# Lists of coefficients, one for all particles or one a particle: of optics groups in RELION.
ZERNIKE_COLUMNS = (Column("odd_zernike", "OddZernike"), Column("even_zernike", "EvenZernike"))
# Names, one for all particles or one a particle.
NAME_COLUMNS = (
    Column("micrograph_names", "MicrographName"),
    Column("optics_group_names", "OpticsGroupName", is_of_optics=True),
    Column("mtf_filenames", "MtfFileName", is_of_optics=True),
)


def read_column(column: Column, value: ArrayLike) -> NDArray[Any]:
    """Read a number, or one a particle.

    Raises
    ------
    ValueError
        If it is neither, or a number is not what it must be. The message has the name in it.
    """
    name, rule = column.name, column.rule
    values = read_reals(name, value)
    if values.ndim > 1:
        msg = f"{name}: expected a number or one a particle, got shape {values.shape}"
        raise ValueError(msg)
    check_finite(name, values)
    wrong = values[~rule.is_right(values)]
    if wrong.size:
        msg = f"{name}: expected {rule.expected}, got {wrong[0]}"
        raise ValueError(msg)
    return values.astype(np.int64) if rule.is_whole else values


def read_coefficients(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Read a list of coefficients `(k,)`, or one a particle `(n, k)`.

    Raises
    ------
    ValueError
        If it is neither, or a coefficient is not finite. The message has `name` in it.
    """
    coefficients = read_reals(name, value)
    if coefficients.ndim not in (1, 2):
        msg = (
            f"{name}: expected coefficients of shape (k,) or, one list a particle, (n, k), got "
            f"shape {coefficients.shape}"
        )
        raise ValueError(msg)
    check_finite(name, coefficients)
    return coefficients


def read_names(name: str, value: str | Iterable[object]) -> str | tuple[str, ...]:
    """Read a name, or one a particle.

    Raises
    ------
    ValueError
        If something is no text. The message has `name` in it.
    """
    return value if isinstance(value, str) else read_list_of_names(name, value)


def read_list_of_names(name: str, value: Iterable[object]) -> tuple[str, ...]:
    """Read names, one a particle.

    Raises
    ------
    ValueError
        If it is a single text, or something is no text. The message has `name` in it.
    """
    if isinstance(value, str):
        msg = f"{name}: expected one text a particle, got {value!r}"
        raise ValueError(msg)
    names = []
    for one in value:
        if not isinstance(one, str):
            msg = f"{name}: expected texts, got {one!r}"
            raise ValueError(msg)
        names.append(one)
    return tuple(names)


def unless_all_are_equal(values: NDArray[Any]) -> float | NDArray[Any]:
    """Return the number that all are, or else a copy of the numbers."""
    first: float = values.flat[0].item()
    return first if np.all(values == first) else values.copy()


def unless_all_lists_are_equal(coefficients: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the list that all are, else a copy of the lists, or None where there is nothing."""
    if not coefficients.shape[-1]:
        return None
    are_equal = coefficients.ndim == 2 and np.all(coefficients == coefficients[0])
    return np.array(coefficients[0] if are_equal else coefficients)


def unless_all_names_are_equal(names: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Return the name that all are, or else the names."""
    return names[0] if not isinstance(names, str) and len(set(names)) == 1 else names
