"""What the solvent around a molecule takes off its potential: `AbstractSolvent`, `BulkSolvent`."""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np
from scipy.sparse import csr_array
from scipy.special import erf

from numbavol.arguments import (
    allocate_zeros,
    read_shape,
    read_voxel_size,
)
from numbavol.atoms import Atoms, StructureWarning, b_factor_to_variance
from numbavol.imaging.point_grid import PointGrid
from numbavol.imaging.water import ICE_POTENTIAL
from numbavol.kernels.tasks import run_tasks
from numbavol.ndimage.parameters import read_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

# In angstroms. A mask of points farther apart misses the shrinking, which is by about 1 A, and
# with it a tenth of a protein's volume.
LARGEST_SPACING = 0.5
# Of any element in gemmi's tables, in angstroms (tests/imaging/test_solvent.py).
LARGEST_RADIUS = 3.5
# A map is worked on in bricks of so many points a side: little memory, and bricks without atoms
# cost nothing.
POINTS_A_BRICK = 192
# In standard deviations: beyond, a Gaussian has 6e-7 of its weight.
REACH_OF_SMOOTHING = 5.0
LEAST_WEIGHT = 1e-8
# A point of gemmi's grid, what is displaced there, and the share of it.
BYTES_A_POINT = 6
# Molecules of life have one and more for each carbon.
LEAST_HYDROGENS_A_CARBON = 0.25
HYDROGEN, CARBON = 1, 6


class AbstractSolvent(ABC):
    """The solvent around a molecule, as the potential that it adds to that of the atoms.

    Solvent everywhere changes nothing in an image but its mean, so that its potential is taken off
    from everything: far away from the molecule there is 0, inside of it about `-k_sol`. The sum of
    this and the potential of the atoms is what stands out against solvent.

    A protein has a mean potential of 8.0 V, what it displaces 4.5 V. Hydrogens, which most files
    lack, are 1.5 V of the former: without them, about 0.57 of the contrast is left
    (``hydrogens="add"`` of `load_atoms` adds them). A water of a crystal displaces more than an
    oxygen alone has: without its hydrogens, it lowers the contrast (``waters="drop"`` leaves waters
    out).

    Examples
    --------
    >>> import numbavol
    >>> issubclass(numbavol.HydrationLayer, numbavol.AbstractSolvent)
    True
    """

    k_sol: float
    """Rescaled potential of the solvent, in inverse square angstroms."""
    b_sol: float
    """B-factor that smooths the solvent's boundary, in square angstroms."""

    def render(
        self, atoms: Atoms, shape: Sequence[int], voxel_size: ArrayLike
    ) -> NDArray[np.float32]:
        """Render the potential of the solvent minus that of solvent everywhere.

        Parameters
        ----------
        atoms
            The molecule; atoms outside of the box count where they reach into it. Hydrogens, and
            atoms whose occupancy is 0, displace nothing; all others do in full.
        shape
            Shape (z, y, x) of the map. Position 0 is the centre of voxel ``n // 2`` of each axis.
        voxel_size
            Side of a voxel in angstroms, or its three sides (x, y, z).

        Returns
        -------
        NDArray
            Averages over the voxels in inverse square angstroms, float32 of shape ``shape``: add
            them to the map of the atoms.

        Warns
        -----
        StructureWarning
            If the atoms have carbons, and fewer than one hydrogen for four of them.

        Raises
        ------
        TypeError
            If `atoms` are not `Atoms`.
        ValueError
            If `shape` or `voxel_size` is not as described.
        MemoryError
            If the map, or the points around a part of it, do not fit into the free memory.

        Examples
        --------
        >>> import numbavol
        >>> atoms = numbavol.Atoms.from_arrays([[0.0, 0.0, 0.0]], 8)
        >>> real_voxel_grid = numbavol.BulkSolvent().render(atoms, (16, 16, 16), 1.0)
        >>> real_voxel_grid.argmin() == (8 * 16 + 8) * 16 + 8, real_voxel_grid[0, 0, 0] == 0
        (np.True_, np.True_)
        """
        _check_atoms(atoms)
        lengths = read_shape("shape", shape, 3)
        sides = np.broadcast_to(read_voxel_size("voxel_size", voxel_size), 3)
        heavy = atoms[(atoms.atomic_numbers > 1) & (atoms.occupancies != 0.0)]
        rendered = allocate_zeros("shape", lengths, np.dtype(np.float32))
        if len(heavy) == 0:
            return rendered
        _warn_without_hydrogens(atoms)
        n_points = np.ceil(sides / LARGEST_SPACING).astype(int)
        run_tasks(
            lambda brick: self._render_brick(rendered[brick], heavy, lengths, brick, sides),
            _cut_into_bricks(lengths, n_points),
        )
        return rendered

    def _render_brick(
        self,
        rendered: NDArray[np.float32],
        atoms: Atoms,
        lengths: tuple[int, ...],
        brick: tuple[slice, ...],
        sides: NDArray[np.float64],
    ) -> None:
        deviation = math.sqrt(b_factor_to_variance(self.b_sol))
        axes = [
            _Axis.around(part, n, float(side), deviation)
            for part, n, side in zip(brick[::-1], lengths[::-1], sides, strict=True)
        ]
        points = PointGrid(
            np.array([axis.first for axis in axes]),
            np.array([axis.spacing for axis in axes]),
            (axes[2].n_points, axes[1].n_points, axes[0].n_points),
        )
        near = atoms[points.find_near(atoms.positions, self._reach)]
        if len(near) == 0:
            return
        averages = self._displace(near, points).astype(np.float32, copy=False)
        for number, axis in enumerate(reversed(axes)):
            averages = axis.average(averages, number)
        rendered -= np.float32(self.k_sol) * averages

    @property
    @abstractmethod
    def _reach(self) -> float:
        """How far from a point the centres of atoms may be that matter there, in angstroms."""

    @abstractmethod
    def _displace(self, atoms: Atoms, points: PointGrid) -> NDArray[Any]:
        """Return which share of the solvent is missing at each point, given the atoms in reach."""


