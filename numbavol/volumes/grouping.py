"""Atoms by element, and numbers in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.atoms import read_atomic_numbers
from numbavol.volumes.trees import is_array_like, map_leaves

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def split_atoms_by_element(
    atomic_numbers: ArrayLike, atom_pytree: Any, atom_axis: int = 0
) -> tuple[Any, NDArray[np.integer[Any]]]:
    """Split what atoms have into what those of each element have.

    Parameters
    ----------
    atomic_numbers
        ``(n,)``.
    atom_pytree
        An array with one entry an atom along `atom_axis`, or nested tuples, lists or dicts of them:
        positions, B-factors.
    atom_axis
        The axis of the atoms.

    Returns
    -------
    atom_pytree
        Of the same structure, each array replaced by a tuple of arrays, one an element.
    atomic_numbers
        ``(m,)``: the elements, ascending, in the order of the tuples.

    Raises
    ------
    ValueError
        If an array has not one entry an atom.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import split_atoms_by_element
    >>> split_atoms_by_element([6, 8, 6], np.array([20.0, 30.0, 25.0]))
    ((array([20., 25.]), array([30.])), array([6, 8]))
    """
    numbers = read_atomic_numbers(atomic_numbers)
    elements = np.unique(numbers)

    def split(name: str, leaf: ArrayLike) -> tuple[NDArray[Any], ...]:
        array = np.asarray(leaf)
        if not -array.ndim <= atom_axis < array.ndim or array.shape[atom_axis] != len(numbers):
            msg = (
                f"{name}: expected {len(numbers)} atoms along axis {atom_axis}, got shape "
                f"{array.shape}"
            )
            raise ValueError(msg)
        return tuple(
            np.take(array, np.flatnonzero(numbers == element), axis=atom_axis)
            for element in elements
        )

    if is_array_like(atom_pytree):
        return split("atom_pytree", atom_pytree), elements
    return map_leaves(split, "atom_pytree", atom_pytree), elements


def sort_into_bins(widths: NDArray[np.float64], n_bins: int) -> list[NDArray[np.intp]]:
    """Put numbers above 0 into bins of one width in their logarithm, or equal ones together.

    Returns
    -------
    list of NDArray[np.intp]
        Which numbers are in each bin that has any, from the smallest on. Where there are no more
        different numbers than bins, each has its own.
    """
    distinct, at = np.unique(widths, return_inverse=True)
    if len(distinct) > n_bins:
        edges = np.geomspace(distinct[0], distinct[-1], n_bins + 1)[1:-1]
        at = np.searchsorted(edges, widths, side="right")
    order = np.argsort(at, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(at[order])) + 1)
