"""Reading, checking and broadcasting of what a user passes to a pose."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.arguments import check_finite, read_reals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


def read_parameter(
    name: str, value: ArrayLike, n_components: tuple[int, ...] = ()
) -> NDArray[np.float64]:
    """Read one parameter of one pose or of many.

    Parameters
    ----------
    name
        What messages call it.
    value
        A number a pose, or with `n_components` a vector a pose.
    n_components
        The lengths that the last axis may have; none for numbers.

    Returns
    -------
    NDArray[np.float64]
        Shape `()` or `(n,)`, with the vector's axis after it where there is one.

    Raises
    ------
    ValueError
        If the shape is another one, or a value is not finite.
    """
    array = read_reals(name, value)
    if n_components:
        allowed = " or ".join(f"({n},) or (n, {n})" for n in n_components)
    else:
        allowed = "() or (n,)"
    n_axes = array.ndim - bool(n_components)
    if n_axes not in (0, 1) or (n_components and array.shape[-1] not in n_components):
        msg = f"{name}: expected shape {allowed}, for one pose or n, got {array.shape}"
        raise ValueError(msg)
    check_finite(name, array)
    return array


def read_rotation(rotation: object) -> Rotation:
    """Pass on the rotation of one pose or of many.

    Raises
    ------
    TypeError
        If it is no `scipy.spatial.transform.Rotation`.
    ValueError
        If it has more than one axis of rotations.
    """
    if not isinstance(rotation, Rotation):
        msg = f"rotation: expected a scipy.spatial.transform.Rotation, got {type(rotation)}"
        raise TypeError(msg)
    shape = rotation.as_quat().shape[:-1]
    if len(shape) > 1:
        msg = f"rotation: expected one rotation or n, got an array of them of shape {shape}"
        raise ValueError(msg)
    return rotation


def broadcast_batches(batches: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the one shape that parameters of these shapes have together.

    Parameters
    ----------
    batches
        Each parameter's shape without a vector's axis, under the name that messages call it.

    Raises
    ------
    ValueError
        If they do not broadcast.
    """
    try:
        return np.broadcast_shapes(*batches.values())
    except ValueError as error:
        found = ", ".join(f"{name} {shape}" for name, shape in batches.items() if shape)
        msg = f"expected parameters of one pose or of equally many, got shapes {found}"
        raise ValueError(msg) from error


def read_parameters(
    numbers: Mapping[str, ArrayLike | None],
    vectors: Mapping[str, tuple[ArrayLike, int]] = MappingProxyType({}),
) -> dict[str, NDArray[np.float64]]:
    """Read all parameters of a pose and broadcast them to one number of poses.

    Parameters
    ----------
    numbers
        Parameters of one number a pose. Those that are None are left out.
    vectors
        Parameters of one vector a pose, each with the vector's length.

    Returns
    -------
    dict
        New contiguous arrays, under the same names.

    Raises
    ------
    ValueError
        If one of them is wrong, or they do not broadcast.
    """
    read = {name: read_parameter(name, x) for name, x in numbers.items() if x is not None}
    batches = {name: array.shape for name, array in read.items()}
    for name, (value, n_components) in vectors.items():
        read[name] = read_parameter(name, value, (n_components,))
        batches[name] = read[name].shape[:-1]
    batch = broadcast_batches(batches)
    for name, array in read.items():
        vector = array.shape[len(batches[name]) :]
        read[name] = np.broadcast_to(array, (*batch, *vector)).copy()
    return read
