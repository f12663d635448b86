"""Reading and broadcasting of what a contrast transfer function is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_finite, check_is_a, read_reals
from numbavol.io import ParticleTable
from numbavol.io.ctf_defaults import DEFAULTS
from numbavol.projection.image_config import HIGHEST_VOLTAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

NUMBERS = (
    "defocus_u_in_angstroms",
    "defocus_v_in_angstroms",
    "astigmatism_angle",
    "voltage_in_kilovolts",
    "spherical_aberration_in_millimetres",
    "amplitude_contrast",
    "phase_shift",
    "b_factor",
    "scale",
)
PAIRS = ("beam_tilt_in_milliradians", "trefoil")
SERIES = ("odd_zernike", "even_zernike")
# In millimetres, of either sign; what is beyond is in micrometres or angstroms.
HIGHEST_ABERRATION = 100.0


def read_ctf_parameters(given: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """Read parameters into read-only arrays, all of one image or all of n.

    Raises
    ------
    ValueError
        If a parameter has another shape, is not finite, or is out of its range, or there are
        unequal numbers of images.
    """
    read = {name: _read(name, value) for name, value in given.items()}
    lengths = {name: len(array) for name, array in read.items() if _is_many(name, array)}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        msg = f"expected parameters of equally many images, at least one, got {found}"
        raise ValueError(msg)
    _check_ranges(read)
    n = next(iter(lengths.values()), None)
    kept = {}
    for name, array in read.items():
        shape = array.shape if n is None or name in lengths else (n, *array.shape)
        kept[name] = np.broadcast_to(array, shape).copy()
        kept[name].setflags(write=False)
    return kept


def take_ctf_parameters(particles: ParticleTable) -> dict[str, ArrayLike]:
    """Take the parameters of n particles from their table, by the names that they have here.

    Raises
    ------
    TypeError
        If they are no `ParticleTable`.
    ValueError
        If there is no defocus.
    """
    check_is_a("particles", particles, ParticleTable)
    if particles.defocus_u_in_angstroms is None:
        msg = "particles: expected a defocus, which they do not have"
        raise ValueError(msg)
    given = {
        "defocus_u_in_angstroms": particles.defocus_u_in_angstroms,
        "defocus_v_in_angstroms": particles.defocus_v_in_angstroms,
        "astigmatism_angle": particles.astigmatism_angle,
        "voltage_in_kilovolts": particles.voltage_in_kilovolts,
        "spherical_aberration_in_millimetres": particles.spherical_aberration_in_millimetres,
        "amplitude_contrast": particles.amplitude_contrast,
        "phase_shift": particles.phase_shift,
        "b_factor": particles.ctf_b_factor,
        "scale": particles.ctf_scale,
    }
    taken: dict[str, ArrayLike] = {name: default.value for name, default in DEFAULTS.items()}
    taken |= {name: value for name, value in given.items() if value is not None}
    taken.setdefault("defocus_v_in_angstroms", taken["defocus_u_in_angstroms"])
    n = len(particles)
    taken = {name: np.broadcast_to(np.asarray(value), n) for name, value in taken.items()}
    series = {"odd_zernike": particles.odd_zernike, "even_zernike": particles.even_zernike}
    lists = {name: np.array(value) for name, value in series.items() if value is not None}
    tilt_x, tilt_y = particles.beam_tilt_x_in_milliradians, particles.beam_tilt_y_in_milliradians
    if tilt_x is not None or tilt_y is not None:
        parts = [np.broadcast_to(0.0 if part is None else part, n) for part in (tilt_x, tilt_y)]
        taken["beam_tilt_in_milliradians"] = np.stack(parts, axis=1)
    return taken | lists


def _read(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = read_reals(name, value)
    n_axes = 0 if name in NUMBERS else 1
    if array.ndim not in (n_axes, n_axes + 1) or (name in PAIRS and array.shape[-1] != 2):
        what = "(2,) or (n, 2)" if name in PAIRS else "(terms,) or (n, terms)"
        expected = "a number or shape (n,)" if n_axes == 0 else f"shape {what}"
        msg = f"{name}: expected {expected}, got shape {array.shape}"
        raise ValueError(msg)
    check_finite(name, array)
    return array


def _is_many(name: str, array: NDArray[np.float64]) -> bool:
    return array.ndim > (0 if name in NUMBERS else 1)


def _check_ranges(read: Mapping[str, NDArray[np.float64]]) -> None:
    contrast, voltage = read["amplitude_contrast"], read["voltage_in_kilovolts"]
    aberration = read["spherical_aberration_in_millimetres"]
    for name, wrong, expected in (
        ("amplitude_contrast", contrast[(contrast < 0) | (contrast > 1)], "from 0 to 1"),
        (
            "voltage_in_kilovolts",
            voltage[(voltage <= 0) | (voltage > HIGHEST_VOLTAGE)],
            f"above 0, and at most {HIGHEST_VOLTAGE:g}",
        ),
        (
            "spherical_aberration_in_millimetres",
            aberration[np.abs(aberration) > HIGHEST_ABERRATION],
            f"from -{HIGHEST_ABERRATION:g} to {HIGHEST_ABERRATION:g}",
        ),
    ):
        if wrong.size:
            msg = f"{name}: expected numbers {expected}, got {wrong.flat[0]}"
            raise ValueError(msg)
