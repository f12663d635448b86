"""`HydrationLayer`: solvent whose density has the layers that water forms around a protein."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import gemmi
import numpy as np
from scipy.ndimage import binary_dilation
from scipy.special import erf

from numbavol.imaging.solvent import CARBON, LARGEST_RADIUS, AbstractSolvent, read_solvent
from numbavol.imaging.water import ICE_POTENTIAL
from numbavol.kernels.dispatch import find_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.imaging.point_grid import PointGrid

# Van der Waals radii in angstroms by atomic number; other elements have gemmi's.
RADII = {6: 1.7, 7: 1.55, 8: 2.0, 15: 1.8, 16: 1.8}
# From a surface, in angstroms: beyond, the density differs from 1 by less than 1e-5.
FARTHEST = 10.0
# In angstroms: solvent reaches so far from a probe's surface, to the centres of atoms.
REACH_FROM_PROBE = 2.0
# Five distances, three marks, and places on a surface.
BYTES_A_POINT = 32


class HydrationProfile(NamedTuple):
    """Density of water over that of bulk water, by the distance from a surface in angstroms.

    A step at `edge`, plus a shell that water is denser in, and one that it is thinner in.
    """

    edge: float
    shells: tuple[tuple[float, float, float], ...]
    """Height, place and width of each."""

    def evaluate(self, distances: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Evaluate the density at distances.

        Parameters
        ----------
        distances
            In angstroms, of any shape.

        Returns
        -------
        NDArray
            1 far away and 0 deep inside, of the same shape and precision.
        """
        real = distances.dtype.type
        density: NDArray[np.floating[Any]] = (1 + erf(distances - real(self.edge))) * real(0.5)
        for height, place, width in self.shells:
            density += real(height) * np.exp(-(((distances - real(place)) / real(width)) ** 2))
        return density


POLAR = HydrationProfile(0.5, ((0.20, 1.7, 2.5), (-0.15, 3.0, 1.5)))
NONPOLAR = HydrationProfile(1.0, ((0.15, 2.2, 2.5), (-0.12, 3.6, 1.2)))


@dataclasses.dataclass(frozen=True)
class HydrationLayer(AbstractSolvent):
    r"""Solvent whose density depends on the distance from the molecule, as in simulations of water.

    With the distance d in angstroms from the nearest atom's van der Waals surface, the density over
    that of the bulk is

    .. math:: g(d) = \tfrac{1}{2} [1 + \operatorname{erf}(d - e)] +
              h_1 e^{-[(d - d_1) / w_1]^2} - h_2 e^{-[(d - d_2) / w_2]^2},

    where e, h, d and w are 0.5; 0.20, 1.7, 2.5; 0.15, 3.0, 1.5 near nitrogen, oxygen and whatever
    else is polar, and 1.0; 0.15, 2.2, 2.5; 0.12, 3.6, 1.2 near carbon. The Gaussians leave some
    hundredths inside of atoms. The radii are 1.7 (C), 1.55 (N), 2.0 (O) and 1.8 angstroms (S, P),
    and those of gemmi for other elements. The potential is `k_sol` times ``g - 1``, sampled on a
    whole number of points a voxel, at most 0.5 angstroms apart, and averaged over voxels.

    Cavities that no probe fits in hold no solvent: there is some only within `probe_radius` and 2
    angstroms of the places that the centre of a probe can be at, whether or not it can come there
    from outside. (The original grows each of those to the centre of the nearest atom.)

    Parameters
    ----------
    probe_radius
        Radius of a molecule of water in angstroms.
    k_sol
        Rescaled potential of bulk solvent in inverse square angstroms. By default that of vitreous
        ice of 0.93 grams per cubic centimetre made of independent atoms, 4.53 V.
    b_sol
        B-factor in square angstroms that smooths the boundary further.

    Raises
    ------
    ValueError
        If a number is not finite, or the radius or the B-factor is below 0.

    Notes
    -----
    The numbers are those of the authors' program, SolventAndProteinDensity.m.

    References
    ----------
    Shang & Sigworth (2012), Journal of Structural Biology 180, 10-16.

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.Atoms.from_arrays([[0.0, 0.0, 0.0]], 8)
    >>> around = numbavol.HydrationLayer(k_sol=1.0).render(atoms, (1, 1, 25), 1.0)
    >>> print((1 + around[0, 0, 12:20]).round(2))  # from the centre of an oxygen outwards
    [0.04 0.09 0.39 0.91 1.08 1.   0.99 1.01]
    """

    _: dataclasses.KW_ONLY
    probe_radius: float = 1.7
    k_sol: float = ICE_POTENTIAL
    b_sol: float = 0.0

    def __post_init__(self) -> None:
        """Read the arguments."""
        read_solvent(self, ("probe_radius",))

    @property
    def _reach(self) -> float:
        return LARGEST_RADIUS + FARTHEST + self._growth

    @property
    def _growth(self) -> float:
        return self.probe_radius + REACH_FROM_PROBE

    def _displace(self, atoms: Atoms, points: PointGrid) -> NDArray[np.float32]:
        padded, inner = points.pad(self._growth)
        padded.check_memory(BYTES_A_POINT)
        is_carbon = atoms.atomic_numbers == CARBON
        centers, radii = atoms.positions - padded.first, _find_radii(atoms)
        reach = float(radii.max()) + FARTHEST
        from_carbon, from_polar = (
            _measure(padded, centers[chosen], radii[chosen], reach)
            for chosen in (is_carbon, ~is_carbon)
        )
        distances = np.minimum(from_carbon, from_polar)
        holds_probe = distances > self.probe_radius
        # The outermost of these places stand for all.
        edge = np.argwhere(holds_probe & binary_dilation(~holds_probe))
        places = edge[:, ::-1] * padded.spacing
        from_probe = _measure(padded, places, np.zeros(len(places)), self._growth)
        is_wet = (holds_probe | (from_probe < np.inf))[inner]
        distances, is_polar = distances[inner], (from_polar <= from_carbon)[inner]
        displaced = np.where(is_wet, np.float32(0), np.float32(1))
        is_near = is_wet & (distances < FARTHEST)
        for profile, chosen in ((POLAR, is_near & is_polar), (NONPOLAR, is_near & ~is_polar)):
            displaced[chosen] = 1 - profile.evaluate(distances[chosen])
        return displaced


def _find_radii(atoms: Atoms) -> NDArray[np.float64]:
    """Return the van der Waals radius of each atom, in angstroms."""
    numbers, inverse = np.unique(atoms.atomic_numbers, return_inverse=True)
    radii = [RADII.get(int(z), gemmi.Element(int(z)).vdw_r) for z in numbers]
    found: NDArray[np.float64] = np.array(radii)[inverse]
    return found


def _measure(
    points: PointGrid, centers: NDArray[np.float64], radii: NDArray[np.float64], reach: float
) -> NDArray[np.float32]:
    """Measure how far points are from the nearest sphere: infinitely, if none is within reach."""
    distances = np.full(points.shape, np.inf, np.float32)
    measure = find_kernel("lower_to_distances", "cpu")
    measure(distances, centers, radii, reach, points.spacing, 0, len(distances))
    return distances