@dataclasses.dataclass(frozen=True)
class BulkSolvent(AbstractSolvent):
    r"""Solvent of one potential wherever there is room for it: a mask, smoothed.

    The mask is that of gemmi: points nearer to an atom than its radius and the radius of a probe
    are not solvent, and then the solvent grows back by a little less. The potential is

    .. math:: U = -k_{sol} \, (1 - M) * G, \qquad \hat G = \exp(-B_{sol} k^2 / 4),

    with the mask M, which is 1 in the solvent. M is made on a whole number of points a voxel, at
    most 0.5 angstroms apart, and averaged over voxels. A protein then displaces its partial
    specific volume of 0.73 cubic centimetres a gram, to a few per cent: less on finer points.

    Parameters
    ----------
    probe_radius
        In angstroms, added to the radii of atoms.
    shrink_radius
        In angstroms, by which what is not solvent shrinks again. The defaults, and the radii of
        atoms, are those that gemmi has of cctbx.
    k_sol
        Rescaled potential of the solvent in inverse square angstroms. By default that of vitreous
        ice of 0.93 grams per cubic centimetre made of independent atoms, 4.53 V: that of Peng's
        amplitudes, as is the potential of the molecule.
    b_sol
        B-factor in square angstroms that smooths the boundary. The default is the mean of crystals.

    Raises
    ------
    ValueError
        If a number is not finite, or a radius or the B-factor is below 0.

    References
    ----------
    Jiang & Brunger (1994), Journal of Molecular Biology 243, 100-115 (the mask). Fokine &
    Urzhumtsev (2002), Acta Crystallographica D58, 1387-1392 (its B-factor). Wojdyr (2022), Journal
    of Open Source Software 7, 4200 (gemmi).

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.Atoms.from_arrays([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0]], 8)
    >>> solvent = numbavol.BulkSolvent(k_sol=0.1)
    >>> print(solvent.render(atoms, (1, 1, 9), 2.0)[0, 0, 2:].round(3))
    [-0.    -0.022 -0.067 -0.057 -0.067 -0.022 -0.   ]
    """

    _: dataclasses.KW_ONLY
    probe_radius: float = 1.1
    shrink_radius: float = 0.9
    k_sol: float = ICE_POTENTIAL
    b_sol: float = 46.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        read_solvent(self, ("probe_radius", "shrink_radius"))

    @property
    def _reach(self) -> float:
        return LARGEST_RADIUS + self.probe_radius + self.shrink_radius

    def _displace(self, atoms: Atoms, points: PointGrid) -> NDArray[np.bool_]:
        # gemmi's cell repeats itself: a margin of the reach keeps what comes in again away.
        padded, inner = points.pad(self._reach)
        padded.check_memory(BYTES_A_POINT)
        grid = gemmi.Int8Grid(*padded.shape[::-1])
        lengths = padded.spacing * padded.shape[::-1]
        x, y, z = lengths.tolist()
        grid.set_unit_cell(gemmi.UnitCell(x, y, z, 90, 90, 90))
        grid.spacegroup = gemmi.SpaceGroup("P1")
        masker = gemmi.SolventMasker(gemmi.AtomicRadiiSet.Cctbx)
        masker.rprobe, masker.rshrink = self.probe_radius, self.shrink_radius
        masker.put_mask_on_int8_grid(grid, _make_model(atoms, padded.first))
        displaced: NDArray[np.bool_] = grid.array.T[inner] == 0
        return displaced


def _check_atoms(atoms: object) -> None:
    if not isinstance(atoms, Atoms):
        msg = f"atoms: expected Atoms, as load_atoms returns them, got {type(atoms).__name__}"
        raise TypeError(msg)


