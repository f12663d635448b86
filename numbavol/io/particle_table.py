"""`ParticleTable`: poses of particles and what is known of their images, as one value."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.values import ArrayValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

_POSES = ("rot", "tilt", "psi", "origin_x_in_angstroms", "origin_y_in_angstroms")
_IMAGES = ("pixel_size", "voltage_in_kilovolts", "image_size")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ParticleTable(ArrayValue):
    """Particles as RELION's files have them: poses, images, and what is known of the images.

    Parameters
    ----------
    rot, tilt, psi
        `rlnAngleRot`, `rlnAngleTilt` and `rlnAnglePsi` in degrees: a number for all of n
        particles, or n of them.
    origin_x_in_angstroms, origin_y_in_angstroms
        `rlnOriginXAngst` and `rlnOriginYAngst`: a number, or n of them.
    image_names
        `rlnImageName`, n strings like `"000001@stack.mrcs"`, or None.
    pixel_size
        In angstroms, above 0: a number, n of them, or None if it is not known.
    voltage_in_kilovolts
        Of the microscope, above 0: a number, n of them, or None if it is not known.
    image_size
        Pixels along a side of the square images, a whole number above 0: a number, n of them, or
        None if it is not known.

    Attributes
    ----------
    rot, tilt, psi, origin_x_in_angstroms, origin_y_in_angstroms
        Float64 of shape `(n,)`, read-only.
    image_names
        A tuple of n strings, or None.
    pixel_size, voltage_in_kilovolts, image_size
        A number if all particles have the same, as mostly; otherwise of shape `(n,)`, read-only.

    Raises
    ------
    ValueError
        If a value is wrong, there are unequal numbers of them, or there are no particles.

    Examples
    --------
    >>> from numbavol.io import ParticleTable
    >>> particles = ParticleTable([10, 20], [30, 40], [50, 60], pixel_size=[1.5, 1.5])
    >>> particles
    ParticleTable(2 particles, pixel_size=1.5)
    >>> particles.tilt, particles.origin_x_in_angstroms
    (array([30., 40.]), array([0., 0.]))
    """

    rot: NDArray[np.float64]
    tilt: NDArray[np.float64]
    psi: NDArray[np.float64]
    origin_x_in_angstroms: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    origin_y_in_angstroms: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    image_names: tuple[str, ...] | None = None
    pixel_size: float | NDArray[np.float64] | None = None
    voltage_in_kilovolts: float | NDArray[np.float64] | None = None
    image_size: int | NDArray[np.int64] | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            rot: ArrayLike,
            tilt: ArrayLike,
            psi: ArrayLike,
            origin_x_in_angstroms: ArrayLike = 0.0,
            origin_y_in_angstroms: ArrayLike = 0.0,
            image_names: Iterable[str] | None = None,
            pixel_size: ArrayLike | None = None,
            voltage_in_kilovolts: ArrayLike | None = None,
            image_size: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments into read-only arrays of one length."""
        given = vars(self)
        names = None if self.image_names is None else tuple(self.image_names)
        poses = {name: _read_column(name, given[name]) for name in _POSES}
        images = {
            name: _read_above_0(name, given[name]) for name in _IMAGES if given[name] is not None
        }
        lengths = {name: column.size for name, column in (poses | images).items() if column.ndim}
        if names is not None:
            lengths["image_names"] = len(names)
        n = _read_number_of_particles(lengths)
        self.__setstate__(
            {name: np.broadcast_to(column, n).copy() for name, column in poses.items()}
            | {name: _unless_all_are_equal(values) for name, values in images.items()}
            | {"image_names": names}
        )

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Keep these values, arrays read-only: a copied or unpickled array can be written to."""
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        vars(self).update(state)

    def __len__(self) -> int:
        """Return how many particles there are."""
        return self.rot.size

    def __repr__(self) -> str:
        """Say how many particles there are, and what is known of their images."""
        known = [f"{len(self)} particle{'' if len(self) == 1 else 's'}"]
        for name in _IMAGES:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                known.append(f"{name}={value.min()} to {value.max()}")
            elif value is not None:
                known.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(known)})"


def _read_column(name: str, value: ArrayLike) -> NDArray[np.float64]:
    column = read_reals(name, value)
    if column.ndim > 1:
        msg = f"{name}: expected a number or one a particle, got shape {column.shape}"
        raise ValueError(msg)
    check_finite(name, column)
    return column


def _read_above_0(name: str, value: ArrayLike) -> NDArray[Any]:
    values = _read_column(name, value)
    whole = name == "image_size"
    wrong = values[(values <= 0) | (whole & (values != np.rint(values)))]
    if wrong.size:
        msg = f"{name}: expected {'whole ' if whole else ''}numbers above 0, got {wrong[0]}"
        raise ValueError(msg)
    return values.astype(np.int64) if whole else values


def _read_number_of_particles(lengths: Mapping[str, int]) -> int:
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        msg = f"expected values of equally many particles, at least one, got {found}"
        raise ValueError(msg)
    return next(iter(lengths.values()), 1)


def _unless_all_are_equal(values: NDArray[Any]) -> float | NDArray[Any]:
    first: float = values.flat[0].item()
    return first if np.all(values == first) else values.copy()
