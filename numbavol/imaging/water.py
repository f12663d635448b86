"""Water: how dense its vitreous ice is, and what potential that has."""

from __future__ import annotations

from scipy.constants import Avogadro, angstrom, centi, electron_mass, elementary_charge, hbar, pi

from numbavol.atoms import PengScatteringFactorParameters

# The potential in volts that is one inverse square angstrom, rescaled.
VOLTS_OF_ONE = float(2 * pi * hbar**2 / (electron_mass * elementary_charge) / angstrom**2)
# Of vitreous ice, in grams per cubic centimetre.
ICE_DENSITY = 0.93
MOLAR_MASS = 18.01528


def count_molecules(density: float) -> float:
    """Count the molecules in a cubic angstrom of water.

    Parameters
    ----------
    density
        In grams per cubic centimetre.

    Returns
    -------
    float
        For example 0.0311 for vitreous ice.
    """
    return density / MOLAR_MASS * Avogadro * (angstrom / centi) ** 3


# Of one molecule, in angstroms: the scattering factors of its atoms at frequency 0 (Peng 1996).
AMPLITUDE = float(PengScatteringFactorParameters([8, 1, 1]).a.sum())
# Of vitreous ice everywhere, in inverse square angstroms: 4.53 V.
ICE_POTENTIAL = AMPLITUDE * count_molecules(ICE_DENSITY)
