"""Volumes that are drawn at random: one of several, or atoms that are displaced."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.atoms import Atoms, b_factor_to_variance
from numbavol.atoms.load_options import LoadOptions
from numbavol.atoms.loading import center_together, load_with_notes
from numbavol.kernels.dispatch import find_device_of
from numbavol.values import ArrayValue, FrozenArrays, freeze
from numbavol.volumes.base import AbstractVolumeParametrization, AbstractVolumeRepresentation
from numbavol.volumes.gaussian_mixture import GaussianMixtureVolume
from numbavol.volumes.tabulated import make_gaussian_mixture

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EnsembleVolume(FrozenArrays, ArrayValue, AbstractVolumeParametrization):
    """One of several volumes, drawn by their weights.

    Parameters
    ----------
    volumes
        The volumes; those may be random themselves.
    weights
        How often each is drawn, ``(n,)``, in any unit; all alike by default.

    Raises
    ------
    TypeError
        If they are no list, or one is no volume.
    ValueError
        If there are none, or the weights are not as many numbers of at least 0.

    Examples
    --------
    >>> import numbavol
    >>> one = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    >>> other = numbavol.GaussianMixtureVolume([[5.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    >>> ensemble = numbavol.EnsembleVolume((one, other), weights=[1.0, 3.0])
    >>> ensemble.get_representation(rng=0) is other
    True
    """

    volumes: tuple[AbstractVolumeParametrization, ...]
    weights: NDArray[np.float64] = None  # type: ignore[assignment]  # read below

    if TYPE_CHECKING:

        def __init__(
            self,
            volumes: Sequence[AbstractVolumeParametrization],
            weights: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments; the weights sum to 1."""
        given_volumes: object = self.volumes
        if not np.iterable(given_volumes):
            msg = f"volumes: expected a list of volumes, got {type(given_volumes).__name__}"
            raise TypeError(msg)
        volumes: tuple[object, ...] = tuple(self.volumes)
        if not volumes:
            msg = "volumes: expected one or more, got none"
            raise ValueError(msg)
        for volume in volumes:
            if not isinstance(volume, AbstractVolumeParametrization):
                msg = f"volumes: expected volumes, got {type(volume).__name__}"
                raise TypeError(msg)
        weights: Any = self.weights
        given = read_reals("weights", np.ones(len(volumes)) if weights is None else weights)
        check_finite("weights", given)
        if given.shape != (len(volumes),) or np.any(given < 0) or not given.sum() > 0:
            msg = (
                f"weights: expected {len(volumes)} numbers of at least 0, not all of them 0, "
                f"got {weights!r}"
            )
            raise ValueError(msg)
        object.__setattr__(self, "volumes", volumes)
        object.__setattr__(self, "weights", freeze(given / given.sum()))

    @classmethod
    def from_models(
        cls,
        filename: str | os.PathLike[str],
        weights: ArrayLike | None = None,
        **options: Any,
    ) -> Self:
        """Take the models of a structure file, of an NMR experiment or a simulation.

        Parameters
        ----------
        filename
            PDB or mmCIF, gzipped or not.
        weights
            How often each model is drawn, ``(n,)``; all alike by default.
        **options
            Those of `numbavol.load_atoms`, but for `models`.

        Returns
        -------
        EnsembleVolume
            Of Gaussians; the centre of mass of the first model is the origin of all.

        Raises
        ------
        OSError, ValueError
            As `numbavol.load_atoms` does, or if nothing is left of a model.

        Examples
        --------
        >>> import numbavol
        >>> numbavol.EnsembleVolume.from_models(numbavol.data.enterotoxin())
        EnsembleVolume(1 volume)
        """
        loaded = load_with_notes(filename, LoadOptions(models="all", **options))
        loaded.warn(filename, stacklevel=2)
        moved, _ = center_together(loaded.models)
        return cls(tuple(make_gaussian_mixture(each) for each in moved), weights)

    def __repr__(self) -> str:
        """Say how many volumes there are."""
        n = len(self.volumes)
        return f"{type(self).__name__}({n} volume{'' if n == 1 else 's'})"

    def choose(self, rng: np.random.Generator) -> int:
        """Draw the number of a volume.

        Parameters
        ----------
        rng
            The generator.

        Returns
        -------
        int
            From 0 on.
        """
        return int(rng.choice(len(self.volumes), p=self.weights))

    def get_representation(
        self, rng: np.random.Generator | int | None = None
    ) -> AbstractVolumeRepresentation:
        """Draw one of the volumes.

        Parameters
        ----------
        rng
            A generator, or a seed.

        Returns
        -------
        AbstractVolumeRepresentation
            The volume itself, or a draw of it.
        """
        generator = np.random.default_rng(rng)
        return self.volumes[self.choose(generator)].get_representation(generator)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ThermalVolume(FrozenArrays, ArrayValue, AbstractVolumeParametrization):
    r"""Atoms that are displaced at random, by their B-factors.

    Each coordinate of an atom is normal with the variance :math:`B / 8 \pi^2`, so that the mean
    over many draws is the map with these B-factors. Atoms move independently of each other.

    Parameters
    ----------
    volume
        The atoms at rest, without their B-factors.
    b_factors
        In square angstroms, of at least 0: one, or ``(n,)`` with one a position.

    Raises
    ------
    TypeError
        If the volume is not a `GaussianMixtureVolume`.
    ValueError
        If there are not as many B-factors, or one is below 0.

    References
    ----------
    Trueblood et al. (1996), Acta Crystallographica A52, 770-781.

    Examples
    --------
    >>> import numbavol
    >>> atom = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    >>> thermal = numbavol.ThermalVolume(atom, b_factors=80.0)
    >>> thermal.get_representation(rng=0).positions.round(2)
    array([[ 0.13, -0.13,  0.64]])
    """

    volume: GaussianMixtureVolume
    b_factors: NDArray[np.float64]

    if TYPE_CHECKING:

        def __init__(self, volume: GaussianMixtureVolume, b_factors: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        still: object = self.volume
        if not isinstance(still, GaussianMixtureVolume):
            msg = f"volume: expected a GaussianMixtureVolume, got {type(still).__name__}"
            raise TypeError(msg)
        n = len(still.positions)
        given = read_reals("b_factors", self.b_factors)
        check_finite("b_factors", given)
        if given.shape not in [(), (n,)] or np.any(given < 0):
            msg = (
                f"b_factors: expected one number or {n}, of at least 0, got shape {given.shape}, "
                f"the lowest {given.min(initial=np.inf):g}"
            )
            raise ValueError(msg)
        object.__setattr__(self, "b_factors", freeze(np.broadcast_to(given, n)))

    @classmethod
    def from_atoms(cls, atoms: Atoms) -> Self:
        """Take atoms as `numbavol.load_atoms` reads them, and their B-factors.

        Parameters
        ----------
        atoms
            The atoms; the origin of the volume is that of their positions.

        Returns
        -------
        ThermalVolume
            By the scattering factors of Peng et al. (1996), weighted by occupancies.

        Raises
        ------
        ValueError
            If a B-factor is below 0, or there is no factor for an element.
        """
        still = dataclasses.replace(atoms, b_factors=np.zeros(len(atoms)))
        return cls(make_gaussian_mixture(still), atoms.b_factors)

    def __repr__(self) -> str:
        """Say how many positions there are, and how far they move."""
        n = len(self.b_factors)
        if n == 0:
            return f"{type(self).__name__}(0 positions)"
        deviation = math.sqrt(float(np.mean(b_factor_to_variance(self.b_factors))))
        return f"{type(self).__name__}({n} positions, {deviation:.2g} A)"

    def get_representation(
        self, rng: np.random.Generator | int | None = None
    ) -> GaussianMixtureVolume:
        """Draw the displacements.

        Parameters
        ----------
        rng
            A generator, or a seed.

        Returns
        -------
        GaussianMixtureVolume
            With other positions.
        """
        deviations = np.sqrt(b_factor_to_variance(self.b_factors))[:, np.newaxis]
        moves = np.random.default_rng(rng).standard_normal(self.volume.positions.shape)
        # What is on a device is moved on the host, where the draw is.
        still = find_device_of(self.volume.positions).fetch(self.volume.positions)
        positions = still + deviations * moves
        return dataclasses.replace(self.volume, positions=positions)
