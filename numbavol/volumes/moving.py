"""Volumes and arrays from one device to another."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from numbavol.kernels.devices import is_on_cuda
from numbavol.kernels.dispatch import check_device, find_device, find_device_of
from numbavol.volumes.base import AbstractVolumeRepresentation
from numbavol.volumes.independent_atoms import IndependentAtomVolume
from numbavol.volumes.stochastic import EnsembleVolume, ThermalVolume

if TYPE_CHECKING:
    from collections.abc import Callable

Moved = TypeVar("Moved")


def to_device(volume: Moved, device: str) -> Moved:
    """Bring a volume or an array to a device, so that it is not sent there in every call.

    Parameters
    ----------
    volume
        A volume, or an array. What is on the device already is not copied.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.

    Returns
    -------
    volume
        A volume of the same class, or an array of the device: of CUDA, of CuPy. An
        `EnsembleVolume` has its volumes brought there. An `IndependentAtomVolume` stays as it is:
        its atoms are few, and are arranged by the CPU; and so does a `ThermalVolume`: its atoms are
        moved by the CPU, so that a seed is the same draw on every device.

    Raises
    ------
    TypeError
        If it is neither a volume nor an array.
    ValueError, RuntimeError
        If there is no such device.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
    >>> numbavol.to_device(volume, "cpu") == volume
    True
    """
    name = check_device(device)
    send = find_device(name).send

    def move(array: Any) -> Any:
        return find_device_of(array).fetch(array) if name == "cpu" else send(array)

    if isinstance(volume, np.ndarray) or is_on_cuda(volume):
        moved: Moved = move(volume)
        return moved
    if isinstance(volume, (IndependentAtomVolume, ThermalVolume)):
        return volume
    if isinstance(volume, EnsembleVolume):
        ensemble = copy.copy(volume)
        vars(ensemble)["volumes"] = tuple(to_device(member, name) for member in volume.volumes)
        return ensemble
    if not isinstance(volume, AbstractVolumeRepresentation):
        msg = f"volume: expected a volume or an array, got {type(volume).__name__}"
        raise TypeError(msg)
    replaced: Moved = _replace_arrays(volume, move)
    return replaced


def _replace_arrays(volume: Any, move: Callable[[Any], Any]) -> Any:
    # Arrays that were read once need not be read again.
    moved = copy.copy(volume)
    fields = {field.name for field in dataclasses.fields(volume)}
    for name, value in vars(volume).items():
        if name in fields and (isinstance(value, np.ndarray) or is_on_cuda(value)):
            vars(moved)[name] = move(value)
    return moved
