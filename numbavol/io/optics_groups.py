"""Optics groups: particles that have everything in common that RELION keeps of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class OpticsGroups(NamedTuple):
    """Which group each particle is of, numbered from 0 as they come first.

    Attributes
    ----------
    group_of_each
        Of n particles.
    first_rows
        The first particle of each group.
    """

    group_of_each: NDArray[np.intp]
    first_rows: NDArray[np.intp]


def find_optics_groups(columns: Mapping[str, Any], n_particles: int) -> OpticsGroups:
    """Find which particles are alike in all columns: a value, or an array or tuple of n.

    Raises
    ------
    ValueError
        If those of one name in `optics_group_names` are not.
    """
    groups = np.zeros(n_particles, np.intp)
    for values in columns.values():
        if (numbers := _number_values(values)) is not None:
            # Below n squared, which 64 bits hold.
            both = groups * (numbers.max() + 1) + numbers
            groups = np.unique(both, return_inverse=True)[1].reshape(-1)
    first_rows = np.unique(groups, return_index=True)[1]
    order = np.argsort(first_rows)
    found = OpticsGroups(np.argsort(order)[groups], first_rows[order])
    _check_names(columns, found.first_rows)
    return found


def take(values: Any, rows: NDArray[np.intp]) -> Any:
    """Return the values of some particles, or the one that all have."""
    if isinstance(values, np.ndarray):
        return values[rows]
    if isinstance(values, tuple):
        return tuple(map(values.__getitem__, rows.tolist()))
    return values


def _number_values(values: Any) -> NDArray[np.intp] | None:
    """Give different values different numbers, or None where there is one for all."""
    if isinstance(values, np.ndarray):
        return np.unique(values, return_inverse=True)[1].reshape(-1)
    if isinstance(values, tuple):
        seen: dict[str, int] = {}
        numbers = (seen.setdefault(value, len(seen)) for value in values)
        return np.fromiter(numbers, np.intp, len(values))
    return None


def _check_names(columns: Mapping[str, Any], first_rows: NDArray[np.intp]) -> None:
    names = columns.get("optics_group_names")
    if names is None:
        return
    seen: dict[str, int] = {}
    for row in first_rows.tolist():
        name = names if isinstance(names, str) else names[row]
        other = seen.setdefault(name, row)
        if other != row:
            pair = np.array([other, row])
            unlike = [
                column
                for column, values in columns.items()
                if isinstance(values, (np.ndarray, tuple)) and len(set(take(values, pair))) > 1
            ]
            msg = (
                f"optics_group_names: particles {other} and {row} are both of {name}, and differ "
                f"in {', '.join(unlike)}; None would name the groups anew"
            )
            raise ValueError(msg)
