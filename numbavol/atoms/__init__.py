"""Atoms: what is in a structure file, and how atoms scatter electrons.

==========================  =====================================================
``reading.py``              `read_atoms_from_pdb`: a file to arrays of atoms
``atoms.py``                `Atoms`: atoms as one value, to slice, mask and copy
``labels.py``               `AtomLabels`: what they are called
``loading.py``              `load_atoms`: a file to the atoms that are meant
``load_options.py``         the options of `load_atoms`
``hydrogens.py``            hydrogens that a file does not have
``sites.py``                alternates, and what is odd about a site
``assemblies.py``           copies of atoms that a file says belong together
``summary.py``              `describe_structure`: a file to a few facts about it
``scattering_factors.py``   `PengScatteringFactorParameters`: elements to Gaussians
``b_factors.py``            `b_factor_to_variance` and back
``anisotropy.py``           anisotropic B-factors, and isotropic ones for them
``making_structures.py``    atoms to a `gemmi.Structure`
``structure_file.py``       bytes on disk to a `gemmi.Structure`, with plain errors
``pdb_columns.py``          PDB columns that gemmi would misread, put right
``atom_table.py``           a `gemmi.Structure` to arrays
==========================  =====================================================

gemmi reads the files and holds the tables; nothing here knows a volume.
"""

from __future__ import annotations

from numbavol.atoms.assemblies import CrystalOperators, read_crystal_operators
from numbavol.atoms.atoms import Atoms
from numbavol.atoms.b_factors import b_factor_to_variance, variance_to_b_factor
from numbavol.atoms.labels import AtomLabels
from numbavol.atoms.loading import StructureWarning, load_atoms
from numbavol.atoms.reading import AtomProperties, read_atoms_from_pdb
from numbavol.atoms.scattering_factors import (
    PengScatteringFactorParameters,
    read_atomic_numbers,
)
from numbavol.atoms.summary import StructureSummary, describe_structure

__all__ = [
    "AtomLabels",
    "AtomProperties",
    "Atoms",
    "CrystalOperators",
    "PengScatteringFactorParameters",
    "StructureSummary",
    "StructureWarning",
    "b_factor_to_variance",
    "describe_structure",
    "load_atoms",
    "read_atomic_numbers",
    "read_atoms_from_pdb",
    "read_crystal_operators",
    "variance_to_b_factor",
]
