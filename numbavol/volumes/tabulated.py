"""Volumes of atoms by tabulated scattering factors, which count by their occupancy."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from numbavol.arguments import check_fits_in_memory, check_flag, check_is_a
from numbavol.atoms import Atoms, PengScatteringFactorParameters, load_atoms
from numbavol.volumes.gaussian_mixture import GaussianMixtureVolume
from numbavol.volumes.independent_atoms import IndependentAtomVolume

if TYPE_CHECKING:
    import os

# Of five Gaussians while they are made: measured.
BYTES_AN_ATOM = 300


@overload
def load_tabulated_volume(
    filename: str | os.PathLike[str],
    *,
    output_type: type[GaussianMixtureVolume] = ...,
    center: bool = True,
    **options: Any,
) -> GaussianMixtureVolume: ...
@overload
def load_tabulated_volume(
    filename: str | os.PathLike[str],
    *,
    output_type: type[IndependentAtomVolume],
    center: bool = True,
    **options: Any,
) -> IndependentAtomVolume: ...
def load_tabulated_volume(
    filename: str | os.PathLike[str],
    *,
    output_type: type[GaussianMixtureVolume] | type[IndependentAtomVolume] = GaussianMixtureVolume,
    center: bool = True,
    **options: Any,
) -> GaussianMixtureVolume | IndependentAtomVolume:
    """Make the potential of a structure file: its atoms, B-factors and occupancies.

    Parameters
    ----------
    filename
        PDB or mmCIF, gzipped or not.
    output_type
        `GaussianMixtureVolume`, or `IndependentAtomVolume` with a group for each element, B-factor
        and occupancy.
    center
        Whether the centre of mass is moved to the origin.
    **options
        Those of `numbavol.load_atoms`.

    Returns
    -------
    GaussianMixtureVolume or IndependentAtomVolume
        By the scattering factors of Peng et al. (1996), weighted by occupancies.

    Raises
    ------
    TypeError
        If `output_type` is another class, or `center` neither True nor False.
    OSError, ValueError
        As `numbavol.load_atoms` does.

    Examples
    --------
    >>> import numbavol
    >>> numbavol.load_tabulated_volume(numbavol.data.enterotoxin(), waters="drop")
    GaussianMixtureVolume(5469 positions, 5 Gaussians each)
    """
    if output_type not in (GaussianMixtureVolume, IndependentAtomVolume):
        msg = (
            "output_type: expected GaussianMixtureVolume or IndependentAtomVolume, "
            f"got {output_type!r}"
        )
        raise TypeError(msg)
    check_flag("center", center)
    atoms = load_atoms(filename, **options)
    if center:
        atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    if output_type is GaussianMixtureVolume:
        return make_gaussian_mixture(atoms)
    return make_independent_atoms(atoms)


def make_gaussian_mixture(atoms: Atoms) -> GaussianMixtureVolume:
    """Make five Gaussians of every atom, weighted by its occupancy.

    Parameters
    ----------
    atoms
        The atoms; the origin of the volume is that of their positions.

    Returns
    -------
    GaussianMixtureVolume
        With amplitudes ``(n, 5)`` in angstroms.

    Raises
    ------
    TypeError
        If they are no `Atoms`.
    ValueError
        If there is no factor for an element, or a B-factor makes a width 0 or less.
    MemoryError
        If the Gaussians do not fit into the free memory.

    References
    ----------
    Peng, Ren, Dudarev & Whelan (1996), Acta Crystallographica A52, 257-276, equation 3.

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.Atoms.from_arrays([[0.0, 0.0, 0.0]], 6, b_factors=20.0, occupancies=0.5)
    >>> numbavol.make_gaussian_mixture(atoms).amplitudes.sum().round(4)
    np.float64(1.2544)
    """
    check_is_a("atoms", atoms, Atoms)
    n = len(atoms)
    check_fits_in_memory("atoms", f"the mixture of {n} atoms", n * BYTES_AN_ATOM)
    volume = GaussianMixtureVolume.from_tabulated_parameters(
        atoms.positions, PengScatteringFactorParameters(atoms.atomic_numbers), atoms.b_factors
    )
    weights = atoms.occupancies[:, np.newaxis]
    return dataclasses.replace(volume, amplitudes=volume.amplitudes * weights)


def make_independent_atoms(atoms: Atoms) -> IndependentAtomVolume:
    """Group atoms of one element, one B-factor and one occupancy: exactly.

    For whole structures, in which atoms hardly share a B-factor, take
    `IndependentAtomVolume.from_atoms`, which puts similar ones into bins, and knows no occupancies:
    here every group is an object of Python, and 100 000 take seconds.

    Parameters
    ----------
    atoms
        The atoms; the origin of the volume is that of their positions.

    Returns
    -------
    IndependentAtomVolume
        With as many groups as there are different atoms.

    Raises
    ------
    TypeError
        If they are no `Atoms`.
    ValueError
        If there is no factor for an element, or a B-factor makes a width 0 or less.

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.Atoms.from_arrays([[0.0, 0, 0], [9.0, 0, 0]], 6, occupancies=[0.5, 1.0])
    >>> numbavol.make_independent_atoms(atoms)
    IndependentAtomVolume(2 atoms in 2 groups)
    """
    check_is_a("atoms", atoms, Atoms)
    positions, factors = [], []
    for occupancy in np.unique(atoms.occupancies):
        chosen = atoms[atoms.occupancies == occupancy]
        volume = IndependentAtomVolume.from_atoms(
            chosen.positions,
            chosen.atomic_numbers,
            chosen.b_factors,
            b_factor_bins=max(1, len(chosen)),
        )
        weight = float(occupancy)
        positions.append(volume.position_pytree)
        factors.append(tuple(weight * factor for _, factor in volume.groups()))
    return IndependentAtomVolume(tuple(positions), tuple(factors))
