"""Copies of a model that commands make: of a crystal, a point group or a helix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from scipy.spatial import cKDTree

import numbavol
from numbavol.arguments import check_fits_in_memory
from numbavol.cli.model_options import CRYSTAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.cli.model_options import ModelOptions

# Atoms, and the Gaussians that are made of them: measured, at the peak.
BYTES_AN_ATOM = 500
# Nearer than any bond; copies of atoms on an axis are one in a hundred at most.
CLASH_IN_ANGSTROMS, LARGEST_SHARE_ON_AXES = 0.8, 0.02
SAMPLED_ATOMS = 2000


class Copies(NamedTuple):
    """Models with their copies, and what is to be said of them."""

    models: list[Atoms]
    notes: list[str]
    problems: list[str]


def copy_models(
    models: Sequence[Atoms],
    filename: Path,
    options: ModelOptions,
    box_center: NDArray[np.float64] | None,
) -> Copies:
    """Make the copies of a crystal or a point group, and then those of a helix.

    Parameters
    ----------
    models
        In the coordinates of the file.
    filename, options
        Which copies.
    box_center
        That of the map that the model lies in, ``(3,)``; None where there is none.

    Raises
    ------
    click.UsageError
        If there is no box, and copies are to be around its centre.
    MemoryError
        If they do not fit.
    """
    copies = Copies(list(models), [], [])
    if options.symmetry == CRYSTAL:
        crystal = numbavol.read_crystal_operators(filename)
        copies = _repeat(copies, "--symmetry", *crystal)
        copies.notes.append(f"{len(crystal.rotations)} copies in the unit cell")
    elif options.symmetry is not None:
        rotations = numbavol.make_symmetry_rotations(options.symmetry).as_matrix()
        center, described = _find_center(options, box_center)
        moves = center - rotations @ center
        copies = _repeat(copies, "--symmetry", rotations, moves)
        copies.notes.append(
            f"{len(rotations)} copies by symmetry {options.symmetry} around {described}"
        )
        copies.problems.extend(_find_clashes(models, rotations, moves))
    if options.helix is not None:
        before = copies.models
        helix = numbavol.make_helical_operators(*options.helix)
        center, described = _find_center(options, box_center)
        moves = helix.translations + center - helix.rotations @ center
        copies = _repeat(copies, "--helix", helix.rotations, moves)
        copies.notes.append(f"{len(moves)} copies along a helix around {described}")
        copies.problems.extend(_find_clashes(before, helix.rotations, moves))
    return copies


def _repeat(
    copies: Copies, option: str, rotations: NDArray[np.float64], moves: NDArray[np.float64]
) -> Copies:
    n_atoms = sum(map(len, copies.models))
    what = f"{len(moves)} copies of {n_atoms} atoms"
    check_fits_in_memory(option, what, len(moves) * n_atoms * BYTES_AN_ATOM)
    return copies._replace(models=[atoms.repeat(rotations, moves) for atoms in copies.models])


def _find_center(
    options: ModelOptions, box_center: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], str]:
    given: Any = options.symmetry_center
    if given == "origin":
        return np.zeros(3), "the file's origin"
    if given == "box" and box_center is None:
        msg = "--symmetry-center: box is that of a map that is given, and there is none"
        raise click.UsageError(msg)
    center = np.array(box_center if given == "box" else given)
    x, y, z = center.tolist()
    return center, f"({x:.6g}, {y:.6g}, {z:.6g}) A" + (", the box's middle" * (given == "box"))


def _find_clashes(
    models: Sequence[Atoms], rotations: NDArray[np.float64], moves: NDArray[np.float64]
) -> list[str]:
    """Say whether copies lie in each other: those of the first model, each by some of its atoms."""
    positions = models[0].positions
    if len(positions) == 0:
        return []
    middle = positions.mean(axis=0)
    tree = cKDTree(positions)
    radius = float(np.linalg.norm(positions - middle, axis=1).max())
    sampled = positions[:: -(-len(positions) // SAMPLED_ATOMS)]
    is_in_another = np.zeros(len(sampled), bool)
    identity = np.argmin(
        np.linalg.norm(rotations - np.eye(3), axis=(1, 2)) + np.linalg.norm(moves, axis=1)
    )
    for number, (rotation, move) in enumerate(zip(rotations, moves, strict=True)):
        away = np.linalg.norm(rotation @ middle + move - middle)
        if number == identity or away > 2 * radius + CLASH_IN_ANGSTROMS:
            continue
        nearest, _ = tree.query(
            sampled @ rotation.T + move, distance_upper_bound=CLASH_IN_ANGSTROMS
        )
        is_in_another |= np.isfinite(nearest)
    share = float(is_in_another.mean())
    if share <= LARGEST_SHARE_ON_AXES:
        return []
    problem = (
        f"{share:.0%} of atoms are within {CLASH_IN_ANGSTROMS:g} A of another copy's: copies "
        "coincide or run into each other. --symmetry-center says where the axis is"
    )
    return [problem]
