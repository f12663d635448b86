"""The copies of a helix."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.arguments import read_count, read_reals

if TYPE_CHECKING:
    from numpy.typing import NDArray


class HelicalOperators(NamedTuple):
    """Rotations and translations of the subunits of a helix.

    Attributes
    ----------
    rotations
        ``(n, 3, 3)``: a position r becomes ``rotation @ r + translation``.
    translations
        ``(n, 3)``, in angstroms.

    Examples
    --------
    >>> from numbavol.poses import make_helical_operators
    >>> make_helical_operators(4.75, -0.5, 3).translations[:, 2]
    array([-4.75,  0.  ,  4.75])
    """

    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]


def make_helical_operators(
    rise_in_angstroms: float, twist_in_degrees: float, n_subunits: int
) -> HelicalOperators:
    """Make the operators of a helix around z, with the subunit itself in the middle.

    Subunit m, from ``-((n - 1) // 2)`` on, is turned by m twists around z, counterclockwise when
    looked at against z, and moved by m rises along z: RELION's helical parameters.

    Parameters
    ----------
    rise_in_angstroms
        Along z, from one subunit to the next.
    twist_in_degrees
        Around z, from one subunit to the next; positive is right-handed.
    n_subunits
        How many there are.

    Returns
    -------
    HelicalOperators
        ``(n, 3, 3)`` rotations and ``(n, 3)`` translations.

    Raises
    ------
    ValueError
        If a number is not finite, or that of subunits not a whole one above 0.

    References
    ----------
    He & Scheres (2017), Journal of Structural Biology 198, 163-176.

    Examples
    --------
    >>> from numbavol.poses import make_helical_operators
    >>> helix = make_helical_operators(2.0, 90.0, 2)
    >>> (helix.rotations[1] @ [1.0, 0.0, 0.0] + helix.translations[1]).round(9)
    array([0., 1., 2.])
    """
    rise = _read_finite("rise_in_angstroms", rise_in_angstroms)
    twist = _read_finite("twist_in_degrees", twist_in_degrees)
    n = read_count("n_subunits", n_subunits)
    steps = np.arange(n) - (n - 1) // 2
    turns = Rotation.from_rotvec(np.multiply.outer(steps * twist, [0.0, 0.0, 1.0]), degrees=True)
    return HelicalOperators(turns.as_matrix(), np.multiply.outer(steps * rise, [0.0, 0.0, 1.0]))


def _read_finite(name: str, value: float) -> float:
    number = read_reals(name, value)
    if number.ndim or not np.isfinite(number):
        msg = f"{name}: expected a finite number, got {value!r}"
        raise ValueError(msg)
    return float(number)
