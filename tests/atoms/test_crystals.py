"""The copies of a unit cell."""

from __future__ import annotations

import re
from pathlib import Path

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import numbavol
from numbavol.atoms import load_atoms, read_crystal_operators
from numbavol.data import enterotoxin

# 3AL1 has a site whose occupancies sum to more than 1.
pytestmark = pytest.mark.filterwarnings("ignore::numbavol.StructureWarning")
PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
ATOM = "ATOM      1  CA  GLY A   1       3.000   4.000   5.000  1.00 10.00           C"
CELL = "CRYST1   20.000   30.000   40.000  90.00  90.00  90.00 {:11}"
# A twofold axis along z, at the origin.
COPY = [
    "MTRIX1   2 -1.000000  0.000000  0.000000        0.00000    {}",
    "MTRIX2   2  0.000000 -1.000000  0.000000        0.00000    {}",
    "MTRIX3   2  0.000000  0.000000  1.000000        7.00000    {}",
]
# Lengths and angles that each system allows.
SYSTEMS = {
    "triclinic": (20, 25, 30, 80, 95, 105),
    "monoclinic": (20, 25, 30, 90, 100, 90),
    "orthorhombic": (20, 25, 30, 90, 90, 90),
    "tetragonal": (20, 20, 30, 90, 90, 90),
    "trigonal": (20, 20, 30, 90, 90, 120),
    "hexagonal": (20, 20, 30, 90, 90, 120),
    "cubic": (20, 20, 20, 90, 90, 90),
}
# In the settings of the standard: the other ones need other angles.
GROUPS = [group for group in gemmi.spacegroup_table() if group.is_reference_setting()]


def write(folder: Path, *lines: str) -> Path:
    path = folder / "crystal.pdb"
    path.write_text("\n".join([*lines, ATOM, "END", ""]))
    return path


def inverse_of(cell: gemmi.UnitCell) -> np.ndarray:
    return np.array(cell.frac.mat.tolist())


@pytest.mark.parametrize("path", [enterotoxin(), PEPTIDE], ids=["1tii", "3al1"])
def test_the_cell_is_gemmis(path: Path) -> None:
    structure = gemmi.read_structure(str(path))
    atoms = load_atoms(path)
    operators = read_crystal_operators(path)
    assert len(operators.rotations) == len(structure.find_spacegroup().operations())
    inverse = inverse_of(structure.cell)
    made = atoms.repeat(*operators).positions @ inverse.T
    structure.transform_to_assembly("unit_cell", gemmi.HowToNameCopiedChain.AddNumber)
    gemmis = np.array([site.atom.pos.tolist() for site in structure[0].all()]) @ inverse.T
    assert len(made) == len(gemmis)
    # Of each the nearest of the other, whatever the cell.
    distances, nearest = cKDTree(gemmis % 1.0, boxsize=1.0).query(made % 1.0)
    assert distances.max() < 1e-9
    assert len(np.unique(nearest)) == len(made)


@pytest.mark.parametrize("path", [enterotoxin(), PEPTIDE], ids=["1tii", "3al1"])
def test_all_copies_have_their_centre_in_the_cell_of_the_first(path: Path) -> None:
    atoms, operators = load_atoms(path), read_crystal_operators(path)
    inverse = inverse_of(gemmi.read_structure(str(path)).cell)
    centers = operators.rotations @ atoms.center_of_mass + operators.translations
    cells = np.floor(centers @ inverse.T)
    np.testing.assert_array_equal(cells, np.broadcast_to(cells[0], cells.shape))
    # What is deposited stays where it is.
    np.testing.assert_allclose(operators.rotations[0], np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(operators.translations[0], 0.0)


@given(
    group=st.sampled_from(GROUPS),
    fractional=st.tuples(*[st.floats(-2.0, 3.0)] * 3),
)
def test_the_copies_are_those_of_the_space_group(
    tmp_path_factory: pytest.TempPathFactory,
    group: gemmi.SpaceGroup,
    fractional: tuple[float, float, float],
) -> None:
    structure = gemmi.read_pdb_string(ATOM)
    structure.cell = gemmi.UnitCell(*SYSTEMS[group.crystal_system_str()])
    structure.spacegroup_hm = group.xhm()
    position = structure.cell.orthogonalize(gemmi.Fractional(*fractional))
    structure[0][0][0][0].pos = position
    path = tmp_path_factory.mktemp("crystal") / "crystal.cif"
    path.write_text(structure.make_mmcif_document().as_string())
    operators = read_crystal_operators(path)
    atoms = load_atoms(path)
    inverse = inverse_of(structure.cell)
    made = atoms.repeat(*operators).positions @ inverse.T
    point = (inverse @ atoms.positions[0]).tolist()
    expected = np.array([operator.apply_to_xyz(point) for operator in group.operations()])
    differences = made - expected
    np.testing.assert_allclose(differences, np.round(differences), atol=1e-9)
    # But for what rounding may do at the edge of a cell.
    within = made - np.floor(made[0] + 1e-6)
    assert within.min() > -3e-6
    assert within.max() < 1.0


@pytest.mark.parametrize(("flag", "n_copies"), [(" ", 4), ("1", 2)])
def test_copies_that_the_file_does_not_give_are_made_too(
    tmp_path: Path, flag: str, n_copies: int
) -> None:
    path = write(tmp_path, CELL.format("P 1 21 1"), *(line.format(flag) for line in COPY))
    positions = load_atoms(path).repeat(*read_crystal_operators(path)).positions
    expected = np.array([[3.0, 4, 5], [17, 26, 12], [17, 19, 35], [3, 11, 28]])
    if flag == "1":
        expected = expected[[0, 2]]
    assert len(positions) == n_copies
    np.testing.assert_allclose(positions, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "expected a crystal, the file has no unit cell"),
        (["CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1"], "has no unit cell"),
        ([CELL.format("Q 7")], "its space group 'Q 7' is none"),
        ([CELL.format("")], "its space group '' is none"),
        ([CELL.format("P 2 3")], "its space group 'P 2 3' does not fit its unit cell"),
    ],
)
def test_what_is_no_crystal_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{message}"):
        read_crystal_operators(path)


@pytest.mark.compiled
def test_the_map_of_a_crystal_is_the_sum_of_its_copies() -> None:
    atoms, operators = load_atoms(PEPTIDE), read_crystal_operators(PEPTIDE)
    crystal = atoms.repeat(*operators)
    center = crystal.center_of_mass
    maps = []
    for part in (crystal, crystal[: len(atoms)], crystal[len(atoms) :]):
        volume = numbavol.make_gaussian_mixture(part)
        moved = numbavol.GaussianMixtureVolume(
            part.positions - center, volume.amplitudes, volume.variances
        )
        maps.append(numbavol.GaussianMixtureRenderFn((64,) * 3, 1.0, tolerance=0)(moved))
    np.testing.assert_allclose(maps[0], maps[1] + maps[2], atol=2e-6 * maps[0].max())
