"""Gaussians whose sum is an element's electron scattering factor."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import gemmi
import numpy as np

from numbavol.values import FrozenArrays

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

_HEAVIEST_ELEMENT = 98
_HEAVIEST_NAMED_ELEMENT = 118


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class PengScatteringFactorParameters(FrozenArrays):
    """Scattering factor parameters of Peng et al. (1996), one row an atom.

    The elastic electron scattering factor of a neutral atom is fitted by five Gaussians,

        f(q) = sum_i a_i exp(-b_i q^2),    q = |k| / 2,

    with `k` the spatial frequency in inverse angstroms. `f(q)` is in angstroms.

    Parameters
    ----------
    atomic_numbers
        Integers from 1 (hydrogen) to 98 (californium), of shape `(n,)`.

    Attributes
    ----------
    atomic_numbers
        As given, an integer array of shape `(n,)`.
    a
        Amplitudes in angstroms, float64 of shape `(n, 5)`. Rubidium and neptunium have a
        negative one.
    b
        Widths in square angstroms, float64 of shape `(n, 5)`. All are positive.

    Raises
    ------
    ValueError
        If an element is not in the table; the message names it and how many atoms it has. Also
        if `atomic_numbers` are not integers, or not one list.

    Notes
    -----
    The numbers are gemmi's `Element.c4322`: International Tables for Crystallography, volume C
    (2011), table 4.3.2.2, fitted for `q` up to 2 inverse angstroms, which that table takes from
    L.-M. Peng, G. Ren, S. L. Dudarev and M. J. Whelan, Acta Cryst. A52, 257-276 (1996). (The
    paper's other fit, for `q` up to 6 inverse angstroms, is not this one.) gemmi keeps them in
    float32; rounded to four decimals they are the printed table again.

    Examples
    --------
    >>> from numbavol.atoms import PengScatteringFactorParameters
    >>> parameters = PengScatteringFactorParameters([6, 8])
    >>> parameters
    PengScatteringFactorParameters(2 atoms: C, O)
    >>> parameters.a[0]
    array([0.0893, 0.2563, 0.757 , 1.0487, 0.3575])
    >>> parameters.b.shape
    (2, 5)
    """

    atomic_numbers: NDArray[np.integer[Any]]
    a: NDArray[np.float64] = dataclasses.field(init=False)
    b: NDArray[np.float64] = dataclasses.field(init=False)

    if TYPE_CHECKING:

        def __init__(self, atomic_numbers: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        """Look the elements up."""
        numbers = read_atomic_numbers(self.atomic_numbers)
        a, b = _table()
        for name, array in (("atomic_numbers", numbers), ("a", a[numbers]), ("b", b[numbers])):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __eq__(self, other: object) -> bool:
        """Tell whether two objects have the same elements in the same order."""
        if not isinstance(other, PengScatteringFactorParameters):
            return NotImplemented
        return np.array_equal(self.atomic_numbers, other.atomic_numbers)

    def __hash__(self) -> int:
        """Hash the elements, so that equal objects have equal hashes."""
        return hash(self.atomic_numbers.astype(np.int64).tobytes())

    def __repr__(self) -> str:
        """Say how many atoms there are, and of which elements."""
        symbols = ", ".join(gemmi.Element(int(z)).name for z in np.unique(self.atomic_numbers))
        n_atoms = len(self.atomic_numbers)
        return f"{type(self).__name__}({n_atoms} atoms{': ' if symbols else ''}{symbols})"


def read_atomic_numbers(atomic_numbers: ArrayLike) -> NDArray[np.integer[Any]]:
    """Read the elements of atoms as a copy.

    Parameters
    ----------
    atomic_numbers
        Integers from 1 (hydrogen) to 98 (californium), of shape `(n,)`.

    Returns
    -------
    NDArray
        A new array of shape `(n,)`, of the type that they have; int64 if there are none.

    Raises
    ------
    ValueError
        If they are not whole numbers of shape (n,), or the table has no such element.

    Examples
    --------
    >>> from numbavol.atoms import read_atomic_numbers
    >>> read_atomic_numbers([6, 8])
    array([6, 8])
    """
    numbers = np.array(atomic_numbers)
    if numbers.size == 0:
        numbers = numbers.astype(np.int64)
    if not np.issubdtype(numbers.dtype, np.integer):
        msg = f"atomic_numbers: expected integers, not an array of {numbers.dtype}"
        raise ValueError(msg)
    if numbers.ndim != 1:
        msg = f"atomic_numbers: expected shape (n,), not {numbers.shape}"
        raise ValueError(msg)
    if np.any((numbers < 1) | (numbers > _HEAVIEST_ELEMENT)):
        raise ValueError(_describe_missing(numbers))
    return numbers


@functools.cache
def _table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    coefficients = [gemmi.Element(z).c4322 for z in range(1, _HEAVIEST_ELEMENT + 1)]
    # Row 0 is there so that an atomic number is an index; gemmi has oxygen in its place.
    nothing = [[np.nan] * 5]
    a: NDArray[np.float64] = np.array(nothing + [c.a for c in coefficients])
    b: NDArray[np.float64] = np.array(nothing + [c.b for c in coefficients])
    return a.round(4), b.round(4)


def _describe_missing(numbers: NDArray[np.integer[Any]]) -> str:
    missing = numbers[(numbers < 1) | (numbers > _HEAVIEST_ELEMENT)]
    described = []
    for number, count in zip(*np.unique(missing, return_counts=True), strict=True):
        if number == 0:
            name = "an unknown element (0)"
        elif _HEAVIEST_ELEMENT < number <= _HEAVIEST_NAMED_ELEMENT:
            name = f"{gemmi.Element(int(number)).name} ({number})"
        else:
            name = f"{number}, which is no element,"
        described.append(f"{name} in {count} atom{'s' if count > 1 else ''}")
    return (
        "atomic_numbers: the table has elements 1 (H) to 98 (Cf), and no scattering factor for "
        + ", ".join(described)
    )