def _warn_without_hydrogens(atoms: Atoms) -> None:
    """Warn where there are next to none, three calls up from here."""
    n_hydrogens, n_carbons = (
        np.count_nonzero(atoms.atomic_numbers == number) for number in (HYDROGEN, CARBON)
    )
    if n_hydrogens < LEAST_HYDROGENS_A_CARBON * n_carbons:
        warnings.warn(
            "atoms without hydrogens have about 0.57 of their contrast in solvent: "
            "hydrogens='add' of load_atoms adds them",
            StructureWarning, stacklevel=3,
        )  # fmt: skip


def read_solvent(solvent: AbstractSolvent, radii: Sequence[str]) -> None:
    """Read the numbers of a frozen solvent.

    Parameters
    ----------
    solvent
        Where they are, and go to.
    radii
        Names of lengths that it has besides `k_sol` and `b_sol`.

    Raises
    ------
    ValueError
        If one is not finite, or is below 0 and not `k_sol`.
    """
    for name in ("k_sol", "b_sol", *radii):
        minimum = -math.inf if name == "k_sol" else 0.0
        value = read_number(name, getattr(solvent, name), minimum=minimum)
        object.__setattr__(solvent, name, value)


@dataclasses.dataclass(frozen=True)
class _Axis:
    """An axis of a brick: the edges of its voxels, and points around them."""

    voxel_edges: NDArray[np.float64]
    first: float
    spacing: float
    n_points: int
    deviation: float

    @classmethod
    def around(cls, part: slice, n: int, side: float, deviation: float) -> _Axis:
        n_a_voxel = math.ceil(side / LARGEST_SPACING)
        spacing = side / n_a_voxel
        n_added = math.ceil(REACH_OF_SMOOTHING * deviation / spacing)
        edges = (np.arange(part.start, part.stop + 1) - n // 2 - 0.5) * side
        return cls(
            edges,
            float(edges[0]) + (0.5 - n_added) * spacing,
            spacing,
            (part.stop - part.start) * n_a_voxel + 2 * n_added,
            deviation,
        )

    def average(self, values: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        """Average over the voxels of this axis, of the given number, what is around each point.

        Values are constant in the cell of a point, and smoothed. A Gaussian integrated over a voxel
        and over a cell is a second difference of its second integral.
        """
        point_edges = self.first + (np.arange(self.n_points + 1) - 0.5) * self.spacing
        distances = self.voxel_edges[:, np.newaxis] - point_edges
        if self.deviation == 0.0:
            integrals = np.maximum(distances, 0.0)
        else:
            t = distances / self.deviation
            integrals = self.deviation * (
                t * (1.0 + erf(t / math.sqrt(2.0))) / 2.0
                + np.exp(-(t**2) / 2.0) / math.sqrt(2.0 * math.pi)
            )
        side = self.voxel_edges[1] - self.voxel_edges[0]
        weights = -np.diff(np.diff(integrals, axis=0), axis=1) / side
        weights[weights < LEAST_WEIGHT] = 0.0
        # Few are not 0, and a sparse product makes no threads of its own.
        columns = np.moveaxis(values, number, 0)
        product = csr_array(weights.astype(np.float32)) @ columns.reshape(len(columns), -1)
        averages: NDArray[np.float32] = product.reshape(-1, *columns.shape[1:])
        return np.moveaxis(averages, 0, number)


def _cut_into_bricks(
    lengths: tuple[int, ...], n_points: NDArray[np.int64]
) -> Iterator[tuple[slice, ...]]:
    """Cut a map (z, y, x) whose voxels have so many points along x, y and z."""
    cuts = []
    for n, n_a_voxel in zip(lengths, n_points[::-1].tolist(), strict=True):
        n_bricks = -(-n * n_a_voxel // POINTS_A_BRICK)
        edges = np.linspace(0, n, min(n, n_bricks) + 1).astype(int).tolist()
        cuts.append([slice(low, high) for low, high in itertools.pairwise(edges)])
    return itertools.product(*cuts)


def _make_model(atoms: Atoms, origin: NDArray[np.float64]) -> gemmi.Model:
    """Put atoms into a model of gemmi, which their names do not matter for."""
    residue = gemmi.Residue()
    elements = {int(z): gemmi.Element(int(z)) for z in np.unique(atoms.atomic_numbers)}
    places = (atoms.positions - origin).tolist()
    for place, atomic_number in zip(places, atoms.atomic_numbers.tolist(), strict=True):
        atom = gemmi.Atom()
        atom.pos, atom.element = gemmi.Position(*place), elements[atomic_number]
        residue.add_atom(atom)
    chain, model = gemmi.Chain("A"), gemmi.Model(1)
    chain.add_residue(residue)
    model.add_chain(chain)
    return model
