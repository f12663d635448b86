"""Reading and broadcasting of what a contrast transfer function is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_finite, read_reals

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
    for name, wrong, expected in (
        ("amplitude_contrast", contrast[(contrast < 0) | (contrast > 1)], "from 0 to 1"),
        ("voltage_in_kilovolts", voltage[voltage <= 0], "above 0"),
    ):
        if wrong.size:
            msg = f"{name}: expected numbers {expected}, got {wrong.flat[0]}"
            raise ValueError(msg)
